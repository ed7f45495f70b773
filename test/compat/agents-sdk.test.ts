/**
 * The published client of the Agents SDK 0.5 against a bridge, unchanged. Frames and error texts are those
 * of that version; a failure here means that its users' applications break.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';
import { publishedClient, type ClientOptions, type PublishedClient } from './published-client.ts';
import { traces } from './sdk-devices.ts';

const devices = fileURLToPath(new URL('./sdk-devices.ts', import.meta.url));

/** A client and all that it told its application. */
interface Application {
  readonly client: PublishedClient;
  readonly identities: string[][];
  readonly states: [state: unknown, source: string][];
  readonly stateErrors: string[];
  readonly messages: unknown[];
}

async function open(
  { bridge }: TestBridge,
  name: string,
  options: Partial<ClientOptions> = {},
): Promise<Application> {
  const identities: string[][] = [];
  const states: [unknown, string][] = [];
  const stateErrors: string[] = [];
  const messages: unknown[] = [];
  const client = await publishedClient(bridge, {
    agent: 'CompatLab',
    name,
    onIdentity: (...identity) => identities.push(identity),
    onStateUpdate: (state, source) => states.push([state, source]),
    onStateUpdateError: (error) => stateErrors.push(error),
    ...options,
  });
  client.addEventListener('message', ({ data }) => messages.push(data));
  await client.ready;
  return { client, identities, states, stateErrors, messages };
}

/** Frames of one type that came, in order. */
function framesOf({ messages }: Application, type: string): Record<string, unknown>[] {
  return messages
    .map((data) => JSON.parse(String(data)) as Record<string, unknown>) // every frame is an object
    .filter((frame) => frame['type'] === type);
}

/** A streaming call and what its callbacks got. */
async function stream(client: PublishedClient, method: string, ...args: unknown[]) {
  const chunks: unknown[] = [];
  const dones: unknown[] = [];
  const errors: string[] = [];
  const result = await client
    .call(method, args, {
      stream: {
        onChunk: (chunk) => chunks.push(chunk),
        onDone: (last) => dones.push(last),
        onError: (error) => errors.push(error),
      },
    })
    .catch((error: unknown) => error);
  // The client calls back in the same tick in which it settles the call, but after it.
  await until(() => dones.length + errors.length > 0, `${method} to end`);
  return { chunks, dones, errors, result };
}

