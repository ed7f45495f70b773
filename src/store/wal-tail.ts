/**
 * Whether a WAL ends as a crash leaves it, or has lost what was once safe. SQLite itself drops everything from the first
 * frame on that is not whole, and says nothing.
 *
 * A commit begins only after the fsync of the one before it. So a broken frame in the last commit is one that was under
 * way; one with another commit behind it was on the disk, and has changed since.
 * Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Its last bit says in which byte order checksums are made. */
const MAGIC = 0x377f0682;

/** Commits and bytes that cannot be read. */
export interface WalTail {
  /** whole: nothing is missing. torn: the last commit was under way. damaged: others were behind it. */
  readonly kind: 'whole' | 'torn' | 'damaged';
  /** Offset of the first frame that is not whole. */
  readonly fromByte: number;
  /** Commits at and after it. */
  readonly commits: number;
}

/** Looks at the WAL of a database that nobody has open. @param path of the WAL; there may be none */
export function checkWal(path: string): WalTail {
  const whole: WalTail = { kind: 'whole', fromByte: 0, commits: 0 };
  if (!existsSync(path)) return whole;
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const header = Buffer.alloc(HEADER_BYTES);
    if (size < HEADER_BYTES) return whole;
    readSync(descriptor, header, 0, HEADER_BYTES, 0);
    const isBigEndian = (header.readUInt32BE(0) & 1) === 1;
    const sums: Sums = [0, 0];
    addTo(sums, header, 0, 24, isBigEndian);
    // A header that was being written: nothing is behind it.
    if ((header.readUInt32BE(0) & ~1) >>> 0 !== MAGIC || !isSum(sums, header, 24)) return whole;
    return scan(descriptor, size, header, sums, isBigEndian);
  } finally {
    closeSync(descriptor);
  }
}

function scan(descriptor: number, size: number, header: Buffer, sums: Sums, isBigEndian: boolean): WalTail {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + header.readUInt32BE(8));
  let brokenAt: number | undefined;
  let commits = 0;
  for (let at = HEADER_BYTES; at < size; at += frame.length) {
    const read = readSync(descriptor, frame, 0, frame.length, at);
    // Other salts: what an earlier round of the file left behind. A short one was being written.
    const isOfThisRound = read >= FRAME_HEADER_BYTES && frame.compare(header, 16, 24, 8, 16) === 0;
    if (!isOfThisRound) {
      if (brokenAt === undefined) break;
      continue;
    }
    if (brokenAt === undefined) {
      addTo(sums, frame, 0, 8, isBigEndian);
      addTo(sums, frame, FRAME_HEADER_BYTES, frame.length, isBigEndian);
      if (read < frame.length || !isSum(sums, frame, 16)) brokenAt = at;
    }
    // Where a commit ends stands the size of the database.
    if (brokenAt !== undefined && frame.readUInt32BE(4) > 0) commits++;
  }
  if (brokenAt === undefined) return { kind: 'whole', fromByte: size, commits: 0 };
  return { kind: commits > 1 ? 'damaged' : 'torn', fromByte: brokenAt, commits };
}

type Sums = [number, number];

/** The checksum of SQLite's WAL, over whole pairs of 32 bits. */
function addTo(sums: Sums, bytes: Buffer, from: number, to: number, isBigEndian: boolean): void {
  let [first, second] = sums;
  for (let at = from; at < to; at += 8) {
    first = (first + (isBigEndian ? bytes.readInt32BE(at) : bytes.readInt32LE(at)) + second) | 0;
    second = (second + (isBigEndian ? bytes.readInt32BE(at + 4) : bytes.readInt32LE(at + 4)) + first) | 0;
  }
  sums[0] = first;
  sums[1] = second;
}

function isSum([first, second]: Sums, bytes: Buffer, at: number): boolean {
  return bytes.readInt32BE(at) === first && bytes.readInt32BE(at + 4) === second;
}
