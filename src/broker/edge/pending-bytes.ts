/**
 * Packets on their way into a socket, small ones put together: a socket that takes nothing would else hold tens of
 * thousands of them one by one, each an object that lives long enough to cost every collection of garbage.
 *
 *   added -> part -> (with its neighbours) chunk -> taken
 */

/** Parts that become one chunk when nothing is taken meanwhile. */
const PARTS_MAX = 512;
const CHUNK_BYTES = 32 * 1024;
/** One as large as this is a chunk by itself: it may be shared with other sockets, and copying costs more than a write. */
const LARGE_BYTES = 8 * 1024;

/** See the head of this file. */
export class PendingBytes {
  readonly #chunks: Buffer[] = [];
  #parts: Buffer[] = [];
  #partsBytes = 0;
  #bytes = 0;

  /** Bytes that were not taken. */
  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (bytes.length >= LARGE_BYTES) {
      this.#join();
      this.#chunks.push(bytes);
      return;
    }
    this.#parts.push(bytes);
    this.#partsBytes += bytes.length;
    if (this.#parts.length >= PARTS_MAX || this.#partsBytes >= CHUNK_BYTES) this.#join();
  }

  /** The next chunk, in the order of what was added; null: there is none. */
  take(): Buffer | null {
    if (this.#chunks.length === 0) this.#join();
    const chunk = this.#chunks.shift() ?? null;
    this.#bytes -= chunk?.length ?? 0;
    return chunk;
  }

  #join(): void {
    const [first] = this.#parts;
    if (first === undefined) return;
    this.#chunks.push(this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#partsBytes));
    this.#parts = [];
    this.#partsBytes = 0;
  }
}
