/**
 * One file on a disk that may lose power: what is safe, and what was written since its last sync.
 *
 * I1 What a sync covered is in the file. Of the rest each sector may be there or not, in any order.
 * I2 A file is cut before it is written anew: what was written after a cut is there only if the cut is.
 */
import { readFileSync } from 'node:fs';
import type { RandomStream } from '../../firmware-sim/random.ts';

/** Devices write a sector as a whole. */
const SECTOR_BYTES = 512;

type Change =
  | { readonly number: number; readonly kind: 'write'; readonly offset: number; readonly data: Buffer }
  | { readonly number: number; readonly kind: 'truncate'; readonly bytes: number };

export class FileImage {
  readonly #basePath: string | null;
  #content: Buffer | undefined;
  #bytes = 0;
  #pending: Change[] = [];

  /** @param basePath the file as it was safe before; null: it is new */
  constructor(basePath: string | null) {
    this.#basePath = basePath;
  }

  /** The file as it was, when nothing of it has changed. */
  get untouched(): string | null {
    return this.#content === undefined && this.#pending.length === 0 ? this.#basePath : null;
  }

  change(change: Change): void {
    this.#pending.push(change);
  }

  synced(upto: number): void {
    const covered = this.#pending.filter(({ number }) => number <= upto);
    for (const change of covered) this.#apply(change);
    this.#pending = this.#pending.filter(({ number }) => number > upto);
  }

  /** After a failed sync the system takes its pages for written: they are on the disk, or never will be. */
  syncFailed(upto: number, random: RandomStream): void {
    const covered = this.#pending.filter(({ number }) => number <= upto);
    this.#lose(covered, random);
    this.#pending = this.#pending.filter(({ number }) => number > upto);
  }

  /** The content after a power loss. */
  afterPowerLoss(random: RandomStream): Buffer {
    this.#lose(this.#pending, random);
    this.#pending = [];
    return this.#loaded().subarray(0, this.#bytes);
  }

  #lose(changes: readonly Change[], random: RandomStream): void {
    const chance = lossOf(random, changes.length);
    for (const [index, change] of changes.entries()) {
      const probability = chance(index);
      if (change.kind === 'truncate') {
        if (random.next() >= probability) return;
        this.#apply(change);
      } else this.#writeSome(change.offset, change.data, probability, random);
    }
  }

  #writeSome(offset: number, data: Buffer, probability: number, random: RandomStream): void {
    for (let at = 0; at < data.length;) {
      const end = Math.min(data.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES));
      if (random.next() < probability) this.#write(offset + at, data.subarray(at, end));
      at = end;
    }
  }

  #apply(change: Change): void {
    if (change.kind === 'write') this.#write(change.offset, change.data);
    else this.#resize(change.bytes);
  }

  #write(offset: number, data: Buffer): void {
    const content = this.#reserve(offset + data.length);
    data.copy(content, offset);
    this.#bytes = Math.max(this.#bytes, offset + data.length);
  }

  #resize(bytes: number): void {
    const content = this.#reserve(bytes);
    // What lies behind the end of a file is zero when it grows again.
    if (bytes < this.#bytes) content.fill(0, bytes, this.#bytes);
    this.#bytes = bytes;
  }

  #reserve(bytes: number): Buffer {
    const content = this.#loaded();
    if (bytes <= content.length) return content;
    const larger = Buffer.alloc(Math.max(bytes, content.length * 2));
    content.copy(larger, 0, 0, this.#bytes);
    return (this.#content = larger);
  }

  #loaded(): Buffer {
    if (this.#content === undefined) {
      this.#content = this.#basePath === null ? Buffer.alloc(0) : readFileSync(this.#basePath);
      this.#bytes = this.#content.length;
    }
    return this.#content;
  }
}

/** How likely a change is there, by its place: a disk may have written nothing, all, the first ones, or some. */
function lossOf(random: RandomStream, count: number): (index: number) => number {
  const choice = Math.floor(random.between(0, 5));
  if (choice === 0) return () => 0;
  if (choice === 1) return () => 1;
  const cut = random.between(0, count);
  if (choice === 2) return (index) => (index < cut ? 1 : 0);
  // The last ones, as a disk that reorders has it.
  if (choice === 3) return (index) => (index < cut ? 0 : 1);
  const probability = random.next();
  return () => probability;
}
