/** The frames of a connection, as the log on the device page keeps them. */
import { encodeFrame } from '../wire/index.ts';
import type { Frame } from '../wire/index.ts';

/** Frames kept; the oldest goes first. */
export const FRAME_LOG_MAX = 200;

export interface LoggedFrame {
  readonly n: number;
  readonly atMs: number;
  readonly frame: Frame;
  readonly bytes: Uint8Array;
  /** Bytes of the same frame as JSON. */
  readonly jsonBytes: number;
}

/** A bounded log that counts everything it ever saw. */
export class FrameLog {
  #frames: LoggedFrame[] = [];
  #count = 0;
  #bytes = 0;
  #jsonBytes = 0;

  add(frame: Frame, bytes: Uint8Array, atMs: number): void {
    const jsonBytes = encodeFrame(frame, 'json').length;
    this.#count++;
    this.#bytes += bytes.length;
    this.#jsonBytes += jsonBytes;
    this.#frames = [
      { n: this.#count, atMs, frame, bytes, jsonBytes },
      ...this.#frames.slice(0, FRAME_LOG_MAX - 1),
    ];
  }

  /** Newest first; a new array after each `add`, so a paused page may keep an old one. */
  get frames(): readonly LoggedFrame[] {
    return this.#frames;
  }

  get totals(): { readonly count: number; readonly bytes: number; readonly jsonBytes: number } {
    return { count: this.#count, bytes: this.#bytes, jsonBytes: this.#jsonBytes };
  }
}
