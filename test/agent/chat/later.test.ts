/** "In ten minutes", "when it is below 5": said in the chat, listed, cancelled, there after a restart, never done at once. */
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';

type Json = Record<string, unknown>;

async function listed(bridge: TestBridge, path: string, name: string): Promise<Json[]> {
  return (await bridge.agent(path))[name] as Json[]; // the routes' schemas
}

async function ask(bridge: TestBridge, agent: string, text: string): Promise<Json> {
  return (await bridge.fetch(`/api/agents/${agent}/ask`, { body: { text } })).body;
}

/** A person consents to what the answer waits for; resolves when the bridge has done it. */
async function approve(bridge: TestBridge, agent: string, answer: Json): Promise<void> {
  const [approval] = answer['approvals'] as { id: string; explanation: string }[];
  expect(approval?.explanation).toContain("needs a person's approval");
  const path = `/api/agents/${agent}/approvals/${approval?.id}`;
  const decided = await bridge.fetch(path, { body: { approved: true, by: 'ada' } });
  expect(decided).toMatchObject({ status: 200, body: { status: 'approved' } });
}

/** What the devices were told to do. */
async function withDevices(bridge: TestBridge): Promise<string[]> {
  const told: string[] = [];
  const client = await bridge.mqtt();
  client.on('message', (topic, payload) => told.push(`${topic.split('/')[4]} ${payload.toString()}`));
  await client.subscribeAsync(['devices/energy-meter/m1/command/#', 'devices/greenhouse/g1/command/#'], {
    qos: 1,
  });
  await client.publishAsync('devices/energy-meter/m1/telemetry', '{"power":100}', { qos: 1 });
  await client.publishAsync('devices/greenhouse/g1/telemetry', '{"temperature":20}', { qos: 1 });
  return told;
}

test('a timed request becomes a schedule: shown, listed, there after a restart, cancelled, not done at once', async () => {
  const dataDir = temporaryDir();
  const before = await startBridge({ dataDir });
  const told = await withDevices(before);
  const agent = 'energy-meter/m1';
  const answer = await ask(before, agent, 'turn the relay off in ten minutes');
  expect(answer).toMatchObject({
    finish: 'waiting-for-approval',
    approvals: [{ tool: 'schedule_command', arguments: { text: 'turn the relay off in ten minutes' } }],
  });
  expect(await listed(before, `${agent}/schedules`, 'items')).toEqual([]);
  await approve(before, agent, answer);
  await until(
    async () => JSON.stringify(await before.agent(`${agent}/messages`)).includes('is scheduled, not done'),
    'the chat to tell of the schedule',
  );
  await before.stop();

  const bridge = await startBridge({ dataDir });
  const [schedule] = await listed(bridge, `${agent}/schedules`, 'items');
  expect(schedule).toMatchObject({
    callback: 'mooring:command',
    payload: { command: 'relay', value: 'off', approvedBy: expect.stringContaining('ada') as string },
  });
  const inMs = Number(schedule?.['nextAtMs']) - Date.now();
  expect(inMs).toBeGreaterThan(9 * 60_000);
  expect(inMs).toBeLessThanOrEqual(10 * 60_000);
  expect((await ask(bridge, agent, 'call list_scheduled'))['text']).toContain('relay');
  const path = `/api/agents/${agent}/schedules/${String(schedule?.['id'])}`;
  expect(await bridge.fetch(path, { method: 'DELETE' })).toMatchObject({ status: 200 });
  expect(await bridge.fetch(path, { method: 'DELETE' })).toMatchObject({
    status: 404,
    body: { code: 'BRG_UNKNOWN_SCHEDULE' },
  });
  expect(await listed(bridge, `${agent}/schedules`, 'items')).toEqual([]);
  const audit = (await bridge.fetch(`/api/audit?agent=${agent}&kind=schedule`)).body['items'];
  expect(audit).toMatchObject([{ event: 'cancelled', by: 'api', detail: { payload: { command: 'relay' } } }]);
  expect(told).toEqual([]);
});

test('a timed request is cancelled in the chat, with consent', async () => {
  const bridge = await startBridge();
  await withDevices(bridge);
  const agent = 'energy-meter/m1';
  await approve(bridge, agent, await ask(bridge, agent, 'turn the relay off in ten minutes'));
  const [schedule] = await until(async () => {
    const items = await listed(bridge, `${agent}/schedules`, 'items');
    return items.length > 0 ? items : undefined;
  });
  const answer = await ask(bridge, agent, `call cancel_scheduled id=${String(schedule?.['id'])}`);
  expect(answer).toMatchObject({ finish: 'done' });
  expect(answer['text']).toContain('it will not be sent');
  expect(await listed(bridge, `${agent}/schedules`, 'items')).toEqual([]);
});

test('a conditional request becomes a rule, which fires when it holds and not before', async () => {
  const bridge = await startBridge();
  const told = await withDevices(bridge);
  const agent = 'greenhouse/g1';
  await approve(bridge, agent, await ask(bridge, agent, 'close the vent when temperature is below 5'));
  const own = (): Promise<Json[]> =>
    listed(bridge, `${agent}/rules`, 'rules').then((rules) =>
      rules.filter(({ source }) => source === 'device'),
    );
  const [rule] = await until(async () => ((await own()).length > 0 ? own() : undefined));
  expect(rule).toMatchObject({ when: { metric: 'temperature', op: '<', value: 5 } });
  expect(told).toEqual([]);
  const device = await bridge.mqtt();
  await device.publishAsync('devices/greenhouse/g1/telemetry', '{"temperature":4}', { qos: 1 });
  await until(() => told.length > 0, 'the rule to fire');
  expect(told).toEqual(['vent "closed"']);
  const removed = await bridge.fetch(`/api/agents/${agent}/rules/${String(rule?.['id'])}`, {
    method: 'DELETE',
  });
  expect(removed.status).toBe(200);
  expect(await own()).toEqual([]);
});
