/** Tools of a device for whoever is not its own chat: the requests `tools` and `tool`, over HTTP. */
import { expect, test } from 'vitest';
import { actuator, auditOf, call, start, tool } from './live.ts';

test('a tool that somebody else asks for runs at the device, under its policy, and says what the device shows', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const run = (name: string, input: unknown) =>
    bridge.fetch(`/api/agents/valve/v1/tools/${name}`, { body: input });
  expect((await run('read_state', {})).body['value']).toMatchObject({
    device: 'valve/v1',
    values: { position: 10 },
  });
  expect((await run('send_command', { command: 'stop' })).body['value']).toMatchObject({ outcome: 'done' });
  expect((await run('send_command', { command: 'purge' })).body['value']).toMatchObject({
    outcome: 'refused',
  });
  expect((await run('send_command', { command: 'move', value: 60 })).body['value']).toMatchObject({
    outcome: 'needs-approval',
  });
  expect(device.got.map(({ name }) => name)).toEqual(['stop']);
  expect(await auditOf(bridge)).toMatchObject([
    { event: 'called', by: 'api' },
    { event: 'done', by: 'api' },
    { event: 'refused', by: 'api' },
    { event: 'needs-approval', by: 'api' },
  ]);
  expect(await run('melt', {})).toMatchObject({ status: 404, body: { code: 'BRG_NOT_FOUND' } });
  expect(await run('send_command', { command: 7 })).toMatchObject({ body: { code: 'BRG_BAD_REQUEST' } });
  expect(await bridge.fetch('/api/agents/valve/nobody/tools/read_state', { body: {} })).toMatchObject({
    body: { code: 'BRG_UNKNOWN_AGENT' },
  });
});

test('the tools are listed with their schemas, and which of them act', async () => {
  const bridge = await start();
  await actuator(bridge, 'moves');
  const { body } = await bridge.fetch('/api/agents/valve/v1/tools');
  const tools = body['tools'] as { name: string; isActing: boolean; inputSchema: object }[];
  const acting = tools.filter(({ isActing }) => isActing).map(({ name }) => name);
  expect(acting).toContain('send_command');
  expect(acting).not.toContain('read_state');
  expect(tools.every(({ inputSchema }) => Object.hasOwn(inputSchema, 'properties'))).toBe(true);
});

test('what is for later says when, waits no longer than that, and counts from when it was asked for', async () => {
  const bridge = await start();
  const device = await actuator(bridge, 'moves');
  const asked = await tool(bridge, 'schedule_command', { text: 'move to 60 in ten minutes' });
  const { explanation = '' } = asked;
  const [, day, time] = /^move 60 at (\S+) (\S+) \(UTC\) needs a person's approval/.exec(explanation) ?? [];
  const saidMs = Date.parse(`${day}T${time}Z`);
  expect(Math.abs(saidMs - Date.now() - 600_000)).toBeLessThan(15_000);
  const decided = (await call(bridge, 'decide', [
    'schedule_command',
    asked['approval'] && { text: 'move to 60 in ten minutes' },
  ])) as {
    ttlMs: number;
  };
  expect(decided.ttlMs).toBeLessThanOrEqual(600_000);
  const { binding } = asked['approval'] as { binding: string }; // the outcome's schema
  const input = { text: 'move to 60 in ten minutes' };
  const minutesAgo = (minutes: number) => ({
    binding,
    by: 'api:anna',
    askedAtMs: Date.now() - minutes * 60_000,
  });
  const scheduled = await tool(bridge, 'schedule_command', input, minutesAgo(9));
  const nextMs = Date.parse(String((scheduled['scheduled'] as { next: string }).next)); // as above
  expect(nextMs - Date.now()).toBeLessThan(61_000);
  expect((await tool(bridge, 'schedule_command', input, minutesAgo(11))).error).toMatch(/is past; now it is/);
  const daily = await tool(bridge, 'schedule_command', { action: 'move', value: 60, cron: '0 7 * * *' });
  expect(daily.explanation).toMatch(
    /^move 60 again and again \("0 7 \* \* \*"\), next at \d{4}-\d\d-\d\d 07:00 \(UTC\), needs a person's approval/,
  );
  const rule = await tool(bridge, 'add_rule', { text: 'when position is below 5, move to 60' });
  expect(rule.explanation).toMatch(
    /^move 60 by the rule "when position is below 5 %: .*" needs a person's approval/,
  );
  expect(device.got).toEqual([]);
});
