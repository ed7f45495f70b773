/**
 * Everything that can be wrong in a device definition, found before the bridge starts. Each check
 * throws BRG_DEFINITION naming the model, the place and what is allowed; the first one wins.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { checkPolicy } from './action-policy.ts';
import type { Command, CommandArgument, Metric } from './capability.ts';
import {
  checkBytes,
  checkList,
  checkNumeric,
  checkObject,
  checkText,
  checkWords,
  type Fail,
} from './check-spec.ts';
import { createDecodePlan, decodeMap, type DecodePlan } from './decode.ts';
import type { DeviceDefinitionInput } from './definition.ts';
import { compileTopicPattern, isModel } from './topics.ts';
import { acceptValue, createValueCheck, explainRefusal, showValue, type ValueCheck } from './value.ts';

/** Models the bridge itself answers for. */
const RESERVED_MODELS: ReadonlySet<string> = new Set(['fleet']);
/** Keys of a telemetry map that are not metrics (contract). */
const ENVELOPE_KEYS: readonly string[] = ['ts', 'boot', 'seq'];
const METRIC_NAME = new RegExp(`^[a-z][A-Za-z0-9_-]{0,${limits.nameBytesMax - 1}}$`);
const COMMAND_NAME = new RegExp(`^[a-z][a-z0-9-]{0,${limits.nameBytesMax - 1}}$`);
const DEFINITION_KEYS: readonly string[] = [
  'model',
  'vendor',
  'description',
  'agent',
  'encoding',
  'metrics',
  'commands',
  'topics',
  'rules',
  'policy',
  'sample',
];

/** Checks all of it; answers the plan its payloads will be decoded with. */
export function checkDefinition(definition: DeviceDefinitionInput): DecodePlan {
  const model = showValue(definition?.model);
  const fail: Fail = (place, what, allowed) => {
    throw new BridgeError('BRG_DEFINITION', `device ${model}: ${place} ${what}; allowed is ${allowed}`, {
      details: { model: definition?.model, place },
    });
  };
  checkHead(definition, fail);
  checkMetrics(definition.metrics, fail);
  const plan = createDecodePlan(definition.metrics);
  checkCommands(definition.commands ?? [], plan, fail);
  if (definition.topics?.telemetry !== undefined) {
    const pattern = compileTopicPattern(definition.topics.telemetry);
    if (typeof pattern === 'string')
      fail('topics.telemetry', pattern, 'levels of plain text and one `:id`, such as acme/:id/up');
  }
  checkRules(definition, plan, fail);
  const { metrics, commands = [], policy = {} } = definition;
  checkPolicy(policy, { metrics, commands }, fail);
  checkSample(definition, plan, fail);
  return plan;
}

function checkHead(definition: DeviceDefinitionInput, fail: Fail): void {
  if (typeof definition !== 'object' || definition === null)
    fail('the definition', `is ${showValue(definition)}`, 'an object');
  for (const key of Object.keys(definition)) {
    if (!DEFINITION_KEYS.includes(key))
      fail('the definition', `has an unknown key ${showValue(key)}`, DEFINITION_KEYS.join(', '));
  }
  if (typeof definition.model !== 'string' || !isModel(definition.model))
    fail('model', `is ${showValue(definition.model)}`, '[a-z0-9-], 1 to 64 characters');
  if (RESERVED_MODELS.has(definition.model))
    fail('model', 'is reserved for the bridge itself', 'any other name');
  checkText(definition.description, 'description', fail);
  if (definition.vendor !== undefined) checkText(definition.vendor, 'vendor', fail);
  if (definition.agent !== undefined) checkText(definition.agent, 'agent', fail);
  const { encoding } = definition;
  if (encoding !== undefined && encoding !== 'json' && encoding !== 'cbor')
    fail('encoding', `is ${showValue(encoding)}`, 'json or cbor');
}

function checkMetrics(metrics: readonly Metric[], fail: Fail): void {
  checkList(metrics, 'metrics', 1, limits.metricsPerModelMax, fail);
  const taken = new Map<string | number, string>(ENVELOPE_KEYS.map((key) => [key, 'the envelope']));
  const take = (key: string | number, place: string, metric: Metric): void => {
    const owner = taken.get(key);
    if (owner !== undefined) fail(place, `${showValue(key)} is already used by ${owner}`, 'a key of its own');
    taken.set(key, metric.name);
  };
  for (const [index, metric] of metrics.entries()) {
    if (Array.isArray(metric))
      fail(`metrics[${index}]`, 'is an array', 'a metric; write ...position() with three dots');
    checkObject(metric, `metrics[${index}]`, fail);
    if (typeof metric.name !== 'string' || !METRIC_NAME.test(metric.name) || metric.name in {})
      fail(
        `metrics[${index}].name`,
        `is ${showValue(metric.name)}`,
        'a-z first, then letters, digits, _ and -, up to 64 characters',
      );
    const place = `metric ${metric.name}`;
    take(metric.name, `${place}: name`, metric);
    checkMetric(metric, place, fail);
    if (metric.key !== undefined) {
      if (!/^[A-Za-z]$/.test(metric.key)) fail(`${place}: key`, `is ${showValue(metric.key)}`, 'one letter');
      if (metric.key !== metric.name) take(metric.key, `${place}: key`, metric);
    }
    if (metric.cborKey !== undefined) {
      if (!Number.isInteger(metric.cborKey) || metric.cborKey < 0 || metric.cborKey > 23)
        fail(`${place}: cborKey`, `is ${showValue(metric.cborKey)}`, 'an integer 0..23');
      take(metric.cborKey, `${place}: cborKey`, metric);
    }
  }
}

