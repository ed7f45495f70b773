/** The risk policy, as the host enforces it on a real device. */
import { expect, test } from 'vitest';
import { temporaryDir } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';
import { ask, type Tools } from '../../support/rules-asking.ts';
import { actuator, auditOf, call, start, tool } from './live.ts';

test('a value beyond the allow-list needs approval: nothing is sent, and the approval runs this call and no other', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const input = { value: 60, command: 'move' };
  const asked = await tool(bridge, 'send_command', input);
  expect(asked).toMatchObject({
    outcome: 'needs-approval',
    explanation: "move 60 needs a person's approval; without one allowed is 0 to 50. Nothing was done yet.",
    approval: { tool: 'send_command', arguments: input },
  });
  expect(device.got).toEqual([]);
  const { binding } = asked['approval'] as { binding: string }; // the outcome's schema
  const approval = { binding, by: 'api:anna' };
  expect(await tool(bridge, 'send_command', { command: 'move', value: 61 }, approval)).toMatchObject({
    error: 'the approval is for another call than this one of send_command',
  });
  const run = await tool(bridge, 'send_command', { command: 'move', value: 60 }, approval);
  expect(run).toMatchObject({ outcome: 'done' });
  expect(device.got).toMatchObject([{ name: 'move', args: 60 }]);
  expect(await auditOf(bridge)).toMatchObject([
    { event: 'needs-approval', by: 'api', detail: { input } },
    { event: 'called', by: 'api', detail: { approvedBy: 'api:anna' } },
    { event: 'done', by: 'api' },
  ]);
});

test('what the policy excludes is refused with its reason, whoever consents, and noted', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  expect(await call(bridge, 'decide', ['send_command', { command: 'start' }])).toEqual({ decision: 'allow' });
  expect(await tool(bridge, 'send_command', { command: 'move', value: 95 })).toMatchObject({
    outcome: 'refused',
    explanation: 'move 95 is refused: the policy of this device permits only 0 to 90',
  });
  expect(await tool(bridge, 'send_command', { command: 'purge' })).toMatchObject({ outcome: 'refused' });
  expect(await tool(bridge, 'set_desired', { patch: { target: 30 } })).toMatchObject({
    outcome: 'needs-approval',
  });
  expect(device.got).toEqual([]);
  expect(await auditOf(bridge)).toMatchObject([
    { event: 'refused', detail: { explanation: expect.stringContaining('only 0 to 90') as string } },
    { event: 'refused' },
    { event: 'needs-approval' },
  ]);
});

test('a rate outlives a restart of the bridge', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir, 1);
  await actuator(first, 'moves');
  for (let n = 0; n < 2; n++) {
    expect(await tool(first, 'send_command', { command: 'beep' })).toMatchObject({
      outcome: 'sent, not confirmed',
    });
  }
  await first.stop();
  const second = await start(dataDir, 1);
  const device = await actuator(second, 'moves', null);
  expect(await tool(second, 'send_command', { command: 'beep' })).toMatchObject({
    outcome: 'refused',
    explanation: expect.stringMatching(
      /^beep is refused: at most 2 in 3600 s; the next is possible in \d+ s$/,
    ) as string,
  });
  expect(device.got).toEqual([]);
});

test('a call that is wrong does nothing and teaches', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const errors: [name: string, input: unknown, error: RegExp][] = [
    [
      'send_command',
      { command: 'explode' },
      /command: expected one of \["move","start","stop","beep","purge"\]/,
    ],
    ['send_command', { command: 'move' }, /move needs an argument of kind numeric/],
    ['send_command', { command: 'move', value: 400 }, /value: at most 100/],
    ['send_command', { command: 'stop', value: 4 }, /stop takes no argument/],
    ['set_desired', { patch: { position: 4 } }, /patch.position: is not known; there are target/],
    ['set_desired', { patch: {} }, /nothing is set/],
    ['read_history', { metric: 'position' }, /minutes: is missing/],
    ['read_history', { metric: 'position', minutes: 5, to: 'yesterday' }, /is no time with a zone, such as/],
    ['add_rule', { text: 'when it is sunny, dance' }, /Say "when <metric> is above/],
    ['remove_rule', { id: 'nope' }, /no rule "nope"; list_rules/],
    ['schedule_command', { action: 'stop' }, /one of in_seconds, at, cron/],
    ['schedule_command', { action: 'stop', at: '2020-01-01T00:00:00Z' }, /is past; now it is/],
    ['schedule_command', { action: 'stop', cron: 'often' }, /cron pattern/],
    [
      'schedule_command',
      { text: 'do not stop in ten minutes' },
      /not understood as a whole, so nothing is scheduled/,
    ],
    ['cancel_scheduled', { id: 'x' }, /list_scheduled shows them/],
  ];
  for (const [name, input, error] of errors) {
    expect((await tool(bridge, name, input)).error, `${name} ${JSON.stringify(input)}`).toMatch(error);
  }
  expect(device.got).toEqual([]);
  expect(await auditOf(bridge)).toEqual([]);
});

