import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startBridge, type TestBridge } from '../../support/bridge.ts';
import { until } from '../../support/until.ts';

const ERAS = ['2025', '2026'] as const;
type Era = (typeof ERAS)[number];

async function connect(bridge: TestBridge, era: Era, token?: string): Promise<Client> {
  const mode = era === '2025' ? 'legacy' : { pin: '2026-07-28' };
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = new URL('/mcp', bridge.bridge.http.url);
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  onTestFinished(() => client.close());
  return client;
}

/** A bridge with one pump that has reported twice and answers commands. */
async function withPump(): Promise<TestBridge> {
  const bridge = await startBridge();
  const pump = await bridge.mqtt({ clientId: 'pump-p1' });
  pump.on('message', (topic) => {
    const [, , , channel, , cid] = topic.split('/');
    if (channel === 'command')
      pump.publish(`devices/pump/p1/result/${cid}`, JSON.stringify({ ok: true, value: 'off' }));
  });
  await pump.subscribeAsync('devices/pump/p1/command/#', { qos: 1 });
  for (const vibration of [1, 3]) {
    await pump.publishAsync('devices/pump/p1/telemetry', JSON.stringify({ vibration, running: true }), {
      qos: 1,
    });
  }
  await bridge.describedAs('pump/p1', ({ messages }) => messages === 2);
  return bridge;
}

function structured(result: CallToolResult): Record<string, unknown> {
  expect(result.isError ?? false, JSON.stringify(result.content)).toBe(false);
  return result.structuredContent as Record<string, unknown>; // every tool here answers an object
}

function failure(result: CallToolResult): string {
  expect(result.isError).toBe(true);
  return JSON.stringify(result.content);
}

describe.each(ERAS)('/mcp for a client of %s', (era) => {
  it('lists tools with schemas and hints, resources, templates and prompts', async () => {
    const client = await connect(await startBridge(), era);
    expect(client.getServerVersion()?.name).toBe('mooring');
    expect(client.getInstructions()).toContain('devices_list');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      ...['devices_list', 'device_get', 'device_history', 'rules_list'],
      ...['device_set_desired', 'device_command', 'rules_add', 'rules_delete', 'agent_call'],
    ]);
    for (const { inputSchema, outputSchema } of tools) {
      expect(inputSchema.type).toBe('object');
      expect(outputSchema?.type).toBe('object');
    }
    const hints = new Map(tools.map(({ name, annotations }) => [name, annotations]));
    expect(hints.get('device_command')).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    expect(hints.get('device_history')).toMatchObject({ readOnlyHint: true });
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['iot://devices']);
    const templates = (await client.listResourceTemplates()).resourceTemplates;
    expect(templates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'iot://devices/{model}/{id}',
      'iot://devices/{model}/{id}/state',
      'iot://devices/{model}/{id}/history{?metric,hours}',
    ]);
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual([
      'diagnose_device',
      'fleet_health',
    ]);
  });

  it('reads the fleet, a device with its definition, and its history', async () => {
    const client = await connect(await withPump(), era);
    const list = structured(await client.callTool({ name: 'devices_list', arguments: { model: 'pump' } }));
    expect(list).toMatchObject({ agents: [{ model: 'pump', id: 'p1', presence: 'online' }], cursor: null });
    const target = { model: 'pump', id: 'p1' };
    const device = structured(await client.callTool({ name: 'device_get', arguments: target }));
    expect(device).toMatchObject({
      state: { vibration: 3 },
      definition: { metrics: expect.any(Array) as unknown },
    });
    const arguments_ = { ...target, metric: 'vibration', hours: 1, points: 1 };
    const history = structured(await client.callTool({ name: 'device_history', arguments: arguments_ }));
    expect(history).toMatchObject({
      series: [{ metric: 'vibration', points: [{ min: 1, max: 3, mean: 2, count: 2 }] }],
    });
  });

  it('tells what is wrong with a call as an error a model can read', async () => {
    const client = await connect(await withPump(), era);
    const call = (name: string, arguments_: Record<string, unknown>): Promise<CallToolResult> =>
      client.callTool({ name, arguments: arguments_ });
    expect(failure(await call('device_get', { model: 'pump', id: 'nobody' }))).toContain('BRG_UNKNOWN_AGENT');
    expect(failure(await call('device_get', { model: 'ghost', id: 'g' }))).toContain(
      'there is no model ghost',
    );
    const rating = await call('device_command', { model: 'pump', id: 'p1', command: 'explode' });
    expect(failure(rating)).toContain('BRG_BAD_REQUEST');
    expect(failure(await call('device_history', { model: 'pump', id: 'p1', hours: -1 }))).toContain('hours');
    expect(failure(await call('agent_call', { model: 'pump', id: 'p1', method: 'nothing' }))).toContain(
      'BRG_UNKNOWN_METHOD',
    );
  });

  it('reads resources, completes their arguments, and fills prompts', async () => {
    const client = await connect(await withPump(), era);
    const read = async (uri: string): Promise<unknown> => {
      const [content] = (await client.readResource({ uri })).contents;
      return JSON.parse((content as { text: string }).text); // ours are text
    };
    expect(await read('iot://devices')).toMatchObject({ agents: [{ id: 'p1' }] });
    expect(await read('iot://devices/pump/p1')).toMatchObject({ messages: 2 });
    expect(await read('iot://devices/pump/p1/state')).toMatchObject({ state: { vibration: 3 }, version: 0 });
    const history = await read('iot://devices/pump/p1/history?metric=vibration&hours=2');
    expect(history).toMatchObject({ series: [{ metric: 'vibration' }] });
    await expect(client.readResource({ uri: 'iot://devices/pump/ghost' })).rejects.toThrow(
      'BRG_UNKNOWN_AGENT',
    );
    const ref = { type: 'ref/resource' as const, uri: 'iot://devices/{model}/{id}' };
    const models = await client.complete({ ref, argument: { name: 'model', value: 'pu' } });
    expect(models.completion.values).toEqual(['pump']);
    const context = { arguments: { model: 'pump' } };
    const ids = await client.complete({ ref, argument: { name: 'id', value: 'p' }, context });
    expect(ids.completion.values).toEqual(['p1']);
    const prompt = await client.getPrompt({
      name: 'diagnose_device',
      arguments: { model: 'pump', id: 'p1' },
    });
    expect(JSON.stringify(prompt.messages)).toContain('the device pump/p1');
  });
});

