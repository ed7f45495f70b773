/** Reads the log that fault-shim.c writes: what a process did to the files below one directory, in order. */
import { closeSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 32;
const CHUNK_BYTES = 8 * 1024 * 1024;

const KINDS = [
  '',
  'open',
  'close',
  'write',
  'truncate',
  'sync',
  'sync-failed',
  'unlink',
  'rename',
  'mkdir',
  'rmdir',
] as const;

export interface DiskRecord {
  readonly kind: Exclude<(typeof KINDS)[number], ''>;
  /** Counts from 1. */
  readonly number: number;
  readonly isCreated: boolean;
  readonly isTruncated: boolean;
  readonly fd: number;
  readonly path: string;
  /** Of a rename: its new name. */
  readonly to: string;
  /** Where it writes; the new size; of a sync: the last record that it covers. */
  readonly offset: number;
  readonly data: Buffer;
}

/** A record cut off by the end of the process is no record. */
export function* readDiskLog(path: string): Iterable<DiskRecord> {
  const fd = openSync(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytes = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (bytes === 0) return;
      rest = Buffer.concat([rest, chunk.subarray(0, bytes)]);
      let at = 0;
      for (let size = sizeAt(rest, at); at + size <= rest.length; size = sizeAt(rest, at)) {
        yield parse(rest, at);
        at += size;
      }
      rest = rest.subarray(at);
    }
  } finally {
    closeSync(fd);
  }
}

function sizeAt(bytes: Buffer, at: number): number {
  if (at + HEADER_BYTES > bytes.length) return Infinity;
  return (
    HEADER_BYTES + bytes.readUInt16LE(at + 2) + bytes.readUInt32LE(at + 16) + bytes.readUInt16LE(at + 20)
  );
}

function parse(bytes: Buffer, at: number): DiskRecord {
  const kind = KINDS[bytes[at] ?? 0];
  if (kind === undefined || kind === '') throw new Error(`the log has an unknown record at ${at}`);
  const flags = bytes[at + 1] ?? 0;
  const pathStart = at + HEADER_BYTES;
  const toStart = pathStart + bytes.readUInt16LE(at + 2);
  const dataStart = toStart + bytes.readUInt16LE(at + 20);
  return {
    kind,
    number: Number(bytes.readBigUInt64LE(at + 24)),
    isCreated: (flags & 1) !== 0,
    isTruncated: (flags & 2) !== 0,
    fd: bytes.readInt32LE(at + 4),
    offset: Number(bytes.readBigInt64LE(at + 8)),
    path: bytes.toString('utf8', pathStart, toStart),
    to: bytes.toString('utf8', toStart, dataStart),
    data: bytes.subarray(dataStart, dataStart + bytes.readUInt32LE(at + 16)),
  };
}
