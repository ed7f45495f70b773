/** An agent in memory for jobs: a clock to hold, turns that commit or are taken back, and crashes. */
import {
  DeadJobs,
  JobQueue,
  MissingHandlerError,
  Schedules,
  type Capability,
  type JobContext,
  type RetryOptions,
  type Schedule,
} from '../../../src/agent/jobs/index.ts';

export interface Call {
  readonly callback: string;
  readonly payload: unknown;
  readonly info: Record<string, unknown>;
  readonly atMs: number;
}

type Handler = (payload: unknown, info: Record<string, unknown>) => void | Promise<void>;

export class Harness {
  nowMs: number;
  readonly startMs: number;
  handlers = new Map<string, Handler>();
  readonly calls: Call[] = [];
  readonly errors: unknown[] = [];
  retryDefaults: RetryOptions = {};
  random = (): number => 0.5;
  /** What is on disk: documents as JSON, and the alarm. */
  readonly disk = new Map<string, string>();
  diskAlarmMs: number | null = null;
  memory: Memory;
  #ids = 0;

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.nowMs = this.startMs = nowMs;
    this.memory = new Memory(this);
  }

  /** An agent that has woken, with the methods `tick` and `tock`. */
  static awake(): Harness {
    const agent = new Harness();
    agent.wake();
    agent.handle('tick');
    agent.handle('tock');
    return agent;
  }

  get schedules(): Schedules {
    return this.memory.schedules;
  }

  get queue(): JobQueue {
    return this.memory.queue;
  }

  get dead(): DeadJobs {
    return this.memory.dead;
  }

  handle(name: string, handler: Handler = () => {}): void {
    this.handlers.set(name, handler);
  }

  newId(): string {
    return `job${this.#ids++}`;
  }

  /** One turn, after waking: its writes are committed together; none of them when it throws. */
  turn<T>(part: () => T): T {
    if (!this.memory.isAwake) this.wake();
    return this.memory.turn(part);
  }

  /**
   * Loses everything in memory, uncommitted writes and waiting turns included. Also from within a
   * method: what the old life still does then reaches nobody.
   */
  crash(): void {
    this.memory = new Memory(this);
  }

  /** Loses the memory and comes back. */
  restart(): void {
    this.crash();
    this.wake();
  }

  wake(): void {
    this.memory.turn(() => {
      this.memory.isAwake = true;
      for (const capability of this.memory.capabilities) capability.start();
      this.memory.rearm();
    });
  }

  /** Rings when the alarm on disk is due, waking the agent as the runtime does. */
  ring(): void {
    if (this.diskAlarmMs === null || this.diskAlarmMs > this.nowMs) return;
    if (!this.memory.isAwake) this.wake();
    this.turn(() => {
      for (const capability of this.memory.capabilities) capability.alarm(this.nowMs);
      this.memory.rearm();
    });
  }

  /** One turn of the thought lane; false when none waits. */
  async step(): Promise<boolean> {
    const { memory } = this;
    const turn = memory.lane.shift();
    if (turn === undefined) return false;
    const running = memory.turn(turn);
    if (running !== undefined) {
      await running;
      memory.commit();
    }
    return true;
  }

  /** Everything that can happen without time passing. */
  async settle(): Promise<void> {
    this.ring();
    while (await this.step());
  }

  /** Lets time pass until `untilMs`, ringing at each alarm. */
  async advanceTo(untilMs: number): Promise<void> {
    await this.settle();
    while (this.diskAlarmMs !== null && this.diskAlarmMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.diskAlarmMs);
      await this.settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.nowMs + ms);
  }

  schedule(...args: Parameters<Schedules['schedule']>): Schedule {
    return this.turn(() => this.schedules.schedule(...args));
  }

  every(...args: Parameters<Schedules['scheduleEvery']>): Schedule {
    return this.turn(() => this.schedules.scheduleEvery(...args));
  }

  /** ms since the start of each call. */
  get callTimes(): number[] {
    return this.calls.map(({ atMs }) => atMs - this.startMs);
  }

  /** Callback names in the order of their calls. */
  get order(): string[] {
    return this.calls.map(({ callback }) => callback);
  }
}

