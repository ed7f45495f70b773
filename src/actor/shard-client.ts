/**
 * The main thread's end of one shard: packs what is said in a tick into one batch, keeps the
 * callbacks of what is not on disk yet, and restarts the shard when it crashed.
 *
 * I1 At most `batchesInFlightMax` batches are on their way; the rest waits here and forms the next one.
 * I2 After a crash the shard says which batch it journaled last: later ones are sent again, earlier
 *    ones count as committed. Nothing is journaled twice, nothing is lost.
 */
import type { LoopClock } from '../base/clock.ts';
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { BatchWriter, readEffects } from './envelope.ts';
import { EFFECT, FLAG_DURABLE, FLAG_FAILED, type EffectRecord, type Kind } from './messages.ts';
import type { Delivery, Readiness } from './port.ts';

/** The way to a shard: a worker thread, or the same thread. */
export interface ShardLink {
  /** Hands over a batch; its memory goes with it. */
  post(id: string, pack: Uint8Array<ArrayBuffer>, count: number, durableCount: number): void;
  /** Ends the shard after it has committed everything it received. */
  stop(): Promise<void>;
}

export interface ShardEvents {
  /** Effects of the shard, packed. */
  effects(pack: Uint8Array): void;
  /** The shard ended without being asked. `isExcused`: it is known why, and something follows from it. */
  crashed(error: Error, isExcused?: boolean): void;
}

export type StartShard = (events: ShardEvents) => ShardLink;

export interface ShardClientEvents {
  effect(effect: EffectRecord): void;
  reply(request: number, answer: { ok: true; json: string } | { ok: false; error: BridgeError }): void;
  /** Its answers are lost. */
  crashed(): void;
  /** The shard is back after a crash: tell it of connections again. */
  restarted(): void;
  /** It crashed too often, or its files failed it: the process should end. */
  fatal(error: Error): void;
  committed(count: number, durationMs: number): void;
}

type Done = (outcome: Delivery) => void;

/** What a restart would only meet again. Everything else may be one agent's fault. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  'BRG_STORE',
  'BRG_JOURNAL_DAMAGED',
  'BRG_SHARDS',
  'BRG_DATA_DIR',
  'BRG_DATA_VERSION',
  'BRG_DEFINITION',
  'BRG_MODEL_SPEC',
  'BRG_RULE',
] as const);

interface SentBatch {
  readonly id: string;
  readonly callbacks: Done[];
  readonly count: number;
  readonly durableCount: number;
  readonly sentMs: number;
  /** Kept until committed: a crashed shard must get it again. */
  readonly copy: Uint8Array<ArrayBuffer>;
}

export class ShardClient {
  readonly #start: StartShard;
  readonly #events: ShardClientEvents;
  readonly #log: Log;
  readonly #clock: LoopClock;
  readonly #name: string;
  #link: ShardLink;
  readonly #writer = new BatchWriter();
  #callbacks: Done[] = [];
  #sent: SentBatch[] = [];
  #sentBytes = 0;
  /** Full batches that wait for their turn. */
  readonly #sealed: SentBatch[] = [];
  #sealedBytes = 0;
  #batchNumber = 0;
  #isFlushScheduled = false;
  #readiness: Readiness = { kind: 'starting' };
  /** Waiting for a restarted shard's word on what it has. */
  #isResuming = false;
  #crashTimes: number[] = [];

  /** @param name unique to this process run and shard: batch ids are made of it. */
  constructor(name: string, start: StartShard, events: ShardClientEvents, log: Log, clock: LoopClock) {
    this.#name = name;
    this.#start = start;
    this.#events = events;
    this.#log = log;
    this.#clock = clock;
    this.#link = this.#startLink();
  }

  get readiness(): Readiness {
    return this.#readiness;
  }

  /** Bytes not on disk yet. */
  get pendingBytes(): number {
    return this.#writer.bytes + this.#sealedBytes + this.#sentBytes;
  }

