/** Tools of a device for whoever is not its own chat: the requests `tools` and `tool`, over HTTP. */
import { expect, test } from 'vitest';
import { actuator, auditOf, start } from './live.ts';

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