class Memory implements JobContext {
  readonly address = { model: 'lab', id: 'a' };
  readonly lane: (() => void | Promise<void>)[] = [];
  readonly dead: DeadJobs;
  readonly schedules: Schedules;
  readonly queue: JobQueue;
  isAwake = false;
  alarmMs: number | null;
  readonly #harness: Harness;
  readonly #listeners: ((cell: string) => void)[] = [];
  readonly #values = new Map<string, unknown>();
  readonly #dirty = new Set<string>();
  #undo: (readonly [string, unknown])[] = [];

  constructor(harness: Harness) {
    this.#harness = harness;
    for (const [name, json] of harness.disk) this.#values.set(name, JSON.parse(json));
    this.alarmMs = harness.diskAlarmMs;
    this.dead = new DeadJobs(this);
    this.schedules = new Schedules(this, this.dead, () => harness.random());
    this.queue = new JobQueue(this, this.dead, () => harness.random());
  }

  get capabilities(): Capability[] {
    return [this.schedules, this.queue];
  }

  turn<T>(part: () => T): T {
    this.#undo = [];
    try {
      const result = part();
      this.commit();
      return result;
    } catch (error) {
      this.#takeBack(0);
      throw error;
    }
  }

  commit(): void {
    // An old life that is still waiting for a promise writes nothing any more.
    if (this.#harness.memory !== this) return;
    for (const name of this.#dirty) {
      const value = this.#values.get(name);
      if (value === undefined) this.#harness.disk.delete(name);
      else this.#harness.disk.set(name, JSON.stringify(value));
    }
    this.#dirty.clear();
    this.#harness.diskAlarmMs = this.alarmMs;
  }

  #takeBack(mark: number): void {
    while (this.#undo.length > mark) {
      const [name, value] = this.#undo.pop() ?? ['', undefined];
      this.#values.set(name, value);
      for (const listener of this.#listeners) listener(name);
    }
  }

  now(): number {
    return this.#harness.nowMs;
  }

  cell(name: string): unknown {
    return this.#values.get(name);
  }

  setCell(name: string, value: unknown): void {
    this.#undo.push([name, this.#values.get(name)]);
    this.#values.set(name, value);
    this.#dirty.add(name);
  }

  cellNames(prefix: string): string[] {
    const names = [...this.#values].filter(([name, value]) => value !== undefined && name.startsWith(prefix));
    return names.map(([name]) => name).sort();
  }

  onTakenBack(listener: (cell: string) => void): void {
    this.#listeners.push(listener);
  }

  effectId(): string {
    return this.#harness.newId();
  }

  later(turn: () => void | Promise<void>): void {
    this.lane.push(turn);
  }

  rearm(): void {
    const times = this.capabilities.map((capability) => capability.nextAlarmMs()).filter((ms) => ms !== null);
    this.alarmMs = times.length === 0 ? null : Math.min(...times);
  }

  invoke(callback: string, payload: unknown, info: unknown): void | Promise<void> {
    const handler = this.#harness.handlers.get(callback);
    if (handler === undefined) throw new MissingHandlerError(callback);
    const facts = info as Record<string, unknown>; // always an object
    this.#harness.calls.push({ callback, payload, info: facts, atMs: this.now() });
    const mark = this.#undo.length;
    try {
      return handler(payload, facts);
    } catch (error) {
      this.#takeBack(mark);
      throw error;
    }
  }

  hasHandler(callback: string): boolean {
    return this.#harness.handlers.has(callback);
  }

  report(error: unknown): void {
    this.#harness.errors.push(error);
  }

  retryDefaults(): RetryOptions {
    return this.#harness.retryDefaults;
  }
}
