import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BridgeError } from '../../src/base/errors.ts';
import { Journal } from '../../src/store/index.ts';
import { testPartitionLog } from '../conformance/partition-log.ts';

function journalPath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-journal-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'journal.db');
}

testPartitionLog('Journal', () => {
  const path = journalPath();
  return {
    open: () => new Journal(path),
    openSmall: () => new Journal(path, { pagesMax: 40 }),
    largeBytes: 64 * 1024,
  };
});

test('a journal moved forward never goes back', () => {
  const journal = new Journal(journalPath());
  journal.advanceTo(100);
  journal.advanceTo(5);
  expect(journal.append('a', Buffer.from('a'), 1)).toBe(100);
  journal.close();
});

test('a second process on the same file is refused at once', () => {
  const path = journalPath();
  const journal = new Journal(path);
  onTestFinished(() => journal.close());
  expect(() => new Journal(path)).toThrow(expect.objectContaining({ code: 'BRG_DATA_DIR' }));
});

test('a path that cannot be opened is a problem of the data directory', () => {
  expect(() => new Journal(join(journalPath(), 'no', 'such', 'dir.db'))).toThrow(BridgeError);
});

test('trimmed pages are used again: the file does not grow', () => {
  const journal = new Journal(journalPath());
  const large = Buffer.alloc(64 * 1024, 1);
  for (let i = 0; i < 20; i++) journal.append(`a${i}`, large, 1);
  const size = journal.sizeBytes();
  for (let i = 0; i < 100; i++) {
    journal.trim(journal.nextSequence - 1);
    journal.append(`b${i}`, large, 1);
  }
  expect(journal.sizeBytes()).toBe(size);
  journal.close();
});
