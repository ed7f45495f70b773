import type { LoopClock } from '../base/clock.ts';
import type { Chance } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { ReplayDiary, ShardStore } from '../store/index.ts';
import type { ActorFactory } from './behaviour.ts';
import type { Suspects } from './death-ledger.ts';
import type { FlightRecorder } from './flight-recorder.ts';
import type { ShardJournal } from './shard-journal.ts';

/** What a shard is made of. */
export interface ShardOptions {
  readonly journal: ShardJournal;
  readonly store: ShardStore;
  readonly factory: ActorFactory;
  readonly clock: LoopClock;
  /** Default `systemChance`. */
  readonly chance?: Chance;
  readonly log: Log;
  /** Hands a buffer of effects to the main thread; the memory goes with it. */
  readonly post: (effects: Uint8Array<ArrayBuffer>) => void;
  readonly idleTimeoutMs?: number;
  /** Default `limits.awakeAgentsMax`. */
  readonly awakeAgentsMax?: number;
  /** Default `limits.agentWaitingMax`. */
  readonly agentWaitingMax?: number;
  /** Default `limits.turnDeadlineMs`. */
  readonly turnDeadlineMs?: number;
  /** Where others see what runs; a private one without. */
  readonly recorder?: FlightRecorder;
  /** What the thread ended of before. */
  readonly suspects?: Suspects;
  /** What agents share besides, with numbers of its own. */
  readonly service?: ShardService;
  /** How replays went; without it every replay is like the first. */
  readonly diary?: ReplayDiary;
}

/** Something a shard keeps for its agents: it adds its numbers to the shard's, and ends with it. */
export interface ShardService {
  addTo(totals: Record<string, number>): void;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** A batch as the main thread handed it over. */
export interface Batch {
  readonly id: string;
  readonly pack: Buffer;
  readonly durableCount: number;
  readonly count: number;
}
