/** Rules in words over the API: what a sentence is understood as, with and without keeping it. */
import { describe, expect, test } from 'vitest';
import { definitions } from '../../devices/index.ts';
import { ruleFromSentence } from '../../src/agent/device-tools/rule-sentence.ts';
import { describeRule, parseRule } from '../../src/agent/rules/index.ts';
import { limits } from '../../src/base/limits.ts';
import type { DeviceDefinition } from '../../src/device/index.ts';
import { startBridge } from '../support/bridge.ts';

const SENTENCE = 'when temperature is above 30 for 5 minutes, open the vent';
const UNDERSTOOD = {
  description: 'when temperature is above 30 °C for 5 min: send vent open',
  when: { metric: 'temperature', op: '>', value: 30 },
  forMs: 300_000,
  do: { kind: 'command', name: 'vent', argument: 'open' },
  source: 'device',
};

test('a sentence becomes a rule, is shown before without being kept, and one that is not understood teaches', async () => {
  const bridge = await startBridge();
  const device = await bridge.mqtt();
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":20}', { qos: 1 });
  const rules = '/api/agents/greenhouse/g7/rules';
  const own = async (): Promise<unknown[]> => {
    const { rules: all } = (await bridge.agent('greenhouse/g7/rules')) as { rules: { source: string }[] };
    return all.filter(({ source }) => source === 'device');
  };

  const preview = await bridge.fetch(`${rules}?dryRun=true`, { body: { text: SENTENCE } });
  const nothing = { count: 0, times: [], resolutionMs: null, withoutHistory: [] };
  expect(preview).toMatchObject({
    status: 200,
    body: { ...UNDERSTOOD, tier: 'grammar', confidence: 1, wouldHaveFired: nothing },
  });
  expect(preview.body).not.toHaveProperty('id');
  const { do: _, ...wrong } = UNDERSTOOD;
  const asData = { rule: { when: wrong.when, do: { kind: 'alert', text: 'hot' } } };
  const data = await bridge.fetch(`${rules}?dryRun=true`, { body: asData });
  expect(data).toMatchObject({ status: 200, body: { ...asData.rule, source: 'device' } });
  expect(await own()).toEqual([]);

  const unclear = await bridge.fetch(rules, { body: { text: 'open the vent when the boss says so' } });
  expect(unclear).toMatchObject({ status: 400, body: { code: 'BRG_RULE' } });
  expect(unclear.body['detail']).toMatch(
    /text: not understood as a whole\. Say "when <metric> is .*temperature, humidity, battery.*"vent open\|closed"/,
  );
  const refused = [
    { text: 'when temperature is above 900, notify me' },
    { text: 'when temperature is above 30, open the valve' },
    { text: '' },
    { text: 'x'.repeat(limits.toolSentenceCharactersMax + 1) },
    { text: SENTENCE, more: true },
  ];
  for (const body of refused)
    for (const path of [rules, `${rules}?dryRun=true`])
      expect((await bridge.fetch(path, { body })).status, JSON.stringify(body)).toBe(400);
  expect((await bridge.fetch(`${rules}?dryRun=maybe`, { body: { text: SENTENCE } })).status).toBe(400);
  expect(await own()).toEqual([]);

  const added = await bridge.fetch(rules, { body: { text: SENTENCE } });
  expect(added).toMatchObject({ status: 201, body: { ...UNDERSTOOD, id: expect.any(String) as unknown } });
  expect(await own()).toEqual([added.body]);
  const audit = await bridge.fetch('/api/audit?agent=greenhouse/g7&kind=rule');
  expect(audit.body['items']).toMatchObject([{ event: 'added', subject: added.body['id'], by: 'api' }]);
});

