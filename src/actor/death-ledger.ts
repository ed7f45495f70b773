/**
 * Whose code ended the shard's thread, and what follows from it. It lives in the main thread, so a new
 * thread begins with what the ones before it died of.
 *
 *   3 deaths during one message                       -> it is applied without its agent's code
 *   3 in the agent's start, alarms or connections, or -> its agent runs without its author's code
 *   one more death of the same agent, whatever it did
 *   8 deaths by agents of one model                   -> all of them do
 *
 * I1 A death with a culprit is excused only as long as it still has a consequence: a thread that keeps
 *    ending is given up in the end (`limits.shardRestartsMax`).
 */
import { limits } from '../base/limits.ts';
import type { Culprit } from './flight-recorder.ts';
import { ofModel } from './quarantine.ts';

/** What a starting shard has to know of the deaths before it. */
export interface Suspects {
  /** Sequence numbers of messages to set aside. */
  readonly messages: readonly number[];
  /** Keys of agents, or `model/*`, that run without their author's code, with the time until which. */
  readonly holds: readonly { readonly key: string; readonly untilMs: number }[];
}

interface Death extends Culprit {
  readonly atMs: number;
}

export class DeathLedger {
  #deaths: Death[] = [];

  /** True: something follows from it, it need not count against the shard. */
  note(culprit: Culprit | undefined, nowMs: number): boolean {
    this.#deaths = this.#deaths.filter(({ atMs }) => nowMs - atMs < limits.deathMemoryMs);
    if (culprit === undefined) return false;
    this.#deaths.push({ ...culprit, atMs: nowMs });
    const ofAgent = this.#deaths.filter(({ key }) => key === culprit.key).length;
    const ofKind = this.#deaths.filter(({ key }) => ofModel(key) === ofModel(culprit.key)).length;
    return ofAgent <= limits.deathsPerAgentMax && ofKind <= limits.deathsPerModelMax;
  }

  suspects(): Suspects {
    const messages = counted(
      this.#deaths.filter(({ sequence }) => sequence > 0).map(({ sequence }) => sequence),
    );
    const agents = counted(this.#deaths.map(({ key }) => key));
    // A job that ends the thread is set aside by its own count (`limits.jobInterruptionsMax`).
    const lifeless = this.#deaths.filter(({ sequence, what }) => sequence === 0 && what !== 'job');
    const unwell = counted(lifeless.map(({ key }) => key));
    const models = counted(this.#deaths.map(({ key }) => ofModel(key)));
    const held = new Set([
      ...atLeast(unwell, limits.poisonTriesMax),
      ...atLeast(agents, limits.poisonTriesMax + 1),
      ...atLeast(models, limits.deathsPerModelMax - 2),
    ]);
    const untilMs = (this.#deaths.at(-1)?.atMs ?? 0) + limits.deathMemoryMs;
    return {
      messages: atLeast(messages, limits.poisonTriesMax),
      holds: [...held].map((key) => ({ key, untilMs })),
    };
  }
}

function counted<T>(items: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function atLeast<T>(counts: ReadonlyMap<T, number>, least: number): T[] {
  return [...counts].filter(([, count]) => count >= least).map(([item]) => item);
}
