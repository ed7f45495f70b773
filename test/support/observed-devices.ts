/** A model whose agent does what tests want to observe. With OBSERVED_FILE set, the thread of agents writes its events there. */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { trace } from '@opentelemetry/api';
import { DeviceAgent, getAgentByName, type TelemetryEvent } from '../../src/agent/index.ts';
import { command, defineDevice, numeric, text } from '../../src/device/index.ts';

const file = process.env['OBSERVED_FILE'];
if (file !== undefined) {
  subscribe('mooring:lifecycle', (event) => {
    appendFileSync(file, `${JSON.stringify({ isMainThread, event })}\n`);
  });
}

const ONCE = { retry: { maxAttempts: 1 } };

class Observed extends DeviceAgent {
  static callables = Object.fromEntries(
    ['add', 'fail', 'failLater', 'ping', 'work', 'later', 'forward', 'spanName'].map((name) => [name, {}]),
  );

  override onTelemetry({ values }: TelemetryEvent): void {
    if (values['note'] === 'throw') throw new Error('no telemetry today');
    if (values['note'] === 'ping') this.ping();
  }

  override onMessage(): void {
    this.log.warn({ extra: 1 }, 'a line of the author');
  }

  override onError(): void {}

  add(a: number, b: number): number {
    return a + b;
  }

  fail(): void {
    throw new Error('not today');
  }

  async failLater(): Promise<void> {
    await Promise.resolve();
    throw new Error('not today, later');
  }

  ping(): string {
    return this.sendCommand('ping').cid;
  }

  /** One job that works, one that is tried twice, one that is taken out. */
  work(): void {
    this.queue('ping');
    this.queue('fail', undefined, { retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 2 } });
    this.dequeue(this.queue('add'));
  }

  later(): void {
    this.schedule(0, 'ping');
    this.schedule(0, 'fail', undefined, ONCE);
    this.cancelSchedule(this.schedule(3600, 'add').id);
  }

  async forward(id: string): Promise<string> {
    return getAgentByName<Observed>('observed', id).ping();
  }

  spanName(): string | undefined {
    return trace.getActiveSpan()?.spanContext().spanId;
  }
}

export const definitions = [
  defineDevice({
    model: 'observed',
    agent: 'observed',
    vendor: 'Test',
    description: 'a model for tests',
    metrics: [numeric('x', { min: -1000, max: 1000 }), text('note', { bytesMax: 64 })],
    commands: [command('ping'), command('set', { argument: { kind: 'numeric', min: 0, max: 100 } })],
    rules: [{ id: 'hot', when: { metric: 'x', op: '>', value: 100 }, do: { kind: 'command', name: 'ping' } }],
    sample: { x: 1, note: 'fine' },
  }),
];

export const agents = { observed: Observed };
