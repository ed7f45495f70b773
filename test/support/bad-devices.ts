/** Agents whose code hangs, loops or ends the thread, as the telemetry that reaches them says. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeviceAgent,
  type AgentConnection,
  type ConnectContext,
  type DeviceAgentClass,
  type StreamingResponse,
  type TelemetryEvent,
} from '../../src/agent/index.ts';
import { defineDevice, numeric, text } from '../../src/device/index.ts';

/** Where agents in this thread leave what happened to them. */
export const notes: string[] = [];
/** What a hook waits for until a test lets it go on. */
export const gates: PromiseWithResolvers<void>[] = [];

function gate(): Promise<void> {
  const one = Promise.withResolvers<void>();
  gates.push(one);
  return one.promise;
}

class BadAgent extends DeviceAgent {
  static callables = { slow: {}, sum: {}, stream: { streaming: true } };

  note(what: string): void {
    notes.push(`${this.name} ${what}`);
  }

  override async onStart(): Promise<void> {
    this.note('onStart');
    if (this.name.startsWith('unstartable')) await gate();
  }

  override async onConnect(connection: AgentConnection, { uri }: ConnectContext): Promise<void> {
    connection.setState({ greeted: true });
    if (uri.includes('hang')) await gate();
  }

  override async onMessage(connection: AgentConnection, message: unknown): Promise<void> {
    this.note(`onMessage ${String(message)}`);
    if (message === 'hang') await gate();
    connection.send(`heard ${String(message)}`);
  }

  override async onTelemetry({ values }: TelemetryEvent): Promise<void> {
    const { x, note = '' } = values;
    this.note(`onTelemetry ${String(x)}`);
    if (note === 'hang') await this.hangForEver();
    if (
      note === 'hang-once' &&
      notes.filter((line) => line === `${this.name} onTelemetry ${String(x)}`).length === 1
    ) {
      await gate();
      this.write('after the hang');
    }
    if (note === 'wait') await sleep(20);
    if (note === 'loop') spin();
    if (note === 'loop-later') await sleep(1).then(spin);
    if (note === 'exit') endThread();
    if (note === 'abort') process.kill(process.pid, 'SIGKILL');
    if (note === 'stray') void this.forgotten();
    if (note === 'timer') setTimeout(() => this.broken(), 1);
    if (note === 'fill') await sleep(30);
  }

  write(what: string): void {
    try {
      this.setState({ ...this.state, note: what });
      this.note('wrote');
    } catch (error) {
      this.note(`zombie: ${(error as { code?: string }).code}`);
    }
  }

  async hangForEver(): Promise<void> {
    await gate();
  }

  async forgotten(): Promise<void> {
    await sleep(1);
    throw new Error('nobody waits for this');
  }

  broken(): void {
    throw new Error('in a timer');
  }

  async slow(ms: number): Promise<string> {
    await sleep(ms);
    return 'done';
  }

  sum(a: number, b: number): number {
    return a + b;
  }

  async stream(stream: StreamingResponse): Promise<void> {
    stream.send('begun');
    await gate();
  }
}

function spin(): never {
  for (;;) JSON.stringify([1, 2, 3]);
}

function endThread(): void {
  process.exit(3);
}

export const definitions = [
  defineDevice({
    model: 'bad',
    agent: 'bad-agent',
    vendor: 'Test',
    description: 'a model for tests',
    metrics: [numeric('x', { min: -1e6, max: 1e6 }), text('note', { bytesMax: 64 })],
    commands: [],
    sample: { x: 1, note: 'fine' },
  }),
  defineDevice({
    model: 'good',
    agent: 'device-agent',
    vendor: 'Test',
    description: 'a model for tests',
    metrics: [numeric('x', { min: -1e6, max: 1e6 })],
    commands: [],
    sample: { x: 1 },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { 'bad-agent': BadAgent };
