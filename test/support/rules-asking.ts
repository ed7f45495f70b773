/** Sentences put to the rules model, and tools to offer it. */
import { expect } from 'vitest';
import { RulesModel } from '../../src/inference/rules-model.ts';

export type Options = Parameters<RulesModel['doGenerate']>[0];
export type Tools = NonNullable<Options['tools']>;
type Schema = Extract<Tools[number], { type: 'function' }>['inputSchema'];

export const NOW_MS = Date.UTC(2026, 0, 1, 12);
const LABEL = 'No language model is configured; this is the rules engine. ';

export const tool = (
  name: string,
  properties: Record<string, Schema> = {},
  required: string[] = [],
): Tools[number] => ({
  type: 'function',
  name,
  inputSchema: { type: 'object', properties, required },
});

const METRIC: Schema = { enum: ['temperature', 'humidity', 'target', 'heating'] };
export const READ = tool('read_state');
export const HISTORY = tool(
  'read_history',
  {
    metric: METRIC,
    from: { type: 'string' },
    to: { type: 'string' },
    statistic: { enum: ['mean', 'min', 'max'] },
  },
  ['metric', 'from'],
);
export const MINUTES = tool('get_history', { metric: METRIC, minutes: { type: 'integer', minimum: 1 } }, [
  'metric',
  'minutes',
]);
export const COMMAND = tool('send_command', { name: { enum: ['vent', 'stop', 'set-target'] }, value: {} }, [
  'name',
]);
export const TARGET = tool('set_target', { value: { type: 'number', minimum: 5, maximum: 35 } }, ['value']);
export const VENT = tool('set_vent', { position: { enum: ['open', 'closed'] } }, ['position']);
export const START = tool('start');
export const STOP = tool('stop');
export const DESIRED = tool(
  'set_desired',
  { patch: { type: 'object', properties: { target: { type: 'number' }, heating: { type: 'boolean' } } } },
  ['patch'],
);
export const RULES = tool('list_rules');
export const ADD_RULE = tool('add_rule', { text: { type: 'string' } }, ['text']);
export const SCHEDULE = tool('schedule_request', { request: { type: 'string' } }, ['request']);
export const FLEET = tool('read_telemetry', { id: { type: 'string' }, metric: METRIC }, ['id', 'metric']);

/** What the model answers: `{ tool: arguments }`, or its text without the label, which every text has. */
export async function ask(
  text: string,
  tools: Tools = [],
  system = 'You are thermostat t1.',
  more: Partial<Options> = {},
) {
  let count = 0;
  const model = new RulesModel({
    clock: { now: () => NOW_MS, after: () => () => {} },
    id: () => `c${++count}`,
  });
  const { content, finishReason, warnings } = await model.doGenerate({
    prompt: [
      { role: 'system', content: system },
      { role: 'user', content: [{ type: 'text', text }] },
    ],
    tools,
    ...more,
  });
  const [part] = content;
  expect(content).toHaveLength(1);
  expect(warnings[0]).toMatchObject({
    type: 'other',
    message: expect.stringContaining('no language model') as string,
  });
  if (part?.type === 'tool-call') {
    expect(finishReason.unified).toBe('tool-calls');
    return { [part.toolName]: JSON.parse(part.input) as unknown };
  }
  expect(finishReason.unified).toBe('stop');
  const said = part?.type === 'text' ? part.text : '';
  expect(said.startsWith(LABEL)).toBe(true);
  return said.slice(LABEL.length);
}