test('reading: values with units and ages, history downsampled', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  for (const position of [20, 40]) await device.say({ position });
  const state = await tool(bridge, 'read_state');
  expect(state).toMatchObject({ device: 'valve/v1', presence: 'online', commandsPending: [] });
  expect(state).toMatchObject({ values: { position: 40, mode: 'eco' }, units: { position: '%' } });
  expect((state['ageSeconds'] as { position: number }).position).toBeLessThan(120); // the tool's schema
  expect(await tool(bridge, 'read_history', { metric: 'position', minutes: 10, points: 1 })).toMatchObject({
    metric: 'position',
    unit: '%',
    points: [{ min: 10, max: 40, mean: 23.3333, count: 3 }],
  });
});

test('rules: in English or as data, under the policy when they act, and no more than the model may when they fire', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'silent');
  const either = [
    { metric: 'target', op: '<', value: 10 },
    { metric: 'target', op: '>', value: 34, hysteresis: 2 },
  ];
  const times = { between: ['22:00', '06:00'], days: ['mon', 'fri'], zone: 'Europe/Berlin' };
  const alert = { when: { any: either }, ...times, do: { kind: 'alert', text: 'cold' } };
  expect(await tool(bridge, 'add_rule', { rule: alert })).toMatchObject({ outcome: 'done' });
  const risky = await tool(bridge, 'add_rule', { text: 'when target is above 30, move to 80' });
  expect(risky).toMatchObject({ outcome: 'needs-approval' });
  const text = 'when position is above 90 beep';
  const added = await tool(bridge, 'add_rule', { text });
  expect(added).toMatchObject({ rule: { description: 'when position is above 90 %: send beep' } });
  for (let n = 1; n <= 3; n++) {
    await device.say({ position: 95 });
    await device.say({ position: 10 });
  }
  await until(() => device.got.length === 2); // the rate of `beep`
  const { items } = await bridge.agent('valve/v1/alerts');
  expect(JSON.stringify(items)).toContain('not sent: beep is refused: at most 2 in 3600 s');
  const { rules } = (await tool(bridge, 'list_rules')) as unknown as { rules: { id: string }[] }; // its schema
  expect(rules).toHaveLength(2);
  const { id } = added['rule'] as { id: string }; // its schema
  expect(await call(bridge, 'decide', ['remove_rule', { id }])).toEqual({ decision: 'allow' });
  expect(await tool(bridge, 'remove_rule', { id })).toMatchObject({ outcome: 'done' });
  await bridge.fetch('/api/agents/valve/v1/rules', { body: { rule: { ...alert, id: rules[0]?.id } } });
  expect(await call(bridge, 'decide', ['remove_rule', { id: rules[0]?.id }])).toMatchObject({
    decision: 'needs-approval', // a person has changed it
  });
  const { body } = await bridge.fetch('/api/agents/valve/v1/rules', {
    body: { rule: { ...alert, id: 'mine' } },
  });
  expect(body).toMatchObject({ id: 'mine' });
  expect(await tool(bridge, 'remove_rule', { id: 'mine' })).toMatchObject({ outcome: 'needs-approval' });
  expect(await auditOf(bridge, 'rule')).toMatchObject([
    { event: 'added', by: 'api' },
    { event: 'added', by: 'api' },
    { event: 'deleted', by: 'api' },
    { event: 'added', subject: rules[0]?.id },
    { event: 'added', subject: 'mine' },
  ]);
});

test('notify reaches people, and not without end', async () => {
  const bridge = await start();
  await actuator(bridge, 'moves');
  for (let n = 0; n < 20; n++) {
    expect(await tool(bridge, 'notify', { text: `look ${n}` })).toMatchObject({ outcome: 'done' });
  }
  expect(await tool(bridge, 'notify', { text: 'again' })).toMatchObject({ outcome: 'refused' });
  const { items } = await bridge.agent('valve/v1/alerts');
  expect(items).toHaveLength(20);
});

