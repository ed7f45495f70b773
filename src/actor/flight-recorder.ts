/**
 * What a shard's thread is doing, in memory that outlives the thread: the main thread reads here that it
 * is alive, and after its death whose code ran last.
 *
 * Layout: f64 beats, f64 sequence, u8 what, u8 key bytes, key (latin1: addresses are ASCII). One thread
 * writes; a reader looks when the writer is stuck or gone, so nothing needs a lock.
 */
import { limits } from '../base/limits.ts';

/** What ran: numbers go through shared memory. */
const WHAT = ['nothing', 'message', 'start', 'alarm', 'connection', 'job'] as const;
export type TurnKind = (typeof WHAT)[number];

/** Whose turn it was. */
export interface Culprit {
  /** Address key `model/id`. */
  readonly key: string;
  /** Sequence number of the journaled message, 0 for what is not journaled. */
  readonly sequence: number;
  readonly what: TurnKind;
}

const KEY_AT = 18;
const KEY_BYTES_MAX = limits.modelBytesMax + 1 + limits.agentIdBytesMax;

export class FlightRecorder {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer;

  /** @param memory of another thread's recorder; without it a new one */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(KEY_AT + KEY_BYTES_MAX)) {
    this.memory = memory;
    this.#numbers = new Float64Array(memory, 0, 2);
    this.#bytes = Buffer.from(memory);
  }

  /** Grows while the thread gets on; 0 before it took up its work. */
  get beats(): number {
    return this.#numbers[0] ?? 0;
  }

  beat(): void {
    this.#numbers[0] = this.beats + 1;
  }

  /** This runs from now on. */
  enter(what: TurnKind, key: string, sequence: number): void {
    this.beat();
    this.note(what, key, sequence);
  }

  /** Somebody asked what runs: that is no sign of life. */
  note(what: TurnKind, key: string, sequence: number): void {
    this.#numbers[1] = sequence;
    this.#bytes[16] = WHAT.indexOf(what);
    this.#bytes[17] = this.#bytes.write(key, KEY_AT, 'latin1');
  }

  /** Nobody's code runs. */
  leave(): void {
    this.#bytes[16] = 0;
  }

  /** Undefined when it was nobody's turn. */
  read(): Culprit | undefined {
    const what = WHAT[this.#bytes[16] ?? 0] ?? 'nothing';
    if (what === 'nothing') return undefined;
    const key = this.#bytes.toString('latin1', KEY_AT, KEY_AT + (this.#bytes[17] ?? 0));
    return { key, sequence: this.#numbers[1] ?? 0, what };
  }
}