function checkMetric(metric: Metric, place: string, fail: Fail): void {
  if (!['read', 'write', 'readwrite'].includes(metric.access))
    fail(`${place}: access`, `is ${showValue(metric.access)}`, 'read, write or readwrite');
  switch (metric.kind) {
    case 'numeric':
      return checkNumeric(metric, place, fail);
    case 'enumeration':
      return checkWords(metric.values, place, fail);
    case 'text':
      return checkBytes(metric.bytesMax, place, fail);
    case 'binary':
      return;
    default:
      fail(`${place}: kind`, `is ${showValue(metric.kind)}`, 'numeric, binary, enumeration or text');
  }
}

function checkCommands(commands: readonly Command[], plan: DecodePlan, fail: Fail): void {
  checkList(commands, 'commands', 0, limits.commandsPerModelMax, fail);
  const names = new Set<string>();
  for (const [index, command] of commands.entries()) {
    checkObject(command, `commands[${index}]`, fail);
    if (typeof command.name !== 'string' || !COMMAND_NAME.test(command.name))
      fail(
        `commands[${index}].name`,
        `is ${showValue(command.name)}`,
        'a-z first, then a-z, digits and -, up to 64 characters',
      );
    const place = `command ${command.name}`;
    if (names.has(command.name)) fail(place, 'comes twice', 'each name once');
    names.add(command.name);
    if (command.argument !== null) checkArgument(command.argument, `${place}: argument`, fail);
    checkEffect(command, plan, place, fail);
  }
}

function checkArgument(argument: CommandArgument, place: string, fail: Fail): void {
  switch (argument?.kind) {
    case 'numeric':
      if (argument.min === undefined || argument.max === undefined)
        fail(place, 'has no min or no max', 'both');
      return checkNumeric(argument, place, fail);
    case 'enumeration':
      return checkWords(argument.values, place, fail);
    case 'text':
      return checkBytes(argument.bytesMax, place, fail);
    case 'binary':
      return;
    default:
      fail(place, `is ${showValue(argument)}`, 'null, or one of kind numeric, binary, enumeration or text');
  }
}

function checkEffect(command: Command, plan: DecodePlan, place: string, fail: Fail): void {
  if (command.effect === undefined) return;
  const { metric, value, withinMs = limits.effectMs } = command.effect;
  if (!Number.isInteger(withinMs) || withinMs < 1 || withinMs > limits.effectMaxMs)
    fail(`${place}: effect.withinMs`, `is ${showValue(withinMs)}`, `1 to ${limits.effectMaxMs} ms`);
  const check = knownMetric(metric, plan, `${place}: effect`, fail);
  if (value === 'argument') {
    if (command.argument?.kind !== check.kind)
      fail(`${place}: effect`, `gives ${metric} an argument of another kind`, `a ${check.kind} argument`);
  } else if (acceptValue(check, value) === undefined) {
    fail(`${place}: effect`, `is refused: ${explainRefusal(check, value).reason}`, 'a value of the metric');
  }
}

/** Only what the definition itself can tell; the rules engine checks the rest of a rule. */
function checkRules(definition: DeviceDefinitionInput, plan: DecodePlan, fail: Fail): void {
  const rules = definition.rules ?? [];
  checkList(rules, 'rules', 0, limits.rulesPerAgentMax, fail);
  const ids = new Set<unknown>();
  for (const [index, rule] of rules.entries()) {
    checkObject(rule, `rules[${index}]`, fail);
    checkText(rule['id'], `rules[${index}].id`, fail);
    const place = `rule ${showValue(rule['id'])}`;
    if (ids.has(rule['id'])) fail(place, 'comes twice', 'each id once');
    ids.add(rule['id']);
    const when = field(rule, 'when');
    if (typeof when['metric'] === 'string') knownMetric(when['metric'], plan, `${place}: when`, fail);
    const action = field(rule, 'do');
    const command = (definition.commands ?? []).find(({ name }) => name === action['name']);
    if (action['kind'] !== 'command') continue;
    if (command === undefined)
      fail(
        `${place}: do`,
        `names no command of the model: ${showValue(action['name'])}`,
        'one of its commands',
      );
    if (command.argument === null) continue;
    const check = createValueCheck('argument', command.argument);
    if (acceptValue(check, action['argument']) === undefined)
      fail(
        `${place}: do`,
        `is refused: ${explainRefusal(check, action['argument']).reason}`,
        'an argument of the command',
      );
  }
}

function field(rule: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const value = rule[name];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // narrowed
}

function knownMetric(name: string, plan: DecodePlan, place: string, fail: Fail): ValueCheck {
  return (
    plan.byName.get(name) ??
    fail(place, `names no metric of the model: ${showValue(name)}`, [...plan.byName.keys()].join(', '))
  );
}

function checkSample(definition: DeviceDefinitionInput, plan: DecodePlan, fail: Fail): void {
  const allowed = 'one message as the device sends it';
  const decoded = decodeMap(plan, definition.sample, 'json');
  if ('code' in decoded) fail('sample', `is refused: ${decoded.reason}`, allowed);
  if (decoded.unknownKeys > 0)
    fail('sample', `has ${decoded.unknownKeys} keys the model does not know`, allowed);
  for (const { name, access } of definition.metrics) {
    if (access !== 'write' && !(name in decoded.values))
      fail('sample', `has no ${name}`, 'every metric the device reports');
  }
}
