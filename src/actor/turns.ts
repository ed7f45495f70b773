/**
 * Runs what an agent's mailbox gives out, one turn after the other, and bounds it.
 *
 *   run -> ended                      -> applied; counts at the next commit
 *       -> over its deadline          -> the agent is restarted: a fresh one wakes from its rows, does again what
 *                                        was not committed, tries the turn again, and goes on with what waited
 *       -> that for the third time    -> the message is set aside: applied without its author's hooks
 *       -> restarted again and again  -> the agent runs without its author's code for a while
 *
 * I1 An abandoned agent writes nothing and sends nothing any more: what still runs of it gets
 *    BRG_AGENT_RESTARTED. Nothing of it was committed since `performed` began, so doing that again is what a
 *    replay of the journal would do.
 * I2 Each journaled message counts as applied once: by the agent whose commit has it.
 * I3 An agent that is forgotten has its address until its rows are gone: what comes for the next one waits for that.
 */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import type { LoopClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Actor } from './actor.ts';
import { AwaitTrace } from './await-trace.ts';
import { Deadline } from './deadline.ts';
import { KIND } from './messages.ts';
import type { Shard } from './shard.ts';
import { workKind, workName, type Work } from './work.ts';

/** Who brings work to an agent: the dispatcher. */
export interface Delivery {
  /** Gives work to whoever has its address now. */
  again(key: string, work: Work): void;
  /** A fresh actor for one that hung. @param startTries how often its start has hung by now */
  wakeAgain(key: string, startTries: number): Actor | undefined;
}

export class Turns {
  readonly #shard: Shard;
  readonly #clock: LoopClock;
  readonly #delivery: Delivery;
  readonly #traces = new Set<AwaitTrace>();

  constructor(shard: Shard, delivery: Delivery) {
    this.#shard = shard;
    this.#clock = shard.clock;
    this.#delivery = delivery;
  }

  /** The shard has ended: nobody asks what a turn waits for that did not end before. */
  end(): void {
    for (const trace of this.#traces) trace.end();
  }

  /** Runs `work` when the turns before it in the device lane have ended. */
  queue(actor: Actor, work: Work): void {
    actor.mailbox.run('device', () => this.#perform(actor, work));
    if (actor.mailbox.length > 0) this.#shard.crowds.note(actor);
  }

  /** A turn of the thought lane, or a piece beside both: what it throws is logged and ends there. */
  contain(actor: Actor, turn: () => void | Promise<void>): void | Promise<void> {
    if (actor.turn.isAbandoned) return undefined;
    const { recorder } = this.#shard;
    const resumeTurn = actor.interruptTurn();
    actor.beginTurn('');
    actor.turn.sequence = 0;
    recorder.enter('job', actor.key, 0);
    try {
      return actor.attempt(turn)?.catch((error: unknown) => this.#failed(actor, undefined, error));
    } catch (error) {
      this.#failed(actor, undefined, error);
    } finally {
      resumeTurn();
      recorder.leave();
    }
    return undefined;
  }

  #perform(actor: Actor, work: Work): void | Promise<void> {
    if (actor.turn.isAbandoned) {
      this.#delivery.again(actor.key, work);
      return undefined;
    }
    if (actor.isForgotten) return actor.bequeath(work);
    if (work.kind === 'alarm') actor.isAlarmQueued = false;
    actor.turn.begin(work, !actor.isDirty && !actor.mailbox.isMidTurn);
    if (work.kind === 'record') this.#foresee(actor, work);
    const isTraced = work.tries > 0 && work.tries < limits.poisonTriesMax;
    const trace = isTraced ? new AwaitTrace(this.#traces) : undefined;
    const { recorder } = this.#shard;
    recorder.enter(workKind(work), actor.key, actor.turn.sequence);
    const running = this.#begin(actor, work, trace);
    recorder.leave();
    if (running !== undefined) return this.#watch(actor, work, running, trace);
    trace?.end();
    return this.#ended(actor, work);
  }

  /** What a replay would not do as this turn does is safe before it is told. */
  #foresee(actor: Actor, { record, progress }: Extract<Work, { kind: 'record' }>): void {
    const isForeseen = record.kind !== KIND.frame || this.#shard.connections.recall(record);
    if (!isForeseen) actor.turn.tellSynced('changes');
    // No journal has what brings the agent into being: without it there would be nobody for what is journaled next.
    if (progress === undefined && !actor.row.isStored) actor.turn.tellSynced('everything');
  }

  /** Whatever the turn throws is contained, logged and explained by the behaviour. */
  #begin(actor: Actor, work: Work, trace: AwaitTrace | undefined): void | Promise<void> {
    actor.beginTurn(work.kind === 'record' ? work.cause : '');
    try {
      return trace === undefined ? this.#step(actor, work) : trace.run(() => this.#step(actor, work));
    } catch (error) {
      actor.rollBackTurn();
      this.#failed(actor, work, error);
    }
    return undefined;
  }

  #step(actor: Actor, work: Work): void | Promise<void> {
    const { behaviour } = actor;
    switch (work.kind) {
      case 'start':
        return behaviour.start();
      case 'alarm': {
        const now = this.#clock.now();
        if (actor.row.alarmAtMs === null || actor.row.alarmAtMs > now) return undefined;
        actor.setAlarm(null);
        return behaviour.alarm(now);
      }
      case 'record':
        return work.tries < limits.poisonTriesMax
          ? behaviour.receive(work.record)
          : this.#setAside(actor, work);
    }
  }

