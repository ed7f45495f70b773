/**
 * Many answers come at once, and what one piece of them sets off (parsing, the author's code, a commit) takes a part of
 * a millisecond: pieces of fifty answers that the network hands over together would hold up telemetry for as long as
 * all of them take. So bytes wait here, each answer in its turn.
 *
 * I1 In one round of the event loop, answers are handed on for `modelPaceBudgetMs`, and one at least.
 * I2 An answer that has just been handed on waits the longer the more of them come: what comes meanwhile goes on with
 *    it, as one piece. One answer alone waits for nothing.
 */
import { outside, type Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

/** An answer that waits for its turn. */
export interface PacedAnswer {
  /** It has more than fits in one turn. */
  readonly isBehind: boolean;
  /** Hands on what it has. Never throws. */
  handOn(): void;
}

export class Pacer {
  readonly #clock: Clock;
  /** When an answer was handed on last, of those that come. */
  readonly #lastMs = new Map<PacedAnswer, number>();
  #ready: PacedAnswer[] = [];
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(answer: PacedAnswer): void {
    this.#lastMs.set(answer, -Infinity);
  }

  leave(answer: PacedAnswer): void {
    this.#lastMs.delete(answer);
  }

  /** It has something to hand on, and waits for its turn. */
  wait(answer: PacedAnswer): void {
    const lastMs = this.#lastMs.get(answer) ?? -Infinity;
    const gapMs = Math.min(this.#lastMs.size * limits.modelPaceStreamMs, limits.modelPaceGapMaxMs);
    const leftMs = answer.isBehind ? 0 : lastMs + gapMs - performance.now();
    if (leftMs <= 0) this.#add(answer);
    else this.#clock.after(Math.ceil(leftMs), () => this.#add(answer));
  }

  #add(answer: PacedAnswer): void {
    this.#ready.push(answer);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#nextRound();
  }

  #nextRound(): void {
    setImmediate(() => outside(() => this.#next(performance.now())));
  }

  /** I1 @param sinceMs when this round began */
  #next(sinceMs: number): void {
    const answer = this.#ready.shift();
    if (answer === undefined) {
      this.#isRunning = false;
      return;
    }
    if (this.#lastMs.has(answer)) this.#lastMs.set(answer, performance.now());
    answer.handOn();
    afterMicrotasks(() => {
      if (performance.now() - sinceMs < limits.modelPaceBudgetMs) this.#next(sinceMs);
      else this.#nextRound();
    });
  }
}

/** Calls back once everything that goes on by promises alone has come to rest. */
export function afterMicrotasks(callback: () => void): void {
  // Ticks are run when there is no microtask left, also those that microtasks have added.
  queueMicrotask(() => process.nextTick(callback));
}
