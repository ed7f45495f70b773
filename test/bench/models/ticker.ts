/**
 * Agents for the benchmark of schedules. When which schedule ran is noted in the memory of the shard's
 * thread, so that asking for it costs the measured agents nothing.
 */
import { Agent, type AgentClasses } from '../../../src/index.ts';

/** How late each job ran, in ms, by its number; NaN for not yet. A second run of a job counts as `repeated`. */
let lateMs = new Float64Array(0);
let repeated = 0;

export interface TickReport {
  readonly fired: number;
  readonly repeated: number;
  /** How late each one ran, by number. */
  readonly lateMs: readonly number[];
}

class Ticker extends Agent {
  static callables = { plan: {}, reset: {}, fired: {}, report: {} };

  /** Schedules jobs `first`, `first + 1`, ..., all at `atMs`. */
  plan(first: number, count: number, atMs: number): void {
    for (let n = first; n < first + count; n++) this.schedule(new Date(atMs), 'tick', { n, atMs });
  }

  tick({ n, atMs }: { n: number; atMs: number }): void {
    if (!Number.isNaN(lateMs[n])) repeated++;
    lateMs[n] = Date.now() - atMs;
  }

  reset(jobs: number): void {
    lateMs = new Float64Array(jobs).fill(NaN);
    repeated = 0;
  }

  fired(): number {
    let fired = 0;
    for (const late of lateMs) if (!Number.isNaN(late)) fired++;
    return fired;
  }

  report(): TickReport {
    return { fired: this.fired(), repeated, lateMs: [...lateMs] };
  }
}

export const definitions = [];
export const agents: AgentClasses = { ticker: Ticker };
