/**
 * Waits for what a command or a desired state is to bring about, as the device's own telemetry or reported state shows
 * it. Nobody's turn waits: what is waited for comes by later turns of the device lane.
 *
 * I1 A wait ends once: seen, failed, expired, late, not committed, or let go.
 * I2 Only what was measured after the call counts. When the device showed the wanted value before the call already, it
 *    must answer the command as well: else any message on its way would confirm what was never done.
 * I3 What ends a wait changes neither the command nor the desired state.
 */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { MetricValue } from '../../device/index.ts';
import type { CommandRecord } from '../commands.ts';
import type { TelemetryEvent } from '../telemetry-ingest.ts';

/** A metric, and what it is to become. */
export interface Want {
  readonly metric: string;
  readonly value: MetricValue;
  /** How far a number may be off: half a step of its precision. */
  readonly tolerance: number;
}

export interface Expectation {
  /** Undefined: no command; nobody answers. */
  readonly cid?: string;
  /** Empty: nothing shows the effect. */
  readonly wants: readonly Want[];
  /** The device showed all of it before the call. */
  readonly wasShown: boolean;
  readonly waitMs: number;
}

export interface Evidence {
  readonly source: 'telemetry' | 'reported state';
  readonly values: Readonly<Record<string, MetricValue>>;
  /** ms since epoch. */
  readonly atMs: number;
}

/** How a wait ended. `answer`: what the device said to the command; undefined: nothing. */
export type Sighting =
  | { readonly kind: 'seen'; readonly evidence: Evidence; readonly answer: CommandRecord | undefined }
  | { readonly kind: 'failed'; readonly answer: CommandRecord }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unseen'; readonly answer: CommandRecord | undefined }
  | { readonly kind: 'uncommitted' }
  | { readonly kind: 'let-go' };

interface Wait {
  readonly expectation: Expectation;
  readonly sinceMs: number;
  readonly shown: Map<string, MetricValue>;
  answer: CommandRecord | undefined;
  readonly end: (sighting: Sighting) => void;
}

export class EffectWatch {
  readonly #context: ActorContext;
  /** Ends commands that have expired by now. */
  readonly #tick: () => void;
  readonly #waits = new Set<Wait>();
  #isLetGo = false;

  constructor(context: ActorContext, tick: () => void) {
    this.#context = context;
    this.#tick = tick;
  }

  get isBusy(): boolean {
    return this.#waits.size > 0;
  }

  /** The agent is out of memory, or given up: nothing is to be written any more. */
  get isLetGo(): boolean {
    return this.#isLetGo;
  }

  /** @throws BridgeError BRG_BUSY when too many wait already */
  assertRoom(): void {
    if (this.#waits.size < limits.effectWaitsMax) return;
    throw new BridgeError(
      'BRG_BUSY',
      `${this.#waits.size} calls wait for this device already; wait for them first`,
    );
  }

  /** Called in the turn that sends; `signal` ends the waiting only. Rejects with its reason. */
  wait(expectation: Expectation, signal?: AbortSignal): Promise<Sighting> {
    const { promise, resolve, reject } = Promise.withResolvers<Sighting>();
    const cancels: (() => void)[] = [];
    const wait: Wait = {
      expectation,
      sinceMs: this.#context.now(),
      shown: new Map(),
      answer: undefined,
      end: (sighting) => {
        this.#close(wait, cancels);
        resolve(sighting);
      },
    };
    const onAbort = (): void => {
      this.#close(wait, cancels);
      reject(
        signal?.reason instanceof Error
          ? signal.reason
          : new BridgeError('BRG_ABORTED', 'the call was cancelled'),
      );
    };
    this.#waits.add(wait);
    if (signal?.aborted === true) onAbort();
    else this.#arm(wait, cancels, signal, onAbort);
    return promise;
  }

  telemetry({ ts, receivedAtMs, values }: TelemetryEvent): void {
    for (const wait of this.#waits) {
      const isLater = receivedAtMs >= wait.sinceMs && ts >= wait.sinceMs - limits.effectClockSlackMs;
      if (isLater) this.#saw(wait, values, 'telemetry', ts);
    }
  }

  /** @param patch what the device has just reported */
  reported(patch: Readonly<Record<string, unknown>>, receivedAtMs: number): void {
    for (const wait of this.#waits) {
      if (receivedAtMs >= wait.sinceMs) this.#saw(wait, patch, 'reported state', receivedAtMs);
    }
  }

  /** A command has ended: answered, or expired. */
  ended(record: CommandRecord): void {
    for (const wait of this.#waits) {
      const { cid, wants } = wait.expectation;
      if (cid !== record.cid) continue;
      wait.answer = record;
      if (record.status === 'failed') wait.end({ kind: 'failed', answer: record });
      else if (record.status === 'expired') wait.end({ kind: 'expired' });
      else if (wants.length === 0) wait.end({ kind: 'unseen', answer: record });
      // What was seen before the answer proves nothing when it was there before the command.
      else if (wait.expectation.wasShown) wait.shown.clear();
    }
  }

  /** The agent leaves memory: nobody will see anything. */
  letGo(): void {
    this.#isLetGo = true;
    for (const wait of this.#waits) wait.end({ kind: 'let-go' });
  }

  #arm(wait: Wait, cancels: (() => void)[], signal: AbortSignal | undefined, onAbort: () => void): void {
    const { shard } = this.#context;
    let isCommitted = false;
    this.#context.aside(() => (isCommitted = true));
    const onUncommitted = (): void => {
      if (!isCommitted) wait.end({ kind: 'uncommitted' });
    };
    cancels.push(
      shard.after(limits.toolCommitMs, onUncommitted),
      shard.after(wait.expectation.waitMs, () => this.#late(wait)),
    );
    if (signal === undefined) return;
    signal.addEventListener('abort', onAbort, { once: true });
    cancels.push(() => signal.removeEventListener('abort', onAbort));
  }

  #late(wait: Wait): void {
    // A command that lives as long as this wait may just be about to expire.
    this.#tick();
    if (this.#waits.has(wait)) wait.end({ kind: 'unseen', answer: wait.answer });
  }

  #saw(
    wait: Wait,
    values: Readonly<Record<string, unknown>>,
    source: Evidence['source'],
    atMs: number,
  ): void {
    const { wants, wasShown, cid } = wait.expectation;
    if (wants.length === 0) return;
    for (const { metric, value, tolerance } of wants) {
      if (!Object.hasOwn(values, metric)) continue;
      const found = values[metric];
      if (isShown(found, value, tolerance)) wait.shown.set(metric, found);
      else wait.shown.delete(metric);
    }
    const needsAnswer = wasShown && cid !== undefined && wait.answer === undefined;
    if (wait.shown.size < wants.length || needsAnswer) return;
    wait.end({
      kind: 'seen',
      evidence: { source, values: Object.fromEntries(wait.shown), atMs },
      answer: wait.answer,
    });
  }

  #close(wait: Wait, cancels: readonly (() => void)[]): void {
    this.#waits.delete(wait);
    for (const cancel of cancels) cancel();
  }
}

/** Whether `found` is what is wanted. */
export function isShown(found: unknown, wanted: MetricValue, tolerance: number): found is MetricValue {
  if (typeof found === 'number' && typeof wanted === 'number') return Math.abs(found - wanted) <= tolerance;
  return found === wanted;
}