interface Scheduled {
  readonly scheduled: {
    readonly id: string;
    readonly command: string;
    readonly next: string;
    readonly cron?: string;
  }[];
}

async function scheduled(bridge: Parameters<typeof tool>[0]): Promise<Scheduled['scheduled']> {
  return ((await tool(bridge, 'list_scheduled')) as unknown as Scheduled).scheduled; // its schema
}

test('a command for later: never now, through a restart, listed, cancelled', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir, 1);
  const device = await actuator(first, 'moves');
  const began = Date.now();
  const text = 'please stop the valve in 3 seconds';
  expect(await tool(first, 'schedule_command', { text })).toMatchObject({
    outcome: 'scheduled',
    scheduled: { command: 'stop' },
  });
  await tool(first, 'schedule_command', {
    action: 'move',
    value: 5,
    cron: '0 7 * * *',
    time_zone: 'Europe/Berlin',
  });
  expect(await tool(first, 'schedule_command', { action: 'move', value: 80, in_seconds: 9 })).toMatchObject({
    outcome: 'needs-approval',
  });
  expect(device.got).toEqual([]);
  await device.leave();
  await first.stop();
  const second = await start(dataDir, 1);
  const back = await actuator(second, 'moves', null);
  await until(() => back.got.length === 1);
  expect(Date.now() - began).toBeGreaterThanOrEqual(3000);
  expect(back.got).toMatchObject([{ name: 'stop' }]);
  const rest = await until(async () => {
    const list = await scheduled(second);
    return list.length === 1 && list;
  });
  expect(rest).toMatchObject([{ command: 'move', value: 5, cron: '0 7 * * *', by: 'api' }]);
  const { id = '' } = (await scheduled(second))[0] ?? {};
  expect(await tool(second, 'cancel_scheduled', { id })).toMatchObject({ outcome: 'cancelled' });
  expect(await scheduled(second)).toEqual([]);
});

test('a command for later that the policy refuses when it is due is told and kept, not dropped', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  await tool(bridge, 'schedule_command', { action: 'beep', in_seconds: 2 });
  for (let n = 0; n < 2; n++) await tool(bridge, 'send_command', { command: 'beep' });
  await until(async () => ((await call(bridge, 'dead')) as unknown[]).length === 1);
  expect(device.got).toHaveLength(2);
  const { items } = await bridge.agent('valve/v1/alerts');
  expect(JSON.stringify(items)).toContain('beep, scheduled by api, was not sent: beep is refused');
  expect((await auditOf(bridge)).at(-1)).toMatchObject({
    event: 'refused',
    subject: 'mooring:command',
    by: 'api',
  });
});

test('a command for later that comes to nothing is told to people', async () => {
  const bridge = await start();
  await actuator(bridge, 'refuses');
  await tool(bridge, 'schedule_command', { action: 'stop', in_seconds: 1 });
  await until(async () => {
    const { items } = await bridge.agent('valve/v1/alerts');
    return JSON.stringify(items).includes('scheduled stop: failed: stop: the device refused: interlock open');
  });
});

test('without a language model the rules find their way with these tools: one for each sentence, never now for later', async () => {
  const bridge = await start();
  await actuator(bridge, 'moves');
  const catalog = (await call(bridge, 'catalog')) as Tools; // names, descriptions and schemas
  const tools = catalog.map((one) => ({ ...one, type: 'function' })) as Tools;
  const text = 'turn off the valve in ten minutes';
  const rule = 'when position is above 90, stop';
  const expected: [string, unknown][] = [
    ['stop the valve', { send_command: { command: 'stop' } }],
    ['turn on the valve', { send_command: { command: 'start' } }],
    ['set move to 40', { send_command: { command: 'move', value: 40 } }],
    ['set target to 21', { set_desired: { patch: { target: 21 } } }],
    [text, { schedule_command: { text } }],
    [rule, { add_rule: { text: rule } }],
    ['what is the position', { read_state: {} }],
    ['average position of the last two hours', { read_history: { metric: 'position', minutes: 120 } }],
    ['list rules', { list_rules: {} }],
  ];
  const answers: unknown[] = [];
  for (const [sentence] of expected) answers.push(await ask(sentence, tools, 'You are valve v1.'));
  expect(answers).toEqual(expected.map(([, answer]) => answer));
});