  write(
    kind: Kind,
    flags: number,
    key: string,
    subject: string,
    connection: number,
    code: number,
    payload: Uint8Array,
    done: Done | undefined,
  ): void {
    this.#writer.write(kind, flags, key, subject, connection, code, this.#clock.now(), payload);
    if (done !== undefined) this.#callbacks.push(done);
    if (this.#writer.count >= limits.batchMessagesMax || this.#writer.bytes >= limits.batchBytesMax)
      this.#seal();
    this.#scheduleFlush();
  }

  writeDurable(
    kind: Kind,
    key: string,
    subject: string,
    connection: number,
    payload: Uint8Array,
    done: Done | undefined,
  ): void {
    this.write(kind, FLAG_DURABLE, key, subject, connection, 0, payload, done);
  }

  /** Called when everything written before is on disk. */
  fence(done: () => void): void {
    const last = this.#sealed.at(-1) ?? this.#sent.at(-1);
    if (this.#writer.count > 0) this.#callbacks.push(done);
    else if (last !== undefined) last.callbacks.push(done);
    else done();
  }

  /** Resolves when everything written is committed and the shard has ended. */
  async stop(): Promise<void> {
    this.#readiness = { kind: 'stopping' };
    await Promise.race([
      new Promise<void>((resolve) => this.fence(() => resolve())),
      new Promise<void>((resolve) => this.#clock.after(limits.stopTimeoutMs / 2, resolve)),
    ]);
    await this.#link.stop();
    for (const batch of [...this.#sent, ...this.#sealed])
      for (const done of batch.callbacks) done('stopping');
    for (const done of this.#callbacks) done('stopping');
    this.#sent = [];
    this.#sealed.length = 0;
    this.#callbacks = [];
  }

  #startLink(): ShardLink {
    return this.#start({
      effects: (pack) => this.#receive(pack),
      crashed: (error, isExcused = false) => this.#crashed(error, isExcused),
    });
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled || this.#sent.length >= limits.batchesInFlightMax || this.#isResuming) return;
    this.#isFlushScheduled = true;
    this.#clock.soon(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (!this.#isResuming && this.#sent.length < limits.batchesInFlightMax) {
      if (this.#sealed.length === 0) this.#seal();
      const batch = this.#sealed.shift();
      if (batch === undefined) return;
      this.#sealedBytes -= batch.copy.length;
      this.#send(batch);
    }
  }

  /** Ends the batch being filled: it is full, or it is its turn. */
  #seal(): void {
    if (this.#writer.count === 0) return;
    const { count, durableCount } = this.#writer;
    const id = `${this.#name}-${++this.#batchNumber}`;
    const copy = this.#writer.take();
    this.#sealed.push({ id, callbacks: this.#callbacks, count, durableCount, copy, sentMs: 0 });
    this.#sealedBytes += copy.length;
    this.#callbacks = [];
  }

  #send(batch: SentBatch): void {
    this.#sent.push({ ...batch, sentMs: this.#clock.elapsedMs() });
    this.#sentBytes += batch.copy.length;
    this.#link.post(batch.id, batch.copy.slice(), batch.count, batch.durableCount);
  }

  #receive(bytes: Uint8Array): void {
    const pack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const effect of readEffects(pack)) {
      switch (effect.kind) {
        case EFFECT.committed:
          this.#committed(effect.text);
          break;
        case EFFECT.started:
          this.#started(effect.text);
          break;
        case EFFECT.readiness:
          this.#became(JSON.parse(effect.payload.toString()) as Readiness); // written by the shard
          break;
        case EFFECT.reply:
          this.#events.reply(effect.id, toAnswer(effect));
          break;
        default:
          this.#events.effect(effect);
      }
    }
  }

  /** Everything up to this batch is on disk. An unknown id says: nothing of what was sent. */
  #committed(batchId: string): void {
    const index = this.#sent.findIndex((batch) => batch.id === batchId);
    const done = this.#sent.splice(0, index + 1);
    for (const batch of done) {
      this.#sentBytes -= batch.copy.length;
      for (const callback of batch.callbacks) callback('accepted');
      if (batch.durableCount > 0)
        this.#events.committed(batch.durableCount, this.#clock.elapsedMs() - batch.sentMs);
    }
    this.#flush();
  }

  /** After a crash what it did not journal goes again. The journal's thread may say `committed` before that. */
  #started(lastBatchId: string): void {
    this.#committed(lastBatchId);
    if (this.#isResuming) this.#resume();
    this.#flush();
  }

  #became(readiness: Readiness): void {
    if (this.#readiness.kind !== 'stopping') this.#readiness = readiness;
  }

  #crashed(error: Error, isExcused: boolean): void {
    const now = this.#clock.now();
    this.#crashTimes = this.#crashTimes.filter((at) => now - at < limits.shardRestartWindowMs);
    if (!isExcused) this.#crashTimes.push(now);
    this.#events.crashed();
    const isHopeless = error instanceof BridgeError && (HOPELESS.has(error.code) || this.#cannotOpen(error));
    if (
      isHopeless ||
      this.#crashTimes.length > limits.shardRestartsMax ||
      this.#readiness.kind === 'stopping'
    ) {
      this.#events.fatal(error);
      return;
    }
    this.#log.error({ err: error.message, restarts: this.#crashTimes.length }, 'shard crashed');
    this.#readiness = { kind: 'starting' };
    this.#isResuming = true;
    this.#link = this.#startLink();
  }

  /** Files that do not open for want of room will not at once either; once open, the shard waits for room. */
  #cannotOpen(error: BridgeError): boolean {
    return error.code === 'BRG_DISK_FULL' && this.#readiness.kind === 'starting';
  }

  /** The restarted shard has replayed: connections are introduced, then what it did not journal goes again. */
  #resume(): void {
    this.#seal();
    const unsent = [...this.#sent, ...this.#sealed.splice(0)];
    this.#sent = [];
    this.#sentBytes = 0;
    this.#events.restarted();
    this.#seal();
    this.#sealed.push(...unsent);
    this.#sealedBytes = this.#sealed.reduce((bytes, batch) => bytes + batch.copy.length, 0);
    this.#isResuming = false;
    this.#log.info({ resent: unsent.length }, 'shard restarted');
  }
}

function toAnswer(effect: EffectRecord): { ok: true; json: string } | { ok: false; error: BridgeError } {
  const json = effect.payload.toString();
  if ((effect.flags & FLAG_FAILED) === 0) return { ok: true, json };
  // Written by Actor.replyError or Shard.refuse from a BridgeError.
  const body = JSON.parse(json) as { message: string; details?: Record<string, unknown> };
  const options = body.details === undefined ? {} : { details: body.details };
  return { ok: false, error: new BridgeError(effect.text as ErrorCode, body.message, options) };
}
