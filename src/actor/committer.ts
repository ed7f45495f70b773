/**
 * Commits what turns wrote: who is dirty, one transaction for all of them, then their effects. While the
 * disk is full nothing is committed and nothing is dropped; it is tried again until there is room.
 *
 * I1 Effects of a turn leave only after the commit of what it wrote. Where a replay would not do it again (the answer
 *    of a model; a frame whose connection changed meanwhile) only after an fsync of that commit.
 * I2 An actor in the middle of an asynchronous device turn is left out: its writes are half done.
 */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { outside, type LoopClock } from '../base/clock.ts';
import { channels, tell } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import { isDiskFull } from '../store/index.ts';
import type { Actor } from './actor.ts';
import type { AlarmTimer } from './alarms.ts';
import type { ProgressTracker } from './progress.ts';
import type { Shard } from './shard.ts';

export type Phase = 'idle' | 'blocked' | 'stopped';

export class Committer {
  readonly #shard: Shard;
  readonly #clock: LoopClock;
  readonly #progress: ProgressTracker;
  readonly #alarms: AlarmTimer;
  readonly #whenRoom: () => void;
  #dirty: Actor[] = [];
  #phase: Phase = 'idle';
  #isScheduled = false;
  #blockedSinceMs: number | null = null;
  #journalFullSinceMs: number | null = null;

  /** @param whenRoom called when the disk has room again after it was full */
  constructor(shard: Shard, progress: ProgressTracker, alarms: AlarmTimer, whenRoom: () => void) {
    this.#shard = shard;
    this.#clock = shard.clock;
    this.#progress = progress;
    this.#alarms = alarms;
    this.#whenRoom = whenRoom;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** What this actor wrote is dropped. */
  drop(actor: Actor): void {
    this.#dirty = this.#dirty.filter((dirty) => dirty !== actor);
  }

  markDirty(actor: Actor): void {
    this.#dirty.push(actor);
    // Turns started by timers have no batch behind them that would commit.
    this.schedule();
  }

  /** Commits at the end of this tick, unless a batch does it before. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(() => outside(() => this.#scheduled()));
  }

  #scheduled(): void {
    this.#isScheduled = false;
    if (this.#phase === 'idle') this.commitOrBlock();
    else this.#shard.effects.flush();
  }

  commitOrBlock(): void {
    try {
      this.commitNow();
    } catch (error) {
      this.block(error);
      return;
    }
    this.#shard.roster.letLeave();
  }

  async commitUntilRoom(): Promise<void> {
    for (;;) {
      this.commitOrBlock();
      if (this.#phase !== 'blocked') return;
      await this.#clock.pause(limits.diskRetryMs);
    }
  }

  /** @throws BridgeError BRG_DISK_FULL: everything stays dirty, and is tried again. */
  commitNow(): void {
    const { effects, overview, shardCounters } = this.#shard;
    const ready = this.#dirty.filter((actor) => !actor.mailbox.isMidTurn);
    if (ready.length === 0) {
      effects.flush();
      return;
    }
    for (const actor of ready) actor.behaviour.beforeCommit();
    this.#store(ready);
    this.#dirty = this.#dirty.filter((actor) => actor.mailbox.isMidTurn);
    shardCounters.commits++;
    for (const actor of ready) this.#release(actor);
    overview.committed(ready);
    effects.flush();
    // After the answers have left: what starts here may take its time, or the thread down.
    for (const actor of ready) {
      if (actor.isForgotten) this.#shard.succeed(actor);
      else actor.followUps.start();
    }
  }

  /** The disk is full: stop taking work and try again until there is room. Anything else ends the shard. */
  block(error: unknown): false {
    if (!isDiskFull(error)) throw asBridgeError(error);
    this.#phase = 'blocked';
    this.#clock.after(limits.diskRetryMs, () => this.#retry());
    if (this.#blockedSinceMs === null) {
      this.#blockedSinceMs = this.#clock.now();
      const err = asBridgeError(error).message;
      this.#shard.log.error({ err }, 'disk is full: nothing is acknowledged until there is room');
      this.#sayRoom(this.#blockedSinceMs);
    }
    return false;
  }

  /** Since when the journal, another thread's, has no room. */
  journalFull(sinceMs: number | null): void {
    this.#journalFullSinceMs = sinceMs;
    if (this.#blockedSinceMs === null) this.#sayRoom(sinceMs);
  }

  #sayRoom(fullSinceMs: number | null): void {
    const { effects } = this.#shard;
    effects.readiness(fullSinceMs === null ? { kind: 'ready' } : { kind: 'disk-full', sinceMs: fullSinceMs });
    effects.flush();
  }

  /** Lets running turns end and commits what is written. False: there was no room for it. */
  async stop(): Promise<boolean> {
    const giveUpMs = this.#clock.elapsedMs() + limits.turnDeadlineMs;
    do {
      while (this.#dirty.some((actor) => actor.mailbox.isMidTurn) && this.#clock.elapsedMs() < giveUpMs) {
        await this.#clock.pause(5);
      }
      if (this.#phase === 'idle') this.commitOrBlock();
      // What came for an agent that was forgotten is given to the next one by the commit of its end.
    } while (this.#dirty.some(hasApplied) && this.#phase === 'idle' && this.#clock.elapsedMs() < giveUpMs);
    const isRoom = this.#phase === 'idle';
    this.#phase = 'stopped';
    return isRoom;
  }

  /** On a throw their messages count as not applied: whoever is mid-turn at the next try is left out then. */
  #store(ready: readonly Actor[]): void {
    const applied = ready.flatMap((actor) => actor.turn.appliedOf);
    for (const { progress, count } of applied) this.#progress.complete(progress, count);
    const { store } = this.#shard;
    const stored = ready.filter((actor) => actor.isKept);
    const told = stored.filter((actor) => actor.isToldSynced);
    try {
      if (stored.length > 0) store.commit(stored, this.#progress.watermark);
    } catch (error) {
      for (const { progress, count } of applied) this.#progress.reopen(progress, count);
      throw error;
    }
    this.#progress.settle();
    if (told.length > 0) store.syncCommitted(told.map(({ file }) => file));
  }

  #release(actor: Actor): void {
    for (const effect of actor.takeCommitted()) this.#shard.effects.add(effect);
    this.#shard.roster.committed(actor);
    if (actor.isForgotten) this.#forgotten(actor);
    else if (actor.row.alarmAtMs !== null) this.#alarms.noticed(actor.row.alarmAtMs);
  }

  #forgotten(actor: Actor): void {
    // Its thought lane, or a turn over its deadline, may go on: what that writes is of nobody.
    const error = new BridgeError('BRG_AGENT_RESTARTED', `${actor.key} was forgotten`);
    for (const effect of actor.abandon(error)) this.#shard.effects.add(effect);
    this.#shard.roster.remove(actor);
    if (channels.lifecycle.hasSubscribers) tell('destroy', actor, {});
  }

  #retry(): void {
    if (this.#phase !== 'blocked') return;
    this.#phase = 'idle';
    this.commitOrBlock();
    // What is applied makes room in the journal, also where a quota and not the disk is the limit.
    if (this.phase === 'idle') this.#shard.makeRoom();
    this.#whenRoom();
    if (this.phase === 'blocked') return;
    this.#blockedSinceMs = null;
    this.#shard.log.info({}, 'the disk has room again');
    this.#sayRoom(this.#journalFullSinceMs);
  }
}

/** Messages were applied that count with its next commit. */
function hasApplied(actor: Actor): boolean {
  return actor.turn.appliedOf.length > 0;
}
