/** A bridge with a valve under a policy, and clients of its `/mcp` that move it; some have a person who can be asked. */
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';
import { expect, onTestFinished } from 'vitest';
import { startBridge, type TestBridge } from './bridge.ts';

const devices = fileURLToPath(new URL('./tool-devices.ts', import.meta.url));
export const TOKENS = {
  adminToken: 'an-admin-token-of-tests',
  readToken: 'a-read-token-of-tests',
  actToken: 'an-act-token-of-tests',
};
export const VALVE = { model: 'valve', id: 'v1' };

type Said = { readonly action: 'accept' | 'decline'; readonly approve?: boolean };

/** A client; with `said`, one whose person is asked and says that. */
export async function connect(
  bridge: TestBridge,
  { said, era = '2026', token }: { said?: Said; era?: string; token?: string } = {},
): Promise<{ client: Client; questions: string[] }> {
  const questions: string[] = [];
  const mode = era === '2025' ? 'legacy' : { pin: '2026-07-28' };
  const capabilities = said === undefined ? {} : { elicitation: { form: {} } };
  const client = new Client({ name: 'test', version: '1' }, { capabilities, versionNegotiation: { mode } });
  if (said !== undefined) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      questions.push(params.message);
      const { action, approve } = said;
      return action === 'accept' ? { action, content: { approve: approve === true } } : { action };
    });
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = new URL('/mcp', bridge.bridge.http.url);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  onTestFinished(() => client.close());
  return { client, questions };
}

/** A bridge with a valve that does what it is told, and shows it; what it was told. */
export async function withValve(
  config: Partial<typeof TOKENS> = {},
): Promise<{ bridge: TestBridge; heard: string[] }> {
  const bridge = await startBridge({ devices, ...config });
  const device = await bridge.mqtt();
  const heard: string[] = [];
  device.on('message', (topic, payload) => {
    const [, , , , name = '', cid = ''] = topic.split('/');
    heard.push(`${name} ${payload.toString()}`);
    device.publish(`devices/valve/v1/result/${cid}`, '{"ok":true}', { qos: 1 });
    const shown = name === 'move' ? { position: Number(payload.toString()) } : { running: name === 'start' };
    device.publish('devices/valve/v1/telemetry', JSON.stringify(shown), { qos: 1 });
  });
  await device.subscribeAsync('devices/valve/v1/command/#', { qos: 1 });
  await device.publishAsync('devices/valve/v1/telemetry', '{"position":10,"running":false}', { qos: 1 });
  return { bridge, heard };
}

export async function move(client: Client, argument: number): Promise<Record<string, unknown>> {
  const input = { ...VALVE, command: 'move', argument };
  const result: CallToolResult = await client.callTool({ name: 'device_command', arguments: input });
  expect(result.isError ?? false, JSON.stringify(result.content)).toBe(false);
  return result.structuredContent as Record<string, unknown>; // an outcome
}