test('what the grammar misses goes to the shipped model; its rule is shown, and fires once a person has confirmed it', async () => {
  const bridge = await startBridge();
  const device = await bridge.mqtt();
  const say = (temperature: number): Promise<unknown> =>
    device.publishAsync('devices/greenhouse/g9/telemetry', JSON.stringify({ temperature }), { qos: 1 });
  await say(20);
  const rules = '/api/agents/greenhouse/g9/rules';
  const own = async (): Promise<unknown> => {
    const { rules: all } = (await bridge.agent('greenhouse/g9/rules')) as { rules: { source: string }[] };
    return all.filter(({ source }) => source === 'device');
  };
  const text = 'make sure to open the vent any time the temp climbs past thirty degrees';
  const rule = {
    when: { metric: 'temperature', op: '>', value: 30 },
    do: { kind: 'command', name: 'vent', argument: 'open' },
  };
  const description = 'when temperature is above 30 °C: send vent open';

  const shown = await bridge.fetch(`${rules}?dryRun=true`, { body: { text } });
  expect(shown).toMatchObject({
    status: 200,
    body: { ...rule, description, tier: 'model', wouldHaveFired: { count: 0 } },
  });
  const proposed = await bridge.fetch(rules, { body: { text } });
  expect(proposed).toMatchObject({
    status: 409,
    body: { code: 'BRG_RULE_UNCONFIRMED', description, confidence: shown.body['confidence'] },
  });
  expect(proposed.body['rule']).toEqual(rule);
  expect(proposed.body['confidence']).toBeGreaterThanOrEqual(limits.ruleConfidenceMin);
  expect(await own()).toEqual([]);

  const confirmed = await bridge.fetch(rules, { body: { rule: proposed.body['rule'] } });
  expect(confirmed).toMatchObject({ status: 201, body: { ...rule, description } });
  await say(31);
  const { items } = (await bridge.agent('greenhouse/g9/commands')) as { items: unknown[] };
  expect(items).toMatchObject([{ name: 'vent' }]);
});

test('a dry run says when the rule would have fired over the stored history', async () => {
  const bridge = await startBridge();
  const device = await bridge.mqtt();
  const daysAgo = (days: number, minute = 0): number => Date.now() - days * 86_400_000 + minute * 60_000;
  const said = [3, 1].flatMap((days) =>
    [20, 36, 37, 20].map((temperature, at) => ({ ts: daysAgo(days, at * 5), temperature })),
  );
  await device.publishAsync('devices/greenhouse/g8/telemetry', JSON.stringify(said), { qos: 1 });
  const ask = async (body: object): Promise<unknown> => {
    const { body: answer } = await bridge.fetch('/api/agents/greenhouse/g8/rules?dryRun=true', { body });
    return answer['wouldHaveFired'];
  };
  const [, , , , , crossed] = said;
  expect(await ask({ text: 'when temperature is above 35, notify me' })).toMatchObject({
    count: 2,
    times: [crossed?.ts, said[1]?.ts],
    steps: 8,
    resolutionMs: null,
  });
  expect(await ask({ text: 'when temperature is above 35 for 8 minutes, notify me' })).toMatchObject({
    count: 2,
    times: [Number(crossed?.ts) + 8 * 60_000, Number(said[1]?.ts) + 8 * 60_000],
  });
  expect(await ask({ text: 'when temperature is above 35 for 11 minutes, notify me' })).toMatchObject({
    count: 0,
  });
  expect(await ask({ text: 'when no temperature comes for 12 hours, notify me' })).toMatchObject({
    count: 2,
  });
});

describe.each(definitions.map((definition) => [definition.model, definition] as const))(
  'a %s',
  (_, definition) => {
    test('understands what it says itself about a rule', () => {
      const rules = samplesOf(definition);
      expect(rules.length).toBeGreaterThan(0);
      for (const rule of rules) {
        const parsed = parseRule(rule, definition, () => 'r');
        const said = describeRule(parsed, definition);
        const { id: _id, ...same } = parsed;
        expect(ruleFromSentence(said, definition, [definition.model]), said).toEqual(same);
      }
    });
  },
);

/** A rule for each comparison of each metric that a sentence can have, with each kind of action. */
function samplesOf(definition: DeviceDefinition): object[] {
  const command = definition.commands.find(({ argument }) => argument === null);
  const actions = [
    { kind: 'alert', text: 'look at it' },
    { kind: 'notify', text: 'at 5: it is so' },
    ...(command === undefined ? [] : [{ kind: 'command', name: command.name }]),
  ];
  const conditions = definition.metrics
    .filter(({ access }) => access !== 'write')
    .flatMap((metric): object[] => {
      const silent = { when: { metric: metric.name, staleFor: 600_000 } };
      const of = (op: string, value: unknown): object => ({ when: { metric: metric.name, op, value } });
      if (metric.kind === 'binary') return [silent, of('==', true), of('!=', false)];
      if (metric.kind !== 'numeric') return [silent];
      const value = metric.min ?? 1;
      return [silent, of('>', value), { ...of('>=', value + 0.5), forMs: 10_000 }, of('<=', value + 0.5)];
    });
  return conditions.flatMap((condition) => actions.map((action) => ({ ...condition, do: action })));
}
