/** Callables as their users meet them: the client library, and the decorator. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AgentClient } from '../../src/client/index.ts';
import { startBridge, type TestBridge } from '../support/bridge.ts';
import { devicesFile } from '../support/devices-file.ts';
import { until } from '../support/until.ts';

const devices = fileURLToPath(new URL('../support/call-devices.ts', import.meta.url));

interface Callable {
  abortedStreams(): string[];
  add(a: number, b: number): number;
  count(to: number, pauseMs?: number): void;
  countForgetful(to: number): void;
  endless(): void;
  fail(): void;
  hang(): void;
  hangStream(): void;
  slow(ms: number): number;
  streamThenThrow(): void;
}

function connect<A>(bridge: TestBridge, codec: 'json' | 'cbor', model = 'callable'): AgentClient<A> {
  const client = new AgentClient<A>({ host: bridge.bridge.http.url, model, id: 'c', codec });
  onTestFinished(() => client.close());
  return client;
}

describe.each(['json', 'cbor'] as const)('a %s client', (codec) => {
  test('calls methods by name and by stub, in the order in which they were sent', async () => {
    const bridge = await startBridge({ devices });
    const client = connect<Callable>(bridge, codec);
    await client.ready; // the answer to $ping, which comes after the first frames
    expect([client.agent, client.name]).toEqual(['callable', 'c']);
    const order: number[] = [];
    const all = [
      client.stub.slow(30).then((ms) => order.push(ms)),
      client.stub.add(1, 2).then((sum) => order.push(sum)),
      client.stub.add(2, 2).then((sum) => order.push(sum)),
    ];
    await Promise.all(all);
    expect(order).toEqual([30, 3, 4]);
    await expect(client.stub.fail()).rejects.toMatchObject({
      code: 'BRG_CALL_FAILED',
      message: 'the valve is stuck',
    });
    await expect(client.stub.hang()).rejects.toThrow('Method hang did not answer within 60 ms');
    await expect(client.call('add', [1, 2], { idempotent: true })).resolves.toBe(3);
  });

  test('reads a stream to its end, also one that never calls end(), and its error', async () => {
    const bridge = await startBridge({ devices });
    const client = connect<Callable>(bridge, codec);
    const read = async (chunks: AsyncIterable<unknown>): Promise<unknown[]> => {
      const all: unknown[] = [];
      for await (const chunk of chunks) all.push(chunk);
      return all;
    };
    expect(await read(client.stream('count', [3]))).toEqual([1, 2, 3]);
    expect(await read(client.stream('countForgetful', [2]))).toEqual([1, 2]);
    await expect(read(client.stream('streamThenThrow', []))).rejects.toThrow('broke after one');
    const seen: unknown[] = [];
    const stream = {
      onChunk: (n: unknown) => void seen.push(n),
      onDone: (end: unknown) => void seen.push(end),
    };
    await expect(client.call('count', [2], { stream })).resolves.toEqual({ total: 2 });
    expect(seen).toEqual([1, 2, { total: 2 }]);
  });

  test('that gives a stream up ends it at the agent: by leaving the loop, by its signal, at its deadline', async () => {
    const bridge = await startBridge({ devices });
    const client = connect<Callable>(bridge, codec);
    const ended = async (count: number): Promise<void> => {
      // Each says that its signal was aborted, and that its method went.
      await until(
        async () => (await client.stub.abortedStreams()).length === 2 * count,
        `${count} streams ended`,
      );
    };
    const before = (await client.stub.abortedStreams()).length / 2; // the other codec's
    for await (const chunk of client.stream('endless', [])) if (chunk === 2) break;
    await ended(before + 1);
    const abort = new AbortController();
    const onChunk = (chunk: unknown): void => void (chunk === 2 && abort.abort());
    const aborted = client.call('endless', [], { signal: abort.signal, stream: { onChunk } });
    await expect(aborted).rejects.toMatchObject({ code: 'BRG_ABORTED' });
    await ended(before + 2);
    await expect(client.call('hangStream', [], { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'BRG_TIMEOUT',
    });
    await expect(client.stub.add(1, 2)).resolves.toBe(3);
  });

  test('that leaves a stream early goes on with other calls', async () => {
    const bridge = await startBridge({ devices });
    const client = connect<Callable>(bridge, codec);
    for await (const chunk of client.stream('endless', [])) if (chunk === 2) break;
    await expect(client.stub.add(1, 2)).resolves.toBe(3);
    const signal = AbortSignal.timeout(20);
    await expect(client.call('slow', [200], { signal })).rejects.toMatchObject({ code: 'BRG_ABORTED' });
    await expect(client.stub.add(1, 2)).resolves.toBe(3);
  });
});

test('$ping is answered after what was sent before it', async () => {
  const bridge = await startBridge({ devices });
  const socket = await bridge.socket('callable/p');
  socket.send({ type: 'rpc', id: 's', method: 'slow', args: [30] });
  socket.send({ type: 'rpc', id: '$ping-1', method: '$ping', args: [] });
  await until(() => socket.ofType('rpc').length === 2);
  expect(socket.ofType('rpc').map(({ id, error }) => [id, error])).toEqual([
    ['s', undefined],
    ['$ping-1', 'Method $ping does not exist'],
  ]);
  const first = socket.frames.findIndex(({ type }) => type === 'rpc');
  expect(socket.frames.findIndex(({ type }) => type === 'cf_agent_identity')).toBeLessThan(first);
});

const DECORATED = `
import { callable, defineDevice, DeviceAgent, numeric } from 'mooring';

class Parent extends DeviceAgent {
  @callable() inherited() { return 'inherited'; }
  @callable() overridden() { return 'parent'; }
}

class Door extends Parent {
  @callable({ description: 'opens it' })
  open(by) { return 'opened by ' + by + ' of ' + this.name; }

  @callable({ streaming: true })
  async knock(stream, times) { for (let n = 1; n <= times; n++) stream.send(n); }

  @callable() methods() { return [...this.getCallableMethods()].map(([name, { description = null }]) => [name, description]); }

  secret() { return 'secret'; }
  overridden() { return 'child'; }
}

export const definitions = [defineDevice({
  model: 'door', vendor: 'Test', description: 'a door', agent: 'door',
  metrics: [numeric('x', { min: 0, max: 1 })], commands: [], sample: { x: 1 },
})];
export const agents = { door: Door };
`;

test('@callable() of compiled code means the same as `static callables`', async () => {
  const { outputText } = ts.transpileModule(DECORATED, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  expect(outputText).not.toContain('@callable');
  const bridge = await startBridge({ devices: devicesFile(outputText, 'devices.mjs'), shards: 1 });
  const client = connect(bridge, 'cbor', 'door');
  await expect(client.call('open', ['me'])).resolves.toBe('opened by me of c');
  await expect(client.call('inherited', [])).resolves.toBe('inherited');
  await expect(client.call('secret', [])).rejects.toThrow('Method secret is not callable');
  await expect(client.call('methods', [])).resolves.toEqual([
    ['open', 'opens it'],
    ['knock', null],
    ['methods', null],
    ['inherited', null],
  ]);
  const chunks: unknown[] = [];
  for await (const chunk of client.stream('knock', [2])) chunks.push(chunk);
  expect(chunks).toEqual([1, 2]);
  // As in the Agents SDK: the decorator belongs to the function, not to its name.
  await expect(client.call('overridden', [])).rejects.toThrow('Method overridden is not callable');
});
