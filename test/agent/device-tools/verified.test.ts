/** An acting tool says `done` only when the device's own data shows it. */
import { expect, test } from 'vitest';
import { temporaryDir } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';
import { actuator, auditOf, call, start, tool } from './live.ts';

test('(a) an actuator that moves: done, with the telemetry that shows it', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const outcome = await tool(bridge, 'send_command', { command: 'move', value: 40 });
  expect(outcome).toMatchObject({
    outcome: 'done',
    evidence: { source: 'telemetry', values: { position: 40 } },
    explanation: "move 40: the device's telemetry shows position 40",
  });
  expect(device.got).toMatchObject([{ name: 'move', args: 40, cid: outcome.cid }]);
  expect(await auditOf(bridge)).toMatchObject([
    { event: 'called', subject: 'send_command', by: 'api' },
    { event: 'done', subject: 'send_command', by: 'api', detail: { cid: outcome.cid } },
  ]);
  expect(await auditOf(bridge, 'command')).toMatchObject([
    { event: 'created', by: 'api' },
    { event: 'done' },
  ]);
});

test('an actuator that moves and never answers is seen all the same', async () => {
  const bridge = await start();
  await actuator(bridge, 'moves-mutely');
  expect(await tool(bridge, 'send_command', { command: 'stop' })).toMatchObject({ outcome: 'done' });
});

test('(b) an actuator that accepts and does not move: sent, not confirmed', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'stuck');
  const outcome = await tool(bridge, 'send_command', { command: 'move', value: 40, wait_seconds: 1 });
  expect(outcome).toMatchObject({
    outcome: 'sent, not confirmed',
    explanation: 'move 40: the device said yes, but its data did not show position 40 within 1 s',
    answer: 'accepted',
  });
  expect(device.got).toHaveLength(1);
  expect(await auditOf(bridge)).toMatchObject([{ event: 'called' }, { event: 'sent, not confirmed' }]);
});

test('(c) an actuator that says no: failed, with its reason', async () => {
  const bridge = await start();
  await actuator(bridge, 'refuses');
  expect(await tool(bridge, 'send_command', { command: 'stop' })).toMatchObject({
    outcome: 'failed',
    explanation: 'stop: the device refused: interlock open',
  });
});

test('(d) a silent actuator, and one that is not there: expired, and the command is withdrawn', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'silent');
  const input = { command: 'stop', wait_seconds: 1 };
  expect(await tool(bridge, 'send_command', input)).toMatchObject({ outcome: 'expired' });
  await device.leave();
  await bridge.describedAs('valve/v1', ({ presence }) => presence === 'offline');
  expect(await tool(bridge, 'send_command', input)).toMatchObject({ outcome: 'expired' });
  expect(await bridge.agent('valve/v1')).toMatchObject({ commandsPending: 0 });
  const back = await actuator(bridge, 'moves');
  await tool(bridge, 'send_command', { command: 'stop' });
  expect(back.got).toHaveLength(1);
});

test('a command without a declared effect is never done', async () => {
  const bridge = await start();
  await actuator(bridge, 'moves');
  expect(await tool(bridge, 'send_command', { command: 'beep' })).toMatchObject({
    outcome: 'sent, not confirmed',
    explanation: 'beep: the device said yes, but no metric of this model shows whether it was done',
  });
});

test('what the device showed before the command, or measured before it, confirms nothing', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'silent');
  const waiting = tool(bridge, 'send_command', { command: 'start', wait_seconds: 2 });
  await until(() => device.got.length === 1);
  await device.say({ running: true }); // it ran before, and does not know of the command
  expect(await waiting).toMatchObject({ outcome: 'expired' });
  const late = tool(bridge, 'send_command', { command: 'move', value: 30, wait_seconds: 2 });
  await until(() => device.got.length === 2);
  await device.say({ ts: Date.now() - 60_000, position: 30 }); // from its buffer
  expect(await late).toMatchObject({ outcome: 'expired' });
});

test('desired state is done when the device reports it, not when it was sent; also by telemetry', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'silent');
  expect(await tool(bridge, 'set_desired', { patch: { target: 21 }, wait_seconds: 1 })).toMatchObject({
    outcome: 'sent, not confirmed',
  });
  const reported = tool(bridge, 'set_desired', { patch: { target: 19.5 } });
  await bridge.describedAs('valve/v1', ({ version }) => version === 2);
  await device.report({ target: 19.5 });
  expect(await reported).toMatchObject({ outcome: 'done', evidence: { source: 'reported state' } });
  const measured = tool(bridge, 'set_desired', { patch: { target: 20.5 } });
  await bridge.describedAs('valve/v1', ({ version }) => version === 3);
  await device.say({ target: 20.5 });
  expect(await measured).toMatchObject({ outcome: 'done', evidence: { source: 'telemetry' } });
});

test('waiting holds nobody: telemetry is applied, and a call is answered, meanwhile', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'silent');
  const waiting = tool(bridge, 'send_command', { command: 'move', value: 44, wait_seconds: 60 });
  await until(() => device.got.length === 1);
  await device.say({ position: 11 });
  expect(await bridge.agent('valve/v1')).toMatchObject({ state: { position: 11 } });
  await call(bridge, 'catalog');
  await device.say({ position: 44 });
  expect(await waiting).toMatchObject({ outcome: 'done' });
});

test('within a turn of the device nothing can be confirmed, and the answer says so at once', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  expect(await call(bridge, 'toolInTurn', ['send_command', { command: 'stop' }])).toMatchObject({
    outcome: 'sent, not confirmed',
    explanation: 'stop: accepted; it leaves for the device when the turn that asked for it ends',
  });
  await until(() => device.got.length === 1);
});

test.each([0, 1])('a restart while a call waits leaves the command as it is (%i threads)', async (shards) => {
  const dataDir = temporaryDir();
  const first = await start(dataDir, shards);
  const device = await actuator(first, 'silent');
  const input = { command: 'move', value: 33, wait_seconds: 300 };
  const lost = tool(first, 'send_command', input).catch((error: unknown) => String(error));
  await until(() => device.got.length === 1);
  await first.stop();
  await lost;
  const second = await start(dataDir, shards);
  const back = await actuator(second, 'moves', null);
  await until(() => back.got.length === 1);
  expect(back.got).toEqual(device.got);
  await second.describedAs('valve/v1', ({ commandsPending }) => commandsPending === 0);
});
