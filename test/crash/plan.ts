/** What happens to a bridge, life by life: drawn from a seed before it happens. */
import { randomStream } from '../../firmware-sim/random.ts';

/**
 * `kill`: SIGKILL. `power-loss`: SIGKILL, and what was not synced is lost. `sync-error`: an fsync fails, so the bridge
 * ends by itself; then the power is lost. `write-error`: a write fails, then the power is lost. `disk-full`: for a while
 * nothing can grow; then SIGKILL. `stop`: SIGTERM.
 */
export type Ending = 'kill' | 'power-loss' | 'sync-error' | 'write-error' | 'disk-full' | 'stop';

export interface Life {
  readonly number: number;
  readonly ending: Ending;
  /** From readiness to its end; of one that is killed in its start, from its beginning. */
  readonly runMs: number;
  readonly isEndedInStart: boolean;
  /** Of 1000 writes, how many write less than they were asked to. */
  readonly shortPermille: number;
  readonly syncMicrosMax: number;
  /** The n-th sync or write from then on that fails. */
  readonly failsAfter: number;
  readonly fullMs: number;
  /** Of the disk: what it loses, which writes are short. */
  readonly seed: number;
}

const WEIGHTS: readonly (readonly [Ending, number])[] = [
  ['kill', 48],
  ['power-loss', 36],
  ['sync-error', 5],
  ['write-error', 4],
  ['disk-full', 5],
  ['stop', 2],
];
const WEIGHT = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
const ENDED_IN_START = 0.12;

/** Whether an ending needs the fault shim. */
export function needsShim(ending: Ending): boolean {
  return ending !== 'kill' && ending !== 'stop';
}

/** @param hasFaults the disk may fail, and the power be lost @param runMsMax of a life */
export function lifeOf(seed: number, number: number, hasFaults: boolean, runMsMax: number): Life {
  const random = randomStream(seed, `life/${number}`);
  const drawn = endingOf(random.between(0, WEIGHT));
  const ending = needsShim(drawn) && !hasFaults ? 'kill' : drawn;
  const isEndedInStart =
    number > 1 && random.next() < ENDED_IN_START && ['kill', 'power-loss'].includes(ending);
  return {
    number,
    ending,
    isEndedInStart,
    // Short lives are where a start, a replay and a first checkpoint meet their end.
    runMs: isEndedInStart ? random.between(100, 1200) : 100 + random.next() ** 2 * runMsMax,
    shortPermille: random.next() < 0.5 ? 0 : Math.floor(random.between(0, 200)),
    syncMicrosMax: Math.floor(random.between(0, 5000)),
    failsAfter: Math.floor(random.between(1, 60)),
    fullMs: random.between(300, 1800),
    seed: Math.floor(random.between(1, 2 ** 32)),
  };
}

function endingOf(drawn: number): Ending {
  let left = drawn;
  for (const [ending, weight] of WEIGHTS) {
    if (left < weight) return ending;
    left -= weight;
  }
  return 'kill';
}
