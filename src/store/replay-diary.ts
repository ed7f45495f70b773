/**
 * How the replays of the journal went, in a file beside it: after a start that died in its replay more than
 * once the next one goes message by message, and writes here which it is about to run.
 *
 * I1 What is written survives the end of the process, however it comes, not that of the machine: a write
 *    without fsync is enough.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { limits } from '../base/limits.ts';

/** How to replay. */
export interface ReplayPlan {
  /** One message at a time, each announced by `running`. */
  readonly isCareful: boolean;
  /** Messages that ran at too many deaths. */
  readonly setAside: readonly number[];
}

interface Entry {
  watermark: number;
  /** Replays begun from this watermark, the present one included. */
  starts: number;
  running: number | null;
  deaths: [sequence: number, count: number][];
}

/** The entry is overwritten in place: what is shorter than before must hide all of it. */
const ENTRY_BYTES = 512;
/** Starts that replay as ever; most crashes do not come again. */
const CARELESS_STARTS = 2;
/** Suspects remembered: one at a time is being tried. */
const SUSPECTS_MAX = 16;

export class ReplayDiary {
  readonly #path: string;
  #entry: Entry | undefined;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** A replay begins. */
  begin(watermark: number): ReplayPlan {
    const last = this.#read();
    const wasCareful = last !== undefined && (last.running !== null || last.starts > CARELESS_STARTS);
    const deaths = new Map(last?.deaths);
    if (last !== undefined && last.running !== null) {
      deaths.set(last.running, (deaths.get(last.running) ?? 0) + 1);
    }
    const isAgain = wasCareful || last?.watermark === watermark;
    const entry: Entry = {
      watermark,
      starts: isAgain ? (last?.starts ?? 0) + 1 : 1,
      running: null,
      deaths: isAgain ? [...deaths].slice(-SUSPECTS_MAX) : [],
    };
    this.#entry = entry;
    this.#write();
    const setAside = entry.deaths.filter(([, count]) => count >= limits.poisonTriesMax);
    return { isCareful: entry.starts > CARELESS_STARTS, setAside: setAside.map(([sequence]) => sequence) };
  }

  /** This message runs next. */
  running(sequence: number): void {
    if (this.#entry === undefined) return;
    this.#entry.running = sequence;
    this.#write();
  }

  /** The replay was ended by a stop: nothing died of it. */
  interrupted(): void {
    if (this.#entry === undefined) return;
    this.#entry.running = null;
    this.#entry.starts--;
    this.#write();
    this.#close();
  }

  /** All of it was applied. */
  end(): void {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #read(): Entry | undefined {
    if (!existsSync(this.#path)) return undefined;
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8')) as Entry; // only `#write` writes it
    } catch {
      return undefined; // the machine ended in the middle of the write: it was no message's fault
    }
  }

  #write(): void {
    this.#fd ??= openSync(this.#path, existsSync(this.#path) ? 'r+' : 'w');
    writeSync(this.#fd, JSON.stringify(this.#entry).padEnd(ENTRY_BYTES), 0);
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#entry = undefined;
  }
}
