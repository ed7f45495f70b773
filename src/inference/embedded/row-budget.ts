/**
 * How many rows a step may have: as many as fit the time after which an abort or an alarm should be heard. It falls at
 * once when steps take longer, and grows slowly.
 */
import { limits } from '../../base/limits.ts';
import type { Run } from './run.ts';

export class RowBudget {
  #rows: number = limits.engineRowsMin;
  #stepMs = 0;
  #tokensPerMs = 0;

  /** Rows of the next step. */
  get rows(): number {
    return Math.round(this.#rows);
  }

  /** What the engine reads and writes in a millisecond, of late; 0 before the first step. */
  get tokensPerMs(): number {
    return this.#tokensPerMs;
  }

  /** A step of `rows` rows took `ms`. */
  observe(rows: number, ms: number): void {
    const took = Math.max(ms, 0.001);
    this.#stepMs = mean(this.#stepMs, took);
    this.#tokensPerMs = mean(this.#tokensPerMs, rows / took);
    if (this.#stepMs > limits.engineStepMsMax) this.#rows = Math.max(limits.engineRowsMin, this.#rows * 0.8);
    // Only a step that used them says that more would fit.
    else if (rows >= this.rows * 0.9 && this.#stepMs < limits.engineStepMsMax / 2)
      this.#rows = Math.min(limits.engineRowsMax, this.#rows * 1.1);
  }
}

/**
 * How many rows each run has of so many, in their turn. Tokens of answers come before prompts, so that no prompt delays
 * an answer; but whose turn it is gets on, even if answers alone fill the budget.
 */
export function shareRows(inTurn: readonly Run[], rows: number): Map<Run, number> {
  const wanted = new Map<Run, number>();
  let left = rows;
  for (const run of inTurn) {
    if (run.isDecoding) left -= Math.min(run.unread, limits.engineChunkTokens);
  }
  for (const run of inTurn) {
    const most = run.isDecoding ? Infinity : run === inTurn[0] ? Math.max(left, 1) : left;
    // A choice whose prompt is read has its options to read.
    const count = Math.min(Math.max(run.unread, 1), limits.engineChunkTokens, most);
    if (count <= 0) continue;
    wanted.set(run, count);
    if (!run.isDecoding) left -= count;
  }
  return wanted;
}

/** Moving: the last ten count most. */
function mean(before: number, now: number): number {
  return before === 0 ? now : before * 0.9 + now * 0.1;
}
