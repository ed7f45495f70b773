/** An agent in memory for fibers: a clock to hold, turns that commit or are taken back, and crashes. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FiberHost, FiberScope, RecoveredFiber } from '../../../src/agent/fibers/index.ts';
import { Fibers } from '../../../src/agent/fibers/index.ts';
import { DeadJobs } from '../../../src/agent/jobs/index.ts';

/** What the process holds; a crash leaves only `disk` and `alarmMs` of it. */
export class Harness {
  nowMs = Date.UTC(2026, 0, 1);
  readonly disk = new Map<string, string>();
  diskAlarmMs: number | null = null;
  readonly errors: unknown[] = [];
  readonly warnings: string[] = [];
  recovered: ((fiber: RecoveredFiber) => void | Promise<void>) | undefined = () => {};
  memory = new Memory(this);
  #ids = 0;

  static awake(): Harness {
    const agent = new Harness();
    agent.memory.wake();
    return agent;
  }

  get fibers(): Fibers {
    return this.memory.fibers;
  }

  get dead(): DeadJobs {
    return this.memory.dead;
  }

  /** Names of the stored fibers with their phases. */
  get stored(): string[] {
    return [...this.disk]
      .filter(([name]) => name.startsWith('fiber:'))
      .map(([, json]) => JSON.parse(json) as { name: string; phase: { kind: string } }) // FiberRow
      .map(({ name, phase }) => `${name} ${phase.kind}`);
  }

  newId(): string {
    return `f${this.#ids++}`;
  }

  /** One turn: its writes are committed together; none of them when it throws. */
  turn<T>(part: () => T): T {
    return this.memory.turn(part);
  }

  /** Loses everything in memory and comes back; what the old life still does reaches nobody. */
  async restart(): Promise<void> {
    this.memory = new Memory(this);
    this.memory.wake();
    await this.settle();
  }

  /** Lets promises end, and commits what their continuations wrote. */
  async settle(): Promise<void> {
    for (let step = 0; step < 10; step++) {
      await new Promise((resume) => setImmediate(resume));
      this.memory.commit();
    }
  }

  /** Lets time pass, ringing at each alarm. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.settle();
    while (this.diskAlarmMs !== null && this.diskAlarmMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.diskAlarmMs);
      this.memory.ring();
      await this.settle();
    }
    this.nowMs = untilMs;
  }
}

class Memory implements FiberHost {
  readonly address = { model: 'lab', id: 'a' };
  readonly dead: DeadJobs;
  readonly fibers: Fibers;
  /** An asynchronous device turn is under way: nothing is committed. */
  isMidTurn = false;
  readonly #flow = new AsyncLocalStorage<FiberScope | undefined>();
  readonly #harness: Harness;
  readonly #listeners: ((cell: string) => void)[] = [];
  readonly #values = new Map<string, unknown>();
  readonly #dirty = new Set<string>();
  #undo: (readonly [string, unknown])[] = [];
  #asides: ((isCommitted: boolean) => void)[] = [];
  #alarmMs: number | null;

  constructor(harness: Harness) {
    this.#harness = harness;
    for (const [name, json] of harness.disk) this.#values.set(name, JSON.parse(json));
    this.#alarmMs = harness.diskAlarmMs;
    this.dead = new DeadJobs(this);
    this.fibers = new Fibers(this, this.dead);
  }

  wake(): void {
    this.turn(() => {
      this.fibers.start();
      this.rearm();
    });
  }

  ring(): void {
    this.turn(() => {
      this.fibers.alarm(this.now());
      this.rearm();
    });
  }

  turn<T>(part: () => T): T {
    this.#undo = [];
    try {
      return part();
    } catch (error) {
      this.#takeBack(0);
      throw error;
    } finally {
      this.commit();
    }
  }

  commit(): void {
    // An old life that is still waiting for a promise writes nothing any more.
    if (this.#harness.memory !== this && this.#harness.memory !== undefined) return;
    if (this.isMidTurn) return;
    for (const name of this.#dirty) {
      const value = this.#values.get(name);
      if (value === undefined) this.#harness.disk.delete(name);
      else this.#harness.disk.set(name, JSON.stringify(value));
    }
    this.#dirty.clear();
    this.#harness.diskAlarmMs = this.#alarmMs;
    const asides = this.#asides;
    this.#asides = [];
    for (const piece of asides) this.#flow.run(undefined, () => piece(true));
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
    return names.map(([name]) => name);
  }

  onTakenBack(listener: (cell: string) => void): void {
    this.#listeners.push(listener);
  }

  effectId(): string {
    return this.#harness.newId();
  }

  later(): never {
    throw new Error('a fiber has no business in the lanes');
  }

  aside(piece: (isCommitted: boolean) => void, isEager = false): void {
    this.#asides.push(piece);
    if (!isEager) return;
    setImmediate(() => {
      const at = this.#asides.indexOf(piece);
      if (at < 0 || !this.isMidTurn) return;
      this.#asides.splice(at, 1);
      piece(false);
    });
  }

  perform<T>(scope: FiberScope, code: () => T): T {
    const mark = this.#undo.length;
    try {
      return this.#flow.run(scope, code);
    } catch (error) {
      this.#takeBack(mark);
      throw error;
    }
  }

  scope(): FiberScope | undefined {
    return this.#flow.getStore();
  }

  recovered(fiber: RecoveredFiber): void | Promise<void> {
    return this.#harness.recovered?.(fiber);
  }

  hasRecovery(): boolean {
    return this.#harness.recovered !== undefined;
  }

  warn(_fields: Record<string, unknown>, event: string): void {
    this.#harness.warnings.push(event);
  }

  rearm(): void {
    this.#alarmMs = this.fibers.nextAlarmMs();
  }

  invoke(): void {}

  hasHandler(): boolean {
    return false;
  }

  report(error: unknown): void {
    this.#harness.errors.push(error);
  }

  retryDefaults(): object {
    return {};
  }
}
