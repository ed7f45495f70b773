import type { LoopClock } from '../base/clock.ts';
import type { Chance } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { ShardStore } from '../store/index.ts';
import type { Actor } from './actor.ts';
import type { AskTable } from './asks.ts';
import type { ActorContext, FleetView, ShardView } from './behaviour.ts';
import type { ConnectionTable } from './connections.ts';
import type { Quarantine } from './quarantine.ts';

/** What an actor needs of its shard. */
export interface ActorHost {
  readonly log: Log;
  readonly clock: LoopClock;
  readonly chance: Chance;
  readonly counters: ActorContext['counters'];
  readonly store: ShardStore;
  readonly connections: ConnectionTable;
  readonly overview: ShardView;
  readonly fleet: FleetView;
  readonly asks: AskTable;
  /** Who runs without the author's code. */
  readonly quarantine: Quarantine;
  /** The actor has something to commit; called once until it was. */
  markDirty(actor: Actor): void;
  /** The actor wants to leave memory when its turn has ended and was committed. */
  leaveSoon(actor: Actor): void;
  scheduleCommit(): void;
  /** Runs a turn; what it throws is logged and ends there. */
  contain(actor: Actor, turn: () => void | Promise<void>): void | Promise<void>;
}
