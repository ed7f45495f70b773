import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { mooring, startBridge, temporaryDirectory, type StartedBridge } from './start.ts';

async function startWithCommands(): Promise<StartedBridge> {
  const bridge = await startBridge(join(temporaryDirectory(), 'data'));
  const device = await connectAsync(`mqtt://127.0.0.1:${bridge.mqttPort}`);
  for (const id of ['g7', 'g8']) {
    await device.publishAsync(`devices/greenhouse/${id}/telemetry`, '{"temperature":21.5}', { qos: 1 });
    const send = [
      'agent',
      'send',
      `greenhouse/${id}`,
      'vent',
      'open',
      '--timeout',
      '0ms',
      '--url',
      bridge.url,
    ];
    expect(await mooring(send)).toMatchObject({ code: 0 });
  }
  await device.endAsync();
  return bridge;
}

it(
  'mooring audit shows who asked for what, newest first, as a table and as JSON, also of forgotten agents',
  { timeout: 60_000 },
  async () => {
    const { url } = await startWithCommands();
    const all = await mooring(['audit', '--url', url]);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toMatch(
      /^TIME .*BY +DETAIL\n.*greenhouse\/g8 +command created +vent\/\S+ +api +\{"args":"open".*\n.*greenhouse\/g7 /,
    );
    await mooring(['agent', 'forget', 'greenhouse/g7', '--yes', '--url', url]);
    const one = await mooring(['audit', 'greenhouse/g7', '--from', '-1h', '--json', '--url', url]);
    const { items, cursor } = JSON.parse(one.stdout) as { items: Record<string, unknown>[]; cursor: unknown };
    expect(cursor).toBeNull();
    const events = items.map(({ kind, event }) => `${String(kind)} ${String(event)}`);
    expect(events.sort()).toEqual(['agent destroyed', 'command created', 'command dropped']);
    const none = await mooring(['audit', '--kind', 'agent', '--to', '-1h', '--url', url]);
    expect(none).toMatchObject({ code: 0, stdout: 'nothing was noted\n' });
    const few = await mooring(['audit', '--limit', '1', '--url', url]);
    expect(few.stderr).toBe('there are more: --limit 10\n');
    expect(few.stdout.trim().split('\n')).toHaveLength(2);
  },
);

it('mooring audit refuses what is no agent, and what is no kind', async () => {
  expect(await mooring(['audit', 'Pump'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('<model>/<id>, e.g. greenhouse/g7'),
  });
  const { url } = await startBridge(join(temporaryDirectory(), 'data'));
  const wrong = await mooring(['audit', '--kind', 'calls', '--json', '--url', url]);
  expect(wrong.code).toBe(2);
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'usage' } });
});
