/**
 * A model whose agent does what tests tell it, later. Each run leaves a line in `trace` in the directory
 * JOBS_DIR, also from another thread; files there with the names of flags change what it does.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeviceAgent,
  type DeadJob,
  type DeviceAgentClass,
  type IntervalOptions,
  type QueueItem,
  type RetryOptions,
  type Schedule,
  type ScheduleOptions,
} from '../../src/agent/index.ts';
import { command, defineDevice, numeric } from '../../src/device/index.ts';

type Callback = 'run' | 'runSlowly' | 'fail' | 'failTwice' | 'crash' | 'hang' | 'setAndFail' | 'arrow';

function file(name: string): string {
  return join(process.env['JOBS_DIR'] ?? '', name);
}

function trace(agent: DeviceAgent, what: string, payload: unknown): void {
  appendFileSync(file('trace'), `${agent.name} ${what} ${JSON.stringify(payload)}\n`);
}

class Keeper extends DeviceAgent {
  static options = { retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 5 } };
  static callables = {
    at: {},
    many: {},
    after: {},
    cron: {},
    every: {},
    enqueue: {},
    cancel: {},
    schedules: {},
    queued: {},
    dead: {},
    revive: {},
    scheduleThenThrow: {},
    retried: {},
    poison: {},
    die: {},
    nothing: {},
  };

  at(timeMs: number, callback: Callback, payload?: unknown, options?: ScheduleOptions): Schedule {
    return this.schedule(new Date(timeMs), callback, payload, options);
  }

  after(seconds: number, callback: Callback, payload?: unknown, options?: ScheduleOptions): Schedule {
    return this.schedule(seconds, callback, payload, options);
  }

  cron(pattern: string, callback: Callback, payload?: unknown): Schedule {
    return this.schedule(pattern, callback, payload);
  }

  every(seconds: number, callback: Callback, payload?: unknown, options?: IntervalOptions): Schedule {
    return this.scheduleEvery(seconds, callback, payload, options);
  }

  enqueue(callback: Callback, payloads: unknown[], retry?: RetryOptions): string[] {
    return payloads.map((payload) => this.queue(callback, payload, retry === undefined ? {} : { retry }));
  }

  many(timeMs: number, count: number): void {
    for (let n = 0; n < count; n++) this.schedule(new Date(timeMs), 'run', n);
  }

  cancel(id: string): boolean {
    return this.cancelSchedule(id);
  }

  schedules(): Schedule[] {
    return this.getSchedules();
  }

  queued(key: string, value: unknown): QueueItem[] {
    return this.getQueues(key, value);
  }

  dead(): DeadJob[] {
    return this.deadJobs();
  }

  revive(id?: string): number {
    return this.retryDead(id);
  }

  nothing(): void {}

  scheduleThenThrow(): never {
    this.schedule(0.01, 'run', 'never');
    this.queue('run', 'never');
    throw new Error('taken back');
  }

  async retried(options: RetryOptions = { maxAttempts: 3, baseDelayMs: 1, maxDelayMs: 2 }): Promise<number> {
    return this.retry((attempt) => {
      if (attempt < 3) throw new Error(`attempt ${attempt}`);
      return attempt;
    }, options);
  }

  poison(): void {
    this.queue('crash', 'poison');
    this.queue('run', 'behind');
  }

  /** Ends the shard's thread, a moment after the call was committed. */
  die(): void {
    setTimeout(() => process.exit(3), 5);
  }

  run(payload: unknown): void {
    trace(this, 'run', payload);
  }

  async runSlowly(payload: unknown): Promise<void> {
    await sleep(20);
    trace(this, 'run', payload);
  }

  fail(payload: unknown, { attempt }: { attempt: number }): void {
    trace(this, `try ${attempt}`, payload);
    if (!existsSync(file('lucky'))) throw new Error('no luck');
  }

  failTwice(payload: unknown, { attempt }: { attempt: number }): void {
    trace(this, `try ${attempt}`, payload);
    if (attempt < 3) throw new Error('not yet');
  }

  setAndFail(): never {
    this.setState({ x: 99 });
    this.queue('run', 'never');
    throw new Error('taken back');
  }

  /** Ends the thread in the middle of the run, until there is a file `survive`. */
  crash(payload: unknown): void {
    trace(this, 'crash', payload);
    if (!existsSync(file('survive'))) process.exit(3);
  }

  /** Does not end while there is a file `hang`: whoever stops the bridge interrupts it. */
  async hang(payload: unknown): Promise<void> {
    trace(this, 'begin', payload);
    if (existsSync(file('hang'))) await new Promise(() => undefined);
    trace(this, 'run', payload);
  }

  arrow = (payload: unknown): void => {
    trace(this, 'run', payload);
  };

  override onError(): void {}
}

/** The same agent after its author took the methods out. */
class Forgetful extends DeviceAgent {
  static callables = { dead: {}, schedules: {} };

  dead(): DeadJob[] {
    return this.deadJobs();
  }

  schedules(): Schedule[] {
    return this.getSchedules();
  }

  override onError(): void {}
}

export const definitions = [
  defineDevice({
    model: 'keeper',
    vendor: 'Test',
    description: 'a model with jobs',
    agent: 'keeper',
    metrics: [numeric('x', { min: -1e6, max: 1e6 })],
    commands: [command('ping')],
    sample: { x: 1 },
  }),
];
export const agents: Record<string, DeviceAgentClass> = {
  keeper: existsSync(file('forget')) ? Forgetful : Keeper,
};
