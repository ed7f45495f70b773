import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { mooring, startBridge, temporaryDirectory } from './start.ts';

const devices = fileURLToPath(new URL('../support/tool-devices.ts', import.meta.url));

it('mooring approvals lists what waits, shows it, and approves or denies it as a person; the audit log says who', async () => {
  const token = 'a-token-of-the-test';
  const env = { MOORING_DEVICES: devices, MOORING_ADMIN_TOKEN: token };
  const { url, mqttPort } = await startBridge(join(temporaryDirectory(), 'data'), { env });
  const run = (...args: string[]) => mooring([...args, '--url', url], { env });
  const heard: string[] = [];
  const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
  device.on('message', (topic, payload) => heard.push(`${topic.split('/')[4]} ${payload.toString()}`));
  await device.subscribeAsync('devices/valve/v1/command/#', { qos: 1 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (value: number): Promise<string> => {
    const body = JSON.stringify({ command: 'move', value });
    const path = `${url}/api/agents/valve/v1/tools/send_command`;
    const answer = (await (await fetch(path, { method: 'POST', headers, body })).json()) as {
      value: { approval: { id: string } };
    }; // the route's schema
    return answer.value.approval.id;
  };
  const [first, second] = [await ask(60), await ask(61)];
  const all = await run('approvals');
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all.stdout).toMatch(/^AGENT +APPROVAL +STATUS +UNTIL +TOOL +WHAT\nvalve\/v1 .*move 61.*\n.*move 60/);
  expect((await run('approvals', 'approve', 'valve/v1', first, '--by', 'Anna')).stdout).toBe(
    'send_command of valve/v1 is approved\n',
  );
  await until(() => heard.length === 1);
  expect(heard).toEqual(['move 60']);
  expect(await run('approvals', 'deny', 'valve/v1', first, '--by', 'Bert')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('BRG_APPROVAL_DECIDED') as string,
  });
  const denied = await run(
    'approvals',
    'deny',
    'valve/v1',
    second,
    '--by',
    'Bert',
    '--reason',
    'no',
    '--json',
  );
  expect(JSON.parse(denied.stdout)).toMatchObject({
    status: 'denied',
    votes: [{ by: 'Bert', via: 'api:admin' }],
  });
  expect((await run('approvals', 'show', 'valve/v1', second)).stdout).toMatch(
    /Bert \(api:admin\) denied: no/,
  );
  expect((await run('approvals', 'list', 'valve/v1')).stdout).toBe('nothing waits for a person\n');
  const audit = await run('audit', 'valve/v1', '--kind', 'approval', '--json');
  const { items } = JSON.parse(audit.stdout) as { items: Record<string, unknown>[] };
  expect(items.map(({ event, by }) => `${String(event)} ${String(by)}`)).toEqual([
    'denied api:admin',
    'approved api:admin',
    'requested api:admin',
    'requested api:admin',
  ]);
  expect(items[1]).toMatchObject({ detail: { votes: [{ by: 'Anna', via: 'api:admin' }] } });
  await device.endAsync();
});

it('mooring approvals refuses what is no agent, no status, and no approval', async () => {
  expect(await mooring(['approvals', 'list', 'Pump'])).toMatchObject({ code: 2 });
  expect(await mooring(['approvals', '--status', 'open'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('allowed are pending, approved') as string,
  });
  expect(await mooring(['approvals', 'approve', 'pump/p1'])).toMatchObject({ code: 2 });
});

it('mooring approvals show prints the program that wants the call, and nothing that turns the direction of its lines', async () => {
  const gates = fileURLToPath(new URL('../support/approval-devices.ts', import.meta.url));
  const env = { MOORING_DEVICES: gates };
  const { url, mqttPort } = await startBridge(join(temporaryDirectory(), 'data'), { env });
  const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
  await device.publishAsync('devices/gate/g1/telemetry', '{"position":10}', { qos: 1 });
  await device.endAsync();
  const code = "// harmless\u202e\n\tawait env.device.send_command({ command: 'move', value: 90 });";
  const ask = { text: `call run_program ${JSON.stringify({ code })}` };
  const headers = { 'content-type': 'application/json' };
  await fetch(`${url}/api/agents/gate/g1/ask`, { method: 'POST', headers, body: JSON.stringify(ask) });
  const run = (...args: string[]) => mooring(['approvals', ...args, '--url', url], { env });
  const listed = await (await fetch(`${url}/api/agents/gate/g1/approvals`)).json();
  const { items } = listed as { items: { id: string }[] }; // the route's schema
  const { id = '' } = items[0] ?? {};
  expect((await run('show', 'gate/g1', id)).stdout).toMatch(
    /\nprogram\n {2}\/\/ harmless\ufffd\n {4}await env\.device\.send_command\({ command: 'move', value: 90 }\);\n$/,
  );
  expect(JSON.parse((await run('show', 'gate/g1', id, '--json')).stdout)).toMatchObject({ program: code });
});
