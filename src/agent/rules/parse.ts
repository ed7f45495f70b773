/**
 * From anything a person or a model wrote to a checked rule. Every refusal is a BRG_RULE whose message
 * names the field, says what is wrong with it and lists what would be right.
 */
import { BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { checkCommandArgument, type DeviceDefinition } from '../../device/index.ts';
import { parseHysteresis, parseWhen } from './parse-condition.ts';
import { durationOf, fieldsOf, refuse, show, textOf } from './parse-fields.ts';
import { parseTiming } from './parse-timing.ts';
import type { Rule, RuleAction, Timing, When } from './rule.ts';
import { spanMsMax } from './span.ts';

const FIELDS = ['id', 'when', 'forMs', 'hysteresis', 'between', 'days', 'zone', 'do'];

/**
 * Checks `input` against the device's definition and returns it as a rule with only the fields it needs.
 * An absent id is made by `makeId`; times of day without a zone are in that of the device's policy, else in the
 * bridge's. Throws BRG_RULE.
 */
export function parseRule(input: unknown, definition: DeviceDefinition, makeId: () => string = newId): Rule {
  const fields = fieldsOf(input, 'rule', FIELDS);
  const when = parseWhen(fields['when'], definition);
  const timing = parseTiming(fields, definition);
  const forMs = parseForMs(fields['forMs'], when, timing);
  const hysteresis = hysteresisOf(fields['hysteresis'], when, definition);
  return {
    id: fields['id'] === undefined ? makeId() : parseId(fields['id']),
    when,
    ...(forMs > 0 && { forMs }),
    ...(hysteresis > 0 && { hysteresis }),
    ...timing,
    do: parseAction(fields['do'], definition),
  };
}

const ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,${limits.ruleIdBytesMax - 1}}$`);

function parseId(input: unknown): string {
  if (typeof input === 'string' && ID.test(input)) return input;
  return refuse(
    'id',
    `must be 1 to ${limits.ruleIdBytesMax} letters, digits, ".", "_", "~" or "-", not ${show(input)}`,
  );
}

function parseForMs(input: unknown, when: When, timing: Timing): number {
  if (input === undefined || input === 0) return 0;
  if ('staleFor' in when) return refuse('forMs', 'does not go with staleFor: make staleFor longer instead');
  const forMs = durationOf(input, 'forMs');
  const mostMs = spanMsMax(timing);
  if (forMs < mostMs) return forMs;
  return refuse('forMs', `must be shorter than the times of the rule, ${mostMs} ms, or it never fires`);
}

function hysteresisOf(input: unknown, when: When, definition: DeviceDefinition): number {
  if (input === undefined || input === 0 || 'metric' in when)
    return 'metric' in when ? parseHysteresis(input, when, definition, 'hysteresis') : 0;
  return refuse('hysteresis', 'belongs into each condition of the group, next to its op');
}

const ACTIONS = {
  command: ['kind', 'name', 'argument'],
  alert: ['kind', 'text'],
  notify: ['kind', 'text'],
  ask: ['kind', 'text'],
} as const;

function parseAction(input: unknown, definition: DeviceDefinition): RuleAction {
  const { kind } = fieldsOf(input, 'do', ['kind', 'name', 'argument', 'text']);
  if (kind !== 'command' && kind !== 'alert' && kind !== 'notify' && kind !== 'ask') {
    return refuse('do.kind', `must be one of ${Object.keys(ACTIONS).join(', ')}, not ${show(kind)}`);
  }
  const fields = fieldsOf(input, 'do', ACTIONS[kind]);
  if (kind !== 'command') return { kind, text: textOf(fields['text'], 'do.text') };
  return parseCommand(fields['name'], fields['argument'], definition);
}

function parseCommand(name: unknown, input: unknown, definition: DeviceDefinition): RuleAction {
  const command = definition.commands.find((one) => one.name === name);
  if (command === undefined) {
    const known = definition.commands.map((one) => one.name).join(', ') || 'none';
    return refuse('do.name', `${definition.model} has no command ${show(name)}; it has ${known}`);
  }
  try {
    const argument = checkCommandArgument(command, input);
    return { kind: 'command', name: command.name, ...(argument != null && { argument }) };
  } catch (cause) {
    if (!(cause instanceof BridgeError)) throw cause;
    return refuse('do.argument', cause.message, cause);
  }
}
