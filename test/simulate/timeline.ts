/**
 * Simulated time, and threads that share it. Nothing waits: the next event is taken from a heap, time jumps to
 * it, it runs in its thread with all promises that follow from it, then comes the next one.
 *
 * I1 An event runs in its thread when that thread is free: one that is blocked (a slow fsync) gets its events later.
 * I2 Of one thread, events of the same kind keep the order they have in Node: timers by their time, `soon` and
 *    messages first in, first out. Between kinds the dice decide.
 * I3 A thread that has ended runs nothing any more.
 */
import type { LoopClock } from '../../src/base/clock.ts';
import type { Dice } from './dice.ts';

/** Wall clock at the beginning: some day. */
const EPOCH_MS = 1_800_000_000_000;
/** What an event takes, so that time passes whatever runs. */
const EVENT_MS = 0.01;

/** Runs every promise that follows from what has just run; what Node does after each callback of its loop. */
const runPromises = (process as unknown as { _tickCallback(): void })._tickCallback; // internal, but there since Node 0.x

interface Entry {
  atMs: number;
  readonly order: number;
  readonly thread: SimThread;
  /** Undefined: cancelled. */
  run: (() => void) | undefined;
}

export class Timeline {
  readonly #heap: Entry[] = [];
  #order = 0;
  #steps = 0;
  /** Wall clock minus what has passed: a step of it is a fault. */
  skewMs = 0;

  get steps(): number {
    return this.#steps;
  }

  add(atMs: number, thread: SimThread, run: () => void): Entry {
    const entry = { atMs, order: this.#order++, thread, run };
    this.#push(entry);
    return entry;
  }

  wallMs(localMs: number): number {
    return Math.floor(EPOCH_MS + localMs + this.skewMs);
  }

  /** Runs events until `isOver`, or nothing is left. False: nothing is left, or time is up. */
  run(isOver: () => boolean, untilMs: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    // Outside of any promise, so that those that follow from an event can be run at once.
    setImmediate(() => {
      try {
        resolve(this.#run(isOver, untilMs));
      } catch (error) {
        reject(error as Error);
      }
    });
    return promise;
  }

  #run(isOver: () => boolean, untilMs: number): boolean {
    while (!isOver()) {
      const entry = this.#pop();
      if (entry === undefined || entry.atMs > untilMs) return false;
      const { thread, run } = entry;
      if (run === undefined || thread.isEnded) continue;
      if (thread.localMs > entry.atMs) {
        entry.atMs = thread.localMs;
        this.#push(entry);
        continue;
      }
      this.#steps++;
      thread.perform(entry.atMs, run);
      runPromises();
    }
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** One thread with its event loop. */
export class SimThread implements LoopClock {
  readonly name: string;
  readonly timeline: Timeline;
  /** How far this thread has come; ahead of the others while it is blocked. */
  localMs: number;
  readonly #dice: Dice;
  readonly #onError: (error: unknown) => void;
  #tickMs = 0;
  #soonMs = 0;
  #timers = 0;
  #isEnded = false;

  /** @param onError told of what an event throws; not after the end */
  constructor(
    timeline: Timeline,
    name: string,
    nowMs: number,
    dice: Dice,
    onError: (error: unknown) => void,
  ) {
    this.timeline = timeline;
    this.name = name;
    this.localMs = nowMs;
    this.#dice = dice;
    this.#onError = onError;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers;
  }

  end(): void {
    this.#isEnded = true;
  }

  perform(atMs: number, run: () => void): void {
    this.#tickMs = atMs;
    this.localMs = atMs + EVENT_MS;
    try {
      run();
    } catch (error) {
      if (!this.#isEnded) this.#onError(error);
    }
  }

  /** It is blocked for so long. */
  spend(ms: number): void {
    this.localMs += ms;
  }

  /** An event from outside: a message, a packet. */
  at(atMs: number, run: () => void): void {
    this.timeline.add(atMs, this, run);
  }

  now(): number {
    return this.timeline.wallMs(this.localMs);
  }

  elapsedMs(): number {
    return this.localMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#timers++;
    const lateMs = this.#dice.isHit(0.1) ? this.#dice.between(0, 20) : this.#dice.between(0, 1);
    // Node counts from the beginning of the tick, whatever that tick has taken so far.
    const atMs = this.#tickMs + Math.max(Math.trunc(delayMs) || 0, 1) + lateMs;
    const entry = this.timeline.add(Math.max(atMs, this.localMs), this, () => {
      entry.run = undefined;
      this.#timers--;
      callback();
    });
    return () => {
      if (entry.run === undefined) return;
      entry.run = undefined;
      this.#timers--;
    };
  }

  soon(callback: () => void): void {
    this.#soonMs = Math.max(this.#soonMs, this.localMs + this.#dice.between(0, 0.2));
    this.timeline.add(this.#soonMs, this, callback);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resume) => void this.after(delayMs, resume));
  }
}