  #setAside(actor: Actor, work: Extract<Work, { kind: 'record' }>): void | Promise<void> {
    this.#shard.shardCounters.messagesSetAside++;
    const about = { agent: actor.key, turn: workName(work), sequence: work.sequence };
    this.#shard.log.error(about, 'message set aside: it is applied without its agent’s hooks');
    const message = `${limits.poisonTriesMax} tries with the agent’s code hung or ended the thread; it was handled without that code`;
    return actor.behaviour.setAside(work.record, new BridgeError('BRG_POISON', message));
  }

  #ended(actor: Actor, work: Work): void {
    if (work.kind !== 'record') {
      if (work.kind === 'start') work.onEnded();
      return;
    }
    if (work.progress !== undefined) actor.applied(work.sequence, work.progress);
    const { connections } = this.#shard;
    if (work.record.kind === KIND.disconnect) connections.forget(work.record.connection);
    else if (work.record.kind === KIND.frame) connections.handled(work.record);
  }

  /** Resolves when the turn has ended, or is over its deadline and dealt with. */
  #watch(actor: Actor, work: Work, running: Promise<void>, trace: AwaitTrace | undefined): Promise<void> {
    const over = Promise.withResolvers<void>();
    const deadline = new Deadline(this.#clock, this.#shard.turnDeadlineMs, (elapsedMs) => {
      // Its message is in the journal: the next start has it.
      if (this.#shard.phase === 'stopped') return over.resolve();
      this.#report(actor, work, elapsedMs, trace);
      this.#over(actor, work);
      over.resolve();
    });
    actor.turn.watch(deadline);
    const ended = running
      .catch((error: unknown) => this.#failed(actor, work, error))
      .then(() => {
        trace?.end();
        if (deadline.cancel()) this.#ended(actor, work);
      });
    return Promise.race([ended, over.promise]);
  }

  #report(actor: Actor, work: Work, elapsedMs: number, trace: AwaitTrace | undefined): void {
    this.#shard.shardCounters.turnsOverDeadline++;
    const stack = trace?.pending() ?? '';
    trace?.end();
    const about = {
      agent: actor.key,
      class: actor.behaviour.name,
      turn: workName(work),
      handler: actor.turn.handler,
      elapsedMs: Math.round(elapsedMs),
      try: work.tries + 1,
      stack: stack === '' ? 'not known; the next try is traced' : stack,
    };
    this.#shard.log.error(about, 'handler over its deadline: its agent is restarted');
  }

  #over(actor: Actor, work: Work): void {
    // Nothing will be left of it: there is nothing to restart.
    if (actor.isForgotten) this.#ended(actor, work);
    else this.#restart(actor, work);
  }

  #restart(actor: Actor, work: Work): void {
    const { key } = actor;
    const shard = this.#shard;
    const done = actor.turn.performed.filter((earlier) => earlier !== work && isRepeatable(earlier));
    const error = new BridgeError(
      'BRG_AGENT_RESTARTED',
      `${key} was restarted: a handler was over its deadline`,
    );
    for (const effect of actor.abandon(error)) shard.effects.add(effect);
    shard.abandoned(actor);
    const waiting = actor.mailbox.abandon();
    work.tries++;
    this.#holdIfHopeless(actor, work);
    const startTries = work.kind === 'start' ? work.tries : 0;
    const fresh = this.#delivery.wakeAgain(key, startTries);
    // Its model was known when it woke before.
    if (fresh === undefined) throw new BridgeError('BRG_INTERNAL', `${key} cannot wake again`);
    if (!fresh.row.isStored) fresh.markDirty();
    for (const earlier of done) this.queue(fresh, earlier);
    if (work.kind === 'record') this.queue(fresh, work);
    // Each finds its agent abandoned and goes to the fresh one.
    for (const turn of waiting) void turn();
    shard.scheduleCommit();
  }

  /** An agent that cannot start, or that is restarted too often, gets no more tries for a while. */
  #holdIfHopeless(actor: Actor, work: Work): void {
    const { quarantine, log } = this.#shard;
    const now = this.#clock.now();
    const cannotStart = work.kind === 'start' && work.tries >= limits.poisonTriesMax;
    if (!quarantine.isTooMuch(actor.key, now) && !cannotStart) return;
    quarantine.hold(actor.key, now + limits.agentHoldMs);
    work.tries = limits.poisonTriesMax;
    const about = { agent: actor.key, turn: workName(work), forMs: limits.agentHoldMs };
    log.error(about, 'agent hangs again and again: it runs without its author’s code for a while');
  }

  #failed(actor: Actor, work: Work | undefined, error: unknown): void {
    const failure = asBridgeError(error);
    if (actor.turn.isAbandoned) return; // it has been reported, and is being done again
    if (failure.code === 'BRG_INTERNAL') {
      this.#shard.shardCounters.turnErrors++;
      this.#shard.log.error({ agent: actor.key, err: failure.stack }, 'turn failed');
    }
    if (work?.kind !== 'record') return;
    const { record } = work;
    if (record.kind === KIND.request) {
      actor.replyError(record.connection, failure.code, failure.message, { ...failure.details });
    } else {
      actor.behaviour.failed(record, failure);
    }
  }
}

/** A fresh agent starts anyway and is woken by its alarm; what a connection that is gone said last is over. */
function isRepeatable(work: Work): boolean {
  return work.kind === 'record' && work.record.kind !== KIND.disconnect;
}
