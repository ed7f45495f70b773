import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it, onTestFinished } from 'vitest';
import { BridgeError } from '../../../src/base/errors.ts';
import { createLog } from '../../../src/base/log.ts';
import type { FleetPort, McpCaller } from '../../../src/tools/index.ts';
import { createMcpEndpoint } from '../../../src/tools/mcp/index.ts';

/** Asked for anything but the list, it fails the way a bug does. */
function port(asked: string[]): FleetPort {
  const fail = (name: string) => (): Promise<never> => {
    asked.push(name);
    return Promise.reject(new BridgeError('BRG_INTERNAL', 'the secret path /var/lib/x is broken'));
  };
  return {
    models: () => [{ model: 'pump', metrics: [], commands: [] }],
    list: (query) => {
      asked.push('list');
      return Promise.resolve({ agents: [], cursor: query.cursor });
    },
    describe: fail('describe'),
    history: fail('history'),
    rules: fail('rules'),
    tool: fail('tool'),
    call: fail('call'),
  };
}

async function connect(caller: McpCaller, asked: string[]): Promise<Client> {
  const log = createLog({ level: 'silent', format: 'json' });
  const endpoint = createMcpEndpoint(port(asked), { version: '1', log });
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const fetch = (url: string | URL, init?: RequestInit): Promise<Response> =>
    endpoint.fetch(new Request(url, init), caller);
  await client.connect(new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch }));
  onTestFinished(async () => {
    await client.close();
    await endpoint.close();
  });
  return client;
}

it('a caller that may only read is offered nothing that acts, and cannot call it by name', async () => {
  const asked: string[] = [];
  const client = await connect({ user: 'reader', scopes: ['read'] }, asked);
  const { tools } = await client.listTools();
  expect(tools.map(({ annotations }) => annotations?.readOnlyHint)).toEqual([true, true, true, true]);
  const command = { name: 'device_command', arguments: { model: 'pump', id: 'p1', command: 'stop' } };
  await expect(client.callTool(command)).rejects.toThrow('device_command');
  expect(asked).toEqual([]);
});

it('a caller that may act is not offered the methods of agents, which no policy holds back', async () => {
  const asked: string[] = [];
  const client = await connect({ user: 'operator', scopes: ['read', 'act'] }, asked);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('device_command');
  const call = { name: 'agent_call', arguments: { model: 'pump', id: 'p1', method: 'reset' } };
  await expect(client.callTool(call)).rejects.toThrow('agent_call');
  expect(asked).toEqual([]);
});

it('a caller that may nothing is offered nothing', async () => {
  const asked: string[] = [];
  const client = await connect({ user: null, scopes: [] }, asked);
  expect((await client.listTools()).tools).toEqual([]);
  await expect(client.readResource({ uri: 'iot://devices' })).rejects.toThrow();
  expect(asked).toEqual([]);
});

it('a failure that is nobody’s business stays in the log: the caller gets its code', async () => {
  const client = await connect({ user: null, scopes: ['read', 'act'] }, []);
  const result = await client.callTool({ name: 'rules_list', arguments: { model: 'pump', id: 'p1' } });
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toContain('BRG_INTERNAL');
  expect(JSON.stringify(result)).not.toContain('/var/lib');
  const read = client.readResource({ uri: 'iot://devices/pump/p1' });
  await expect(read).rejects.toThrow('BRG_INTERNAL');
  await expect(read).rejects.not.toThrow('/var/lib');
});

it('what does not fit the schema of a tool never reaches an agent', async () => {
  const asked: string[] = [];
  const client = await connect({ user: null, scopes: ['read', 'act'] }, asked);
  for (const input of [
    { model: 'PUMP', id: 'p1', command: 'stop' },
    { model: 'pump', id: '../p1', command: 'stop' },
    { model: 'pump', id: 'p1', command: 'stop', by: 'somebody else' },
    { model: 'pump', id: 'p1' },
  ]) {
    const result = await client.callTool({ name: 'device_command', arguments: input });
    expect(result.isError).toBe(true);
  }
  expect(asked).toEqual([]);
});

it('a 2025 client that is gone while its person is asked: nothing is done, and nobody else is asked', async () => {
  const asked: Parameters<FleetPort['tool']>[1][] = [];
  const needed = { outcome: 'needs-approval', explanation: 'it is far', approval: { binding: 'b' } };
  const tool: FleetPort['tool'] = (_target, call) => {
    asked.push(call);
    return Promise.resolve(needed);
  };
  const log = createLog({ level: 'silent', format: 'json' });
  const endpoint = createMcpEndpoint({ ...port([]), tool }, { version: '1', log });
  onTestFinished(() => endpoint.close());
  const gone = new AbortController();
  const post = (message: object, session?: string | null): Promise<Response> => {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session == null ? {} : { 'mcp-session-id': session }),
    };
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    const { signal } = gone;
    return endpoint.fetch(new Request('http://localhost/mcp', { method: 'POST', headers, body, signal }), {
      user: 'admin',
      scopes: ['read', 'act', 'admin'],
    });
  };
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: { elicitation: { form: {} } }, clientInfo };
  const session = (await post({ id: 1, method: 'initialize', params })).headers.get('mcp-session-id');
  const input = { model: 'pump', id: 'p1', command: 'stop' };
  const call = { id: 2, method: 'tools/call', params: { name: 'device_command', arguments: input } };
  const reader = (await post(call, session)).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('elicitation/create');
  gone.abort();
  let rest = '';
  for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
    rest += new TextDecoder().decode(piece.value);
  expect(rest).toContain('BRG_ABORTED');
  expect(asked).toEqual([expect.objectContaining({ isCallerAsked: true }) as unknown]);
});