describe('access to /mcp', () => {
  it('needs the admin token where there is one, and then says who it was', async () => {
    const bridge = await startBridge({ adminToken: 'a-token-of-some-length' });
    await expect(connect(bridge, '2026')).rejects.toThrow();
    await expect(connect(bridge, '2025', 'wrong')).rejects.toThrow();
    const client = await connect(bridge, '2026', 'a-token-of-some-length');
    const arguments_ = { model: 'pump', id: 'p9', command: 'stop' };
    expect(failure(await client.callTool({ name: 'device_command', arguments: arguments_ }))).toContain(
      'BRG_UNKNOWN_AGENT',
    );
    const device = await bridge.mqtt({ clientId: 'p9' });
    await device.publishAsync('devices/pump/p9/telemetry', '{"vibration":1}', { qos: 1 });
    structured(await client.callTool({ name: 'device_command', arguments: arguments_ }));
    const response = await fetch(`${bridge.bridge.http.url}/api/audit?kind=tool`, {
      headers: { authorization: 'Bearer a-token-of-some-length' },
    });
    expect(await response.json()).toMatchObject({
      items: [{ kind: 'tool', event: 'needs-approval', by: 'mcp:admin' }],
    });
  });

  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  };
  const post = (bridge: TestBridge, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${bridge.bridge.http.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it('is refused to pages of another origin, and to a rebound host name', async () => {
    const bridge = await startBridge();
    expect((await post(bridge, initialize)).status).toBe(200);
    expect((await post(bridge, initialize, { origin: 'https://evil.example' })).status).toBe(403);
    const preflight = { method: 'OPTIONS', headers: { origin: 'https://evil.example' } };
    expect((await fetch(`${bridge.bridge.http.url}/mcp`, preflight)).status).toBe(403);
  });

  it('answers nonsense with an error, never with a failure of its own', async () => {
    const bridge = await startBridge();
    expect((await post(bridge, '{not json')).status).toBe(400);
    expect((await post(bridge, initialize, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(bridge, `"${'x'.repeat(300 * 1024)}"`)).status).toBe(413);
    expect((await fetch(`${bridge.bridge.http.url}/mcp`)).status).toBe(405);
    expect((await fetch(`${bridge.bridge.http.url}/mcp`, { method: 'DELETE' })).status).toBe(405);
    expect((await post(bridge, initialize)).status).toBe(200);
  });

  it('ends open event streams when the bridge stops', async () => {
    const bridge = await startBridge();
    const client = await connect(bridge, '2026');
    const subscription = await client.listen({ toolsListChanged: true });
    let ended: string | undefined;
    void subscription.closed.then((how) => (ended = how));
    await bridge.stop();
    expect(await until(() => ended)).toMatch(/graceful|remote/);
  });
});
