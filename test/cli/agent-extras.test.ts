/** Rules and MCP servers of an agent, from the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startBridge, temporaryDir } from '../support/bridge.ts';
import { addServer, call, mcpBridge } from '../support/mcp-agents.ts';
import { modernServer } from '../support/mcp-http-server.ts';
import { mooring } from './start.ts';

it('mooring agent rules adds a sentence, says before what it means, lists and removes', async () => {
  const bridge = await startBridge();
  const device = await bridge.mqtt();
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":20}', { qos: 1 });
  const run = (...args: string[]) =>
    mooring(['agent', 'rules', 'greenhouse/g7', ...args, '--url', bridge.bridge.http.url]);
  const sentence = 'when temperature is above 30, open the vent';
  const [dry, vague] = await Promise.all([run('add', sentence, '--dry-run'), run('add', 'open it when hot')]);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toMatch(
    /^when temperature is above 30 °C: send vent open \(nothing was added\)\n\{"when":\{/,
  );
  expect(vague).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not understood as a whole') as string,
  });
  const modelled = 'make sure to open the vent any time the temp climbs past thirty degrees';
  const shown = await run('add', modelled);
  expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining('with --yes') as string });
  expect(shown.stdout).toMatch(/^when temperature is above 30 °C: send vent open\n\{"when":\{/);
  expect((await run()).stdout).not.toContain('  device  ');
  const sure = await run('add', modelled, '--yes');
  expect(sure).toMatchObject({ code: 0, stderr: '' });
  expect(await run('remove', sure.stdout.split(':')[0] ?? '')).toMatchObject({ code: 0 });
  const added = await run('add', sentence, '--json');
  const { id, description } = JSON.parse(added.stdout) as { id: string; description: string };
  expect(description).toBe('when temperature is above 30 °C: send vent open');
  expect((await run()).stdout).toContain(`${id}  device  ${description}\n`);
  expect(await run('remove', id)).toMatchObject({ code: 0, stdout: `the rule ${id} is removed\n` });
});

it('mooring agent mcp adds a server with headers from a file, lists it without them, and removes it', async () => {
  const server = await modernServer();
  const bridge = await startBridge({ mcpAllow: ['loopback'] });
  const device = await bridge.mqtt();
  await device.publishAsync('devices/pump/p1/telemetry', '{"rpm":5}', { qos: 1 });
  const headers = join(temporaryDir(), 'headers.json');
  writeFileSync(headers, '{"x-key":"s3cret"}');
  const run = (...args: string[]) =>
    mooring(['agent', 'mcp', 'pump/p1', ...args, '--url', bridge.bridge.http.url]);
  expect(await run('add', 'adder', server.url, '--trust', 'all')).toMatchObject({ code: 2 });
  const added = await run(
    ...['add', 'adder', server.url, '--id', 'sums', '--trust', 'read', '--headers-file', headers],
  );
  expect(added).toMatchObject({ code: 0, stdout: 'sums is ready\n', stderr: '' });
  const [table, json] = await Promise.all([run(), run('--json')]);
  expect(table.stdout).toMatch(/^ID .*\nsums +adder +ready +read +\d+ +http/);
  expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ id: 'sums', name: 'adder', state: 'ready' }] });
  expect(table.stdout + json.stdout + added.stdout).not.toContain('s3cret');
  expect(await run('remove', 'sums')).toMatchObject({ code: 0 });
  expect(await bridge.agent('pump/p1/mcp-servers')).toEqual({ items: [] });
});

it('mooring agent mcp shows what a server asks a person, and takes the answer', async () => {
  const server = await modernServer();
  const bridge = await mcpBridge();
  const id = await addServer(bridge, 'worker/w', server.url);
  await call(bridge, 'worker/w', 'use', id, 'confirm', {});
  const run = (...args: string[]) =>
    mooring(['agent', 'mcp', 'worker/w', ...args, '--url', bridge.bridge.http.url]);
  const asked = await run('questions');
  expect(asked.stdout).toMatch(/^QUESTION .*\n\S+ .*confirm .*Are you sure\? +sure: boolean\n$/);
  const question = /\n(\S+) /.exec(asked.stdout)?.[1] ?? '';
  expect(await run('answer', question, 'perhaps')).toMatchObject({ code: 2 });
  expect(await run('answer', question, 'accept', '--content', '{')).toMatchObject({ code: 2 });
  expect(await run('answer', question, 'accept', '--content', '{"sure": 3}')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('BRG_MCP_ARGUMENTS') as string,
  });
  expect(await run('answer', question, 'accept', '--content', '{"sure": true}')).toMatchObject({
    code: 0,
    stdout: 'the call has ended: confirmed\n',
  });
  expect((await run('questions')).stdout).toBe('no server asks anything\n');
});
