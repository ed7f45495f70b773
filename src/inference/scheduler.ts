/**
 * The queue of one endpoint, for all agents of a process: who asks it next.
 *
 * I1 At most `concurrent` requests are out, at most `concurrentPerAgent` of one agent.
 * I2 Interactive before background; but after `limits.modelInteractiveRunMax` interactive ones in a row
 *    one background request, so that neither starves.
 * I3 Within a priority the agents take turns, whatever the number of their requests: an agent with a
 *    thousand of them delays another by one request, not by a thousand.
 * I4 Nothing waits without end: a full queue refuses at once, a wait ends at its limit.
 * Granting costs a few steps however many wait. Nothing here blocks: a wait is a promise.
 */
import type { Clock } from '../base/clock.ts';
import { assert, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** `interactive`: somebody waits for the answer; `background`: nobody does. */
export type ModelPriority = 'interactive' | 'background';
const PRIORITIES = ['interactive', 'background'] as const;

/** The right to one request; `release` gives it back, once. */
export interface Slot {
  /** Time it was waited for. */
  readonly waitedMs: number;
  release(): void;
}

export interface SlotRequest {
  readonly agent: string;
  readonly priority: ModelPriority;
  readonly signal?: AbortSignal | undefined;
}

export interface QueueLimits {
  readonly concurrent: number;
  readonly concurrentPerAgent: number;
  readonly queued: number;
  readonly queuedPerAgent: number;
  readonly waitMs: Readonly<Record<ModelPriority, number>>;
}

const BUILT_IN: QueueLimits = {
  concurrent: limits.modelConcurrentMax,
  concurrentPerAgent: limits.modelConcurrentPerAgentMax,
  queued: limits.modelQueueMax,
  queuedPerAgent: limits.modelQueuePerAgentMax,
  waitMs: { interactive: limits.modelQueueWaitMs, background: limits.modelQueueWaitBackgroundMs },
};

interface Waiting {
  readonly agent: string;
  readonly priority: ModelPriority;
  readonly sinceMs: number;
  readonly grant: (slot: Slot) => void;
}

/** Waiting requests of one priority: agents in turn, each with its own in order. */
type Line = Map<string, Set<Waiting>>;

export class FairQueue {
  readonly #clock: Clock;
  readonly #limits: QueueLimits;
  readonly #lines: Readonly<Record<ModelPriority, Line>> = { interactive: new Map(), background: new Map() };
  readonly #busy = new Map<string, number>();
  readonly #queuedOf = new Map<string, number>();
  #inFlight = 0;
  #queued = 0;
  #interactiveRun = 0;

  constructor(clock: Clock, own: Partial<QueueLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...BUILT_IN, ...own };
  }

  /** Requests that wait. */
  get depth(): number {
    return this.#queued;
  }

  /** Requests that are out. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Resolves when it is the request's turn.
   * @throws BridgeError BRG_MODEL_OVERLOADED when the queue is full or the wait too long; else the signal's reason
   */
  async acquire({ agent, priority, signal }: SlotRequest): Promise<Slot> {
    signal?.throwIfAborted();
    if (this.#queued >= this.#limits.queued)
      throw overloaded('too many requests wait for the language model');
    if ((this.#queuedOf.get(agent) ?? 0) >= this.#limits.queuedPerAgent)
      throw overloaded('too many requests of this agent wait for the language model');
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiting: Waiting = { agent, priority, sinceMs: this.#clock.now(), grant: resolve };
    this.#enter(waiting);
    const waitMs = this.#limits.waitMs[priority];
    const leave = (error: unknown): void => {
      if (this.#remove(waiting)) reject(error as Error); // any value may be the reason of a signal
    };
    const aborted = (): void => leave(signal?.reason);
    signal?.addEventListener('abort', aborted, { once: true });
    const cancel = this.#clock.after(waitMs, () =>
      leave(overloaded(`no turn at the language model within ${waitMs} ms`)),
    );
    this.#pump();
    try {
      return await promise;
    } finally {
      cancel();
      signal?.removeEventListener('abort', aborted);
    }
  }

  #enter(waiting: Waiting): void {
    const line = this.#lines[waiting.priority];
    const own = line.get(waiting.agent);
    if (own === undefined) line.set(waiting.agent, new Set([waiting]));
    else own.add(waiting);
    this.#queued++;
    this.#queuedOf.set(waiting.agent, (this.#queuedOf.get(waiting.agent) ?? 0) + 1);
  }

  /** Whether it was there. */
  #remove(waiting: Waiting): boolean {
    const line = this.#lines[waiting.priority];
    const own = line.get(waiting.agent);
    if (own === undefined || !own.delete(waiting)) return false;
    if (own.size === 0) line.delete(waiting.agent);
    this.#queued--;
    addTo(this.#queuedOf, waiting.agent, -1);
    return true;
  }

  #pump(): void {
    while (this.#inFlight < this.#limits.concurrent) {
      const next = this.#next();
      if (next === undefined) return;
      this.#grant(next);
    }
  }

  #next(): Waiting | undefined {
    const isBackgroundsTurn = this.#interactiveRun >= limits.modelInteractiveRunMax;
    const order = isBackgroundsTurn ? PRIORITIES.toReversed() : PRIORITIES;
    for (const priority of order) {
      const found = this.#firstOf(this.#lines[priority]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The first agent that may have another; at most `concurrent` agents are passed over, see I1. */
  #firstOf(line: Line): Waiting | undefined {
    for (const [agent, own] of line) {
      if ((this.#busy.get(agent) ?? 0) >= this.#limits.concurrentPerAgent) continue;
      for (const waiting of own) return waiting;
    }
    return undefined;
  }

  #grant(waiting: Waiting): void {
    const { agent, priority } = waiting;
    const isThere = this.#remove(waiting);
    assert(isThere, 'who is granted a slot waits for it');
    // The agent goes to the end of the line.
    const line = this.#lines[priority];
    const rest = line.get(agent);
    if (rest !== undefined) {
      line.delete(agent);
      line.set(agent, rest);
    }
    const hasWaiting = this.#lines.background.size > 0;
    this.#interactiveRun = priority === 'interactive' && hasWaiting ? this.#interactiveRun + 1 : 0;
    this.#inFlight++;
    addTo(this.#busy, agent, 1);
    let isHeld = true;
    waiting.grant({
      waitedMs: this.#clock.now() - waiting.sinceMs,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#inFlight--;
        addTo(this.#busy, agent, -1);
        this.#pump();
      },
    });
  }
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count <= 0) counts.delete(key);
  else counts.set(key, count);
}

function overloaded(message: string): BridgeError {
  return new BridgeError('BRG_MODEL_OVERLOADED', message, { details: { by: 'queue' } });
}