describe.each([
  ['of the platform', {}],
  ['of ws', { WebSocket }],
] as const)('the published AgentClient over the WebSocket %s', (_, transport) => {
  it('gets ready with its identity; CompatLab is the model compat-lab', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'd1', transport);
    expect(app.identities).toEqual([['d1', 'compat-lab']]);
    expect(app.client).toMatchObject({ name: 'd1', agent: 'compat-lab', identified: true });
    const uri = `/agents/compat-lab/d1?_pk=${app.client.id}`;
    await until(() => traces.includes(`d1 onConnect ${uri}`), `onConnect with ${uri}`);
    await until(() => framesOf(app, 'cf_agent_mcp_servers').length > 0);
    expect(JSON.parse(String(app.messages[0]))).toEqual({
      type: 'cf_agent_identity',
      name: 'd1',
      agent: 'compat-lab',
    });
    expect(framesOf(app, 'cf_agent_mcp_servers')).toEqual([
      { type: 'cf_agent_mcp_servers', mcp: { prompts: [], resources: [], servers: {}, tools: [] } },
    ]);
  });

  it('sends its state to the agent, which tells the other clients', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'up', transport);
    const other = await open(bridge, 'up', transport);
    app.client.setState({ x: 4, note: 'grün' });
    expect(app.states).toEqual([[{ x: 4, note: 'grün' }, 'client']]);
    await until(() => other.states.length > 0, 'the state at the other client');
    expect(other.states).toEqual([[{ x: 4, note: 'grün' }, 'server']]);
    expect(traces).toContain('up onStateChanged {"x":4,"note":"grün"} by client');
    expect((await bridge.agent('compat-lab/up'))['state']).toEqual({ x: 4, note: 'grün' });
    // The reply comes after any echo: there was none.
    await app.client.call('nothing');
    expect(framesOf(app, 'cf_agent_state')).toEqual([]);
  });

  it('gets the state the agent sets, that of a device, and the last one once on connect', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'down', transport);
    await expect(app.client.call('publishState', [5])).resolves.toBe('set');
    expect(app.states).toEqual([[{ x: 5 }, 'server']]);
    expect(traces).toContain('down onStateChanged {"x":5} by server');
    const device = await bridge.mqtt();
    await device.publishAsync('devices/compat-lab/down/telemetry', '{"x":0}', { qos: 1 });
    await until(() => app.states.length === 2, 'the state of the device');
    expect(app.states[1]).toEqual([{ x: 0 }, 'server']);
    const later = await open(bridge, 'down', transport);
    await later.client.call('nothing');
    expect(later.states).toEqual([[{ x: 0 }, 'server']]);
  });

  it('is told that a state was refused, and nothing has changed', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'bad', transport);
    await app.client.call('publishState', [6]);
    app.client.setState('not an object of metrics');
    await until(() => app.stateErrors.length > 0, 'onStateUpdateError');
    expect(app.stateErrors).toEqual(['the state of a device is an object of its metrics']);
    expect((await bridge.agent('compat-lab/bad'))['state']).toEqual({ x: 6 });
    await expect(app.client.call('add', [1, 2])).resolves.toBe(3);
  });

  it('calls methods, many at a time, with any JSON value', async () => {
    const bridge = await startBridge({ devices });
    const { client } = await open(bridge, 'call', transport);
    await expect(client.call('add', [1, 2])).resolves.toBe(3);
    const sums = await Promise.all(Array.from({ length: 20 }, (_value, i) => client.call('add', [i, 1])));
    expect(sums).toEqual(Array.from({ length: 20 }, (_value, i) => i + 1));
    const values = [null, 0, '', false, -1.5, 'ä€😀', [[]], { deep: { er: [1, 2] } }];
    await expect(client.call('echo', values)).resolves.toEqual(values);
    await expect(client.call('echo')).resolves.toEqual([]);
    await expect(client.call('nothing')).resolves.toBeUndefined();
  });

  it('gets replies with the fields of version 0.5, and no others', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'frames', transport);
    await app.client.call('add', [1, 2]);
    await app.client.call('nothing');
    await app.client.call('secret').catch(() => undefined);
    await stream(app.client, 'count', 1);
    const id = expect.any(String) as string; // a matcher of vitest
    expect(framesOf(app, 'rpc')).toStrictEqual([
      { type: 'rpc', id, success: true, done: true, result: 3 },
      // JSON has no undefined: the field is left out.
      { type: 'rpc', id, success: true, done: true },
      { type: 'rpc', id, success: false, error: 'Method secret is not callable' },
      { type: 'rpc', id, success: true, done: false, result: { chunk: 1 } },
      { type: 'rpc', id, success: true, done: true, result: 1 },
    ]);
  });

  it.each([
    ['unknown', 'Method unknown does not exist'],
    ['secret', 'Method secret is not callable'],
    ['constructor', 'Method constructor does not exist'],
    ['refuse', 'not on a Sunday: ünmöglich'],
    ['refuseOddly', 'Unknown error occurred'],
  ])('rejects the call of %s with "%s"', async (method, message) => {
    const bridge = await startBridge({ devices });
    const { client } = await open(bridge, 'error', transport);
    await expect(client.call(method)).rejects.toThrow(new Error(message));
    expect(await stream(client, method)).toMatchObject({ chunks: [], dones: [], errors: [message] });
    await expect(client.call('add', [1, 2])).resolves.toBe(3);
  });

  it.each([
    ['count', [{ chunk: 1 }, { chunk: 2 }, { chunk: 3 }], 3],
    ['countSilently', [1, 2, 3], undefined],
  ])('streams %s: chunks in order, then the end', async (method, chunks, last) => {
    const bridge = await startBridge({ devices });
    const { client } = await open(bridge, 'stream', transport);
    expect(await stream(client, method, 3)).toStrictEqual({
      chunks,
      dones: [last],
      errors: [],
      result: last,
    });
  });

  it.each([
    ['countAndThrow', 'thrown in the middle'],
    ['countAndFail', 'failed in the middle'],
  ])('streams %s up to its error', async (method, message) => {
    const bridge = await startBridge({ devices });
    const { client } = await open(bridge, 'stream', transport);
    const result = new Error(message);
    expect(await stream(client, method)).toEqual({ chunks: [1], dones: [], errors: [message], result });
  });

  it('takes the callbacks of a stream as options too, as older applications give them', async () => {
    const bridge = await startBridge({ devices });
    const { client } = await open(bridge, 'stream', transport);
    const chunks: unknown[] = [];
    const call = client.call('count', [2], { onChunk: (chunk) => chunks.push(chunk) });
    await expect(call).resolves.toBe(2);
    expect(chunks).toEqual([{ chunk: 1 }, { chunk: 2 }]);
  });

  it('gives up a call at its timeout and goes on; the late answer hurts nobody', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'slow', transport);
    const timedOut = new Error('RPC call to wait timed out after 20ms');
    await expect(app.client.call('wait', [100], { timeout: 20 })).rejects.toThrow(timedOut);
    await until(() => framesOf(app, 'rpc').some(({ result }) => result === 'late'), 'the late answer');
    await expect(app.client.call('add', [1, 2])).resolves.toBe(3);
  });

  it('gets identity and state again when it reconnects', async () => {
    const bridge = await startBridge({ devices });
    const changes: string[][] = [];
    const onIdentityChange = (...names: string[]): void => void changes.push(names);
    const app = await open(bridge, 'again', { ...transport, onIdentityChange });
    await app.client.call('publishState', [7]);
    const cut = app.client.call('wait', [200]);
    const cutEnd = expect(cut).rejects.toThrow(new Error('Connection closed'));
    app.client.reconnect();
    await until(() => app.identities.length === 2, 'the identity again');
    await cutEnd;
    await expect(app.client.call('add', [1, 2])).resolves.toBe(3);
    expect(app.identities[1]).toEqual(['again', 'compat-lab']);
    expect(changes).toEqual([]);
    expect(app.states).toEqual([
      [{ x: 7 }, 'server'],
      [{ x: 7 }, 'server'],
    ]);
  });

  it('hears everything as text, frames it does not know included', async () => {
    const bridge = await startBridge({ devices });
    const app = await open(bridge, 'all', transport);
    const device = await bridge.mqtt();
    await device.publishAsync('devices/compat-lab/all/telemetry', '{"x":8}', { qos: 1 });
    await until(() => framesOf(app, 'mooring_telemetry').length > 0, 'telemetry');
    await until(() => app.states.length > 0);
    expect(app.messages.filter((data) => typeof data !== 'string')).toEqual([]);
    await expect(app.client.call('add', [1, 2])).resolves.toBe(3);
  });
});
