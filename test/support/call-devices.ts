/** A model whose agent can be called: every kind of callable there is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { DeviceAgent, type DeviceAgentClass, type StreamingResponse } from '../../src/agent/index.ts';
import { limits } from '../../src/base/limits.ts';
import { command, defineDevice, numeric } from '../../src/device/index.ts';

/** Where agents in this thread leave what they did. */
export const traces: string[] = [];

const aborted: string[] = [];

class CallableAgent extends DeviceAgent {
  static callables = {
    add: { description: 'the sum', args: z.tuple([z.number(), z.number()]) },
    addLater: { args: z.tuple([z.number()]).refine(async ([n]) => (await sleep(1, n)) > 0, 'not positive') },
    echo: {},
    nothing: {},
    slow: {},
    unsendable: {},
    cyclic: {},
    huge: {},
    unsendableChunk: { streaming: true },
    unsendableEnd: { streaming: true },
    fail: {},
    failOddly: {},
    failPlainly: {},
    setThenFail: {},
    hang: { deadlineMs: 60 },
    hangStream: { streaming: true, deadlineMs: 60 },
    count: { streaming: true },
    countForgetful: { streaming: true },
    streamThenThrow: { streaming: true },
    throwThenStream: { streaming: true },
    streamError: { streaming: true },
    endThenThrow: { streaming: true },
    endless: { streaming: true },
    afterEnd: { streaming: true },
    abortedStreams: {},
    setState: {},
    schedule: {},
    constructor: {},
    toString: {},
    hasOwnProperty: {},
    missing: {},
  };

  add(a: number, b: number): number {
    return a + b;
  }

  async addLater(n: number): Promise<number> {
    return sleep(1, n + 1);
  }

  echo(...args: unknown[]): unknown {
    return args;
  }

  nothing(): void {
    traces.push(`${this.name} nothing`);
  }

  unsendable(): unknown {
    return { n: 1n };
  }

  cyclic(): unknown {
    const around: Record<string, unknown> = {};
    return Object.assign(around, { around });
  }

  huge(): string {
    return 'x'.repeat(limits.frameOutBytesMax);
  }

  unsendableChunk(stream: StreamingResponse): void {
    const said = [stream.send('one'), stream.send(1n), stream.send('three'), stream.signal.aborted];
    traces.push(`${this.name} chunks ${JSON.stringify(said)}`);
  }

  unsendableEnd(stream: StreamingResponse): void {
    stream.end(1n);
  }

  async slow(ms: number): Promise<number> {
    traces.push(`${this.name} slow begins`);
    await sleep(ms);
    traces.push(`${this.name} slow ends`);
    return ms;
  }

  notForYou(): string {
    return 'secret';
  }

  fail(): never {
    throw new Error('the valve is stuck');
  }

  failOddly(): never {
    throw 'a string'; // what an author may do
  }

  async failPlainly(): Promise<never> {
    await sleep(1);
    throw new Error('later');
  }

  setThenFail(): never {
    this.setState({ x: 99 });
    throw new Error('taken back');
  }

  hang(): Promise<never> {
    return new Promise(() => undefined);
  }

  hangStream(stream: StreamingResponse): Promise<never> {
    stream.send('first');
    return new Promise(() => undefined);
  }

  async count(stream: StreamingResponse, to: number, pauseMs = 0): Promise<void> {
    for (let n = 1; n <= to; n++) {
      if (pauseMs > 0) await sleep(pauseMs);
      stream.send(n);
    }
    stream.end({ total: to });
  }

  countForgetful(stream: StreamingResponse, to: number): void {
    for (let n = 1; n <= to; n++) stream.send(n);
  }

  async streamThenThrow(stream: StreamingResponse): Promise<void> {
    stream.send('one');
    await sleep(1);
    throw new Error('broke after one');
  }

  throwThenStream(): void {
    throw new Error('broke at once');
  }

  streamError(stream: StreamingResponse): void {
    stream.send('one');
    stream.error('enough');
    stream.send('never seen');
  }

  endThenThrow(stream: StreamingResponse): void {
    stream.end('done');
    throw new Error('after the end');
  }

  afterEnd(stream: StreamingResponse): void {
    stream.end('last');
    const late = [stream.send(1), stream.end(2), stream.error('3'), stream.isClosed];
    traces.push(`${this.name} late ${JSON.stringify(late)}`);
  }

  async endless(stream: StreamingResponse): Promise<void> {
    stream.signal.addEventListener('abort', () => aborted.push(this.name));
    for (let n = 0; stream.send(n); n++) await sleep(2);
    aborted.push(`${this.name} left`);
  }

  abortedStreams(): string[] {
    return aborted.filter((name) => name.startsWith(this.name));
  }

  override onTelemetry({ values }: { values: Record<string, unknown> }): void {
    traces.push(`${this.name} x=${String(values['x'])}`);
  }
}

/** Callables are inherited, and a subclass's method takes the place of its parent's. */
class LouderAgent extends CallableAgent {
  override fail(): never {
    throw new Error('THE VALVE IS STUCK');
  }
}

const shape = {
  vendor: 'Test',
  description: 'a model with callables',
  metrics: [numeric('x', { min: -1e6, max: 1e6 })],
  commands: [command('ping')],
  sample: { x: 1 },
};

export const definitions = [
  defineDevice({ ...shape, model: 'callable', agent: 'callable-agent' }),
  defineDevice({ ...shape, model: 'louder', agent: 'louder-agent' }),
];

export const agents: Record<string, DeviceAgentClass> = {
  'callable-agent': CallableAgent,
  'louder-agent': LouderAgent,
};
