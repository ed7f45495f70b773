/** Tools for what is to happen on a condition: rules of the device. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import type { JsonSchema } from '../../tools/index.ts';
import { DAYS, describeRule, parseRule, type StoredRule } from '../rules/index.ts';
import type { Action } from './action-gate.ts';
import { actTool, readTool, type DeviceTool, type Input } from './device-tool.ts';
import type { ActionTarget } from './policy.ts';
import { ruleFromSentence } from './rule-sentence.ts';
import type { ToolBench } from './tool-bench.ts';
import { OUTCOME_SCHEMA } from './outcome.ts';

const TEXT = { type: 'string' } as const;
const RULE: JsonSchema = {
  type: 'object',
  properties: { id: TEXT, description: TEXT, source: { enum: ['device', 'model'] } },
  required: ['id', 'description'],
};
const CHANGED: JsonSchema = {
  ...(OUTCOME_SCHEMA as object),
  properties: {
    outcome: { enum: ['done', 'refused', 'needs-approval'] },
    explanation: TEXT,
    rule: RULE,
    approval: { type: 'object' },
  },
};

export function ruleTools(bench: ToolBench, askedBy: () => string): DeviceTool[] {
  return [listRules(bench), addRule(bench, askedBy), removeRule(bench, askedBy)];
}

function listRules({ desk }: ToolBench): DeviceTool {
  return readTool({
    name: 'list_rules',
    description: 'The rules of this device, in words.',
    properties: {},
    outputSchema: {
      type: 'object',
      properties: { rules: { type: 'array', items: RULE } },
      required: ['rules'],
    },
    read: () => ({
      rules: desk.rules.all.map(({ id, description, source }) => ({ id, description, source })),
    }),
  });
}

function addRule(bench: ToolBench, askedBy: () => string): DeviceTool {
  const { desk } = bench;
  const commands = desk.definition.commands.map(({ name }) => name);
  return actTool(
    bench,
    {
      name: 'add_rule',
      description:
        'Lets something happen whenever a condition comes true, for good. Give text, such as "when temperature is above 30 for 5 minutes, notify me", or rule.',
      properties: {
        text: { ...TEXT, maxLength: limits.toolSentenceCharactersMax },
        rule: {
          type: 'object',
          properties: {
            when: conditionSchema(desk.definition),
            between: { type: 'array', items: TEXT, minItems: 2, maxItems: 2 },
            days: { type: 'array', items: { ...TEXT, enum: [...DAYS] }, minItems: 1 },
            zone: TEXT,
            forMs: { type: 'integer', minimum: 0 },
            hysteresis: { type: 'number', minimum: 0 },
            do: {
              type: 'object',
              properties: {
                kind: {
                  ...TEXT,
                  enum: commands.length === 0 ? ['alert', 'notify'] : ['command', 'alert', 'notify'],
                },
                ...(commands.length === 0 ? {} : { name: { ...TEXT, enum: commands }, argument: {} }),
                text: TEXT,
              },
              required: ['kind'],
              additionalProperties: false,
            },
          },
          required: ['when', 'do'],
          additionalProperties: false,
        },
      },
      outputSchema: CHANGED,
      plan: (input) => planOf(bench, ruleOf(bench, input)),
      act: (input, action) => {
        // The id is made as the rule is stored, and not chosen: none of a person is replaced.
        const { id: _, ...rule } = ruleOf(bench, input);
        const stored = desk.rules.add(rule);
        const { id, description, source } = stored;
        bench.noteRule(id, action);
        note(bench, 'added', id, action.by, { description });
        return {
          outcome: 'done',
          explanation: `the rule is set: ${description}`,
          rule: { id, description, source },
        };
      },
    },
    askedBy,
  );
}

/** One condition, or a group of them; `parseRule` says what goes together. */
function conditionSchema({ metrics }: DeviceDefinition): JsonSchema {
  const properties = {
    metric: { ...TEXT, enum: metrics.map(({ name }) => name) },
    op: { ...TEXT, enum: ['>', '>=', '<', '<=', '==', '!='] },
    value: {},
    delta: { type: 'number' },
    rate: { type: 'number' },
    staleFor: { type: 'integer' },
    withinMs: { type: 'integer' },
    hysteresis: { type: 'number', minimum: 0 },
  } as const;
  const { hysteresis: _, ...alone } = properties;
  const group = {
    type: 'array',
    items: { type: 'object', properties, required: ['metric'], additionalProperties: false },
    minItems: 2,
    maxItems: limits.ruleConditionsMax,
  } as const;
  return { type: 'object', properties: { ...alone, all: group, any: group }, additionalProperties: false };
}

function removeRule(bench: ToolBench, askedBy: () => string): DeviceTool {
  const { desk } = bench;
  return actTool(
    bench,
    {
      name: 'remove_rule',
      description: 'Removes a rule of this device.',
      properties: { id: { ...TEXT, maxLength: limits.ruleIdBytesMax } },
      required: ['id'],
      outputSchema: CHANGED,
      isDestructive: true,
      isIdempotent: true,
      plan: (input) => ({ targets: [removalOf(bench, String(input['id']))] }),
      act: (input, action) => {
        const id = String(input['id']);
        desk.rules.remove(id);
        bench.forgetRule(id);
        note(bench, 'deleted', id, action.by, null);
        return { outcome: 'done', explanation: `the rule ${id} is removed` };
      },
    },
    askedBy,
  );
}

/** Checked, with an id that nobody keeps. @throws BridgeError BRG_RULE, BRG_BAD_REQUEST */
function ruleOf(
  { desk }: ToolBench,
  { text, rule }: Input,
): Omit<StoredRule, 'description' | 'createdAtMs' | 'source'> {
  if ((text === undefined) === (rule === undefined))
    throw new BridgeError('BRG_BAD_REQUEST', 'add_rule: give either text, a sentence, or rule');
  const { definition, context } = desk;
  const names = [context.address.model, context.address.id];
  const data = typeof text === 'string' ? ruleFromSentence(text, definition, names) : rule;
  return parseRule(data, definition);
}

function planOf({ desk }: ToolBench, rule: ReturnType<typeof ruleOf>): Pick<Action, 'targets' | 'later'> {
  const said = `by the rule "${describeRule(rule, desk.definition)}"`;
  return { targets: [targetOf(rule)], later: { atMs: null, said, isOnce: false } };
}

function targetOf({ do: action }: Pick<StoredRule, 'do'>): ActionTarget {
  if (action.kind !== 'command') return { kind: 'tools', name: 'add_rule', value: null };
  return { kind: 'commands', name: action.name, value: action.argument ?? null };
}

/** @throws BridgeError BRG_UNKNOWN_RULE, BRG_RULE when it belongs to the model */
function removalOf(bench: ToolBench, id: string): ActionTarget {
  const rule = bench.desk.rules.all.find((one) => one.id === id);
  if (rule === undefined) throw new BridgeError('BRG_UNKNOWN_RULE', `no rule "${id}"; list_rules shows them`);
  if (rule.source === 'model')
    throw new BridgeError(
      'BRG_RULE',
      `rule "${id}" belongs to the model of the device and cannot be removed`,
    );
  const target = { kind: 'tools', name: 'remove_rule', value: null } as const;
  if (bench.isOwnRule(id)) return target;
  return { ...target, isRisky: `a person made the rule "${rule.description}"` };
}

/** After the change. */
function note({ desk }: ToolBench, event: string, subject: string, by: string, detail: unknown): void {
  desk.settleRules();
  desk.parts.rearm();
  const { context } = desk;
  context.audit({ id: context.effectId(), kind: 'rule', event, subject, by, detail });
}
