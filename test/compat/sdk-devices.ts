/** A model whose agent has what the published client of the Agents SDK can ask for. */
import {
  DeviceAgent,
  type AgentConnection,
  type ConnectContext,
  type DeviceAgentClass,
  type StreamingResponse,
} from '../../src/agent/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

/** Where hooks of agents in this thread leave their traces, as `name hook detail`. */
export const traces: string[] = [];

export class CompatLab extends DeviceAgent {
  static callables = {
    add: {},
    nothing: {},
    echo: {},
    publishState: {},
    refuse: {},
    refuseOddly: {},
    wait: {},
    count: { streaming: true },
    countSilently: { streaming: true },
    countAndThrow: { streaming: true },
    countAndFail: { streaming: true },
  };

  override onConnect(_connection: AgentConnection, { uri }: ConnectContext): void {
    traces.push(`${this.name} onConnect ${uri}`);
  }

  override onStateChanged(state: unknown, source: 'server' | AgentConnection): void {
    const by = source === 'server' ? 'server' : 'client';
    traces.push(`${this.name} onStateChanged ${JSON.stringify(state)} by ${by}`);
  }

  add(a: number, b: number): Promise<number> {
    return Promise.resolve(a + b);
  }

  nothing(): void {}

  echo(...values: unknown[]): unknown {
    return values;
  }

  publishState(x: number): string {
    this.setState({ x });
    return 'set';
  }

  refuse(): never {
    throw new Error('not on a Sunday: ünmöglich');
  }

  refuseOddly(): never {
    throw 'no Error at all'; // as careless authors do
  }

  /** Answers when its caller does not listen any more. */
  async wait(delayMs: number): Promise<string> {
    await new Promise((resume) => setTimeout(resume, delayMs));
    return 'late';
  }

  count(stream: StreamingResponse, to: number): void {
    for (let i = 1; i <= to; i++) stream.send({ chunk: i });
    stream.end(to);
  }

  /** Ends without `end()`. */
  async countSilently(stream: StreamingResponse, to: number): Promise<void> {
    for (let i = 1; i <= to; i++) {
      await Promise.resolve();
      stream.send(i);
    }
  }

  async countAndThrow(stream: StreamingResponse): Promise<void> {
    stream.send(1);
    await new Promise((resume) => setImmediate(resume));
    throw new Error('thrown in the middle');
  }

  countAndFail(stream: StreamingResponse): void {
    stream.send(1);
    stream.error('failed in the middle');
  }

  /** Not named in `callables`. */
  secret(): string {
    return 'secret';
  }
}

export const definitions = [
  defineDevice({
    model: 'compat-lab',
    vendor: 'Test',
    description: 'what the published client talks to',
    agent: 'compat-lab-agent',
    metrics: [numeric('x', { min: -1e6, max: 1e6 })],
    commands: [],
    sample: { x: 1 },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { 'compat-lab-agent': CompatLab };
