/** What a start makes of a journal that a crash, a disk or a hand has left in another state than it should be. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkData, Journal, repairJournal, ShardStore } from '../../src/store/index.ts';
import { checkWal } from '../../src/store/wal-tail.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const FRAME_BYTES = 24 + 16_384;
const BATCHES = 6;

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-damage-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const batchOf = (n: number): Buffer => Buffer.from(`batch ${n} `.repeat(50));

/** A journal of 6 batches with 10 messages each, as the end of its process left it: in the WAL; none is applied. */
function crashed(): string {
  const [dir, alive] = [directory(), directory()];
  const journal = new Journal(join(alive, 'journal.db'));
  for (let n = 0; n < BATCHES; n++) journal.append(`b${n}`, batchOf(n), 10);
  for (const name of readdirSync(alive)) copyFileSync(join(alive, name), join(dir, name));
  journal.close();
  new ShardStore(join(dir, 'shard.db')).close();
  return dir;
}

function readAll(dir: string): { batches: string[]; next: number; isTorn: boolean } {
  const journal = new Journal(join(dir, 'journal.db'));
  try {
    const batches = [...journal.read(0)]
      .filter(({ count }) => count > 0)
      .map(({ batch }) => batch.toString().slice(0, 7));
    return { batches, next: journal.nextSequence, isTorn: journal.isTorn };
  } finally {
    journal.close();
  }
}

/** Changes a byte of a file. @param find the last place of this text, or an offset */
function spoil(path: string, find: string | number): void {
  const bytes = readFileSync(path);
  const at = typeof find === 'number' ? find : bytes.lastIndexOf(find);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

const damaged = expect.objectContaining({ code: 'BRG_JOURNAL_DAMAGED' }) as Error;

test('a journal that ended in a crash is whole', () => {
  const dir = crashed();
  expect(checkWal(join(dir, 'journal.db-wal'))).toMatchObject({ kind: 'whole' });
  expect(checkData(dir)).toMatchObject({
    kind: 'checked',
    journal: { damaged: [], unreadable: null, toReplay: 60 },
    shards: [{ file: 'shard.db', agents: 0, problems: [], missing: [] }],
  });
  expect(readAll(dir)).toMatchObject({
    batches: [0, 1, 2, 3, 4, 5].map((n) => `batch ${n}`),
    next: 61,
    isTorn: false,
  });
  expect(repairJournal(dir, NOW_MS)).toBeNull();
});

test('a last commit that was under way is dropped, and noticed; it was not acknowledged', () => {
  for (const cut of [
    (path: string) => truncateSync(path, readFileSync(path).length - 100),
    (path: string) => spoil(path, 'batch 5'),
  ]) {
    const dir = crashed();
    cut(join(dir, 'journal.db-wal'));
    expect(checkWal(join(dir, 'journal.db-wal'))).toMatchObject({ kind: 'torn' });
    expect(readAll(dir)).toMatchObject({ batches: [0, 1, 2, 3, 4].map((n) => `batch ${n}`), isTorn: true });
  }
});

test('a damaged commit with others behind it is refused: SQLite would drop all of them and say nothing', () => {
  const dir = crashed();
  const wal = join(dir, 'journal.db-wal');
  const frames = (readFileSync(wal).length - 32) / FRAME_BYTES;
  // The last frames are one commit each.
  spoil(wal, 32 + (frames - 3) * FRAME_BYTES + 1000);
  expect(() => new Journal(join(dir, 'journal.db'))).toThrow(damaged);
  expect(() => new Journal(join(dir, 'journal.db'))).toThrow(
    /damaged at byte \d+: 3 commits .* mooring doctor --data/,
  );
  expect(checkData(dir)).toMatchObject({ journal: { wal: { kind: 'damaged', commits: 3 } } });
  const repaired = repairJournal(dir, NOW_MS);
  expect(repaired).toMatchObject({ lost: [], lostAfter: 30 });
  expect(existsSync(join(repaired?.kept ?? '', 'journal.db-wal'))).toBe(true);
  expect(readAll(dir)).toMatchObject({ batches: [0, 1, 2].map((n) => `batch ${n}`), next: 31 });
});

test('an entry that is not what was written is named, taken out when told to, and its numbers are not used again', () => {
  const dir = crashed();
  readAll(dir); // brings all of it into the file
  spoil(join(dir, 'journal.db'), 'batch 5');
  expect(() => readAll(dir)).toThrow(damaged);
  expect(() => readAll(dir)).toThrow(/the 10 acknowledged messages 51 to 60 cannot be read/);
  expect(checkData(dir)).toMatchObject({ journal: { damaged: [{ first: 51, count: 10 }], toReplay: 50 } });
  expect(repairJournal(dir, NOW_MS)).toMatchObject({ lost: [{ first: 51, count: 10 }], lostAfter: null });
  expect(readAll(dir)).toMatchObject({ batches: [0, 1, 2, 3, 4].map((n) => `batch ${n}`), next: 61 });
});

test('a file that is no database is kept aside, and numbers go on after what agents have applied', () => {
  const dir = crashed();
  const store = new ShardStore(join(dir, 'shard.db'));
  const row = store.newRow('lab', 'a', 0);
  row.appliedSequence = 40;
  store.commit([{ row, cells: [], history: null, file: null, audits: [], isForgotten: false }], 40);
  store.close();
  rmSync(join(dir, 'journal.db-wal'));
  writeFileSync(join(dir, 'journal.db'), Buffer.alloc(50_000, 7));
  expect(checkData(dir)).toMatchObject({
    journal: { unreadable: expect.stringContaining('not a database') as unknown },
  });
  expect(repairJournal(dir, NOW_MS)).toMatchObject({ lostAfter: 0 });
  expect(readAll(dir)).toMatchObject({ batches: [], next: 41 });
});
