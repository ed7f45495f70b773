/**
 * Runs that wait for the engine, by their turn. A turn is the time of the request minus what its priority is worth, so
 * that an alarm passes what came before it, but nothing waits without end.
 */
import type { Run } from './run.ts';

export class WaitingLine {
  readonly #runs: Run[] = [];
  #tokens = 0;

  /** Of their prompts: what there is to read. */
  get tokens(): number {
    return this.#tokens;
  }

  get length(): number {
    return this.#runs.length;
  }

  [Symbol.iterator](): IterableIterator<Run> {
    return this.#runs.values();
  }

  add(run: Run): void {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#runs[middle]?.isBefore(run) === true) low = middle + 1;
      else high = middle;
    }
    this.#runs.splice(low, 0, run);
    this.#tokens += run.tokens.length;
  }

  /** Whether it was there. */
  remove(run: Run): boolean {
    const at = this.#runs.indexOf(run);
    if (at < 0) return false;
    this.#runs.splice(at, 1);
    this.#tokens -= run.tokens.length;
    return true;
  }

  /** The first ones `isReady` takes, at most `max`. */
  first(max: number, isReady: (run: Run) => boolean): Run[] {
    const found: Run[] = [];
    for (const run of this.#runs) {
      if (!isReady(run)) continue;
      found.push(run);
      if (found.length >= max) break;
    }
    return found;
  }

  find(is: (run: Run) => boolean): Run | undefined {
    return this.#runs.find(is);
  }
}
