/** What every PartitionLog must do. Run over each implementation. */
import { expect, test } from 'vitest';
import { isDiskFull } from '../../src/store/index.ts';
import type { LogEntry, PartitionLog } from '../../src/store/partition-log.ts';

export interface PartitionLogMaker {
  /** Opens the log of this test; again after `close`, it finds what it had. */
  open(): PartitionLog;
  /** Opens it with little room: a hundred entries of `largeBytes` do not fit. Undefined: it has no bound. */
  readonly openSmall: (() => PartitionLog) | undefined;
  readonly largeBytes: number;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

function readAll(log: PartitionLog, after: number): { first: number; count: number; text: string }[] {
  return Array.from(log.read(after), ({ firstSequence, count, batch }: LogEntry) => ({
    first: firstSequence,
    count,
    text: batch.toString(),
  }));
}

export function testPartitionLog(name: string, make: () => PartitionLogMaker): void {
  test(`${name}: an empty log begins at 1 and knows no batch`, () => {
    const log = make().open();
    expect([log.nextSequence, log.lastBatchId, log.countAfter(0), readAll(log, 0)]).toEqual([1, null, 0, []]);
    log.close();
  });

  test(`${name}: appends are numbered by their messages and read back in order`, () => {
    const log = make().open();
    expect(log.append('a', bytes('one'), 3)).toBe(1);
    expect(log.append('b', bytes('two'), 1)).toBe(4);
    expect(log.append('c', bytes(''), 2)).toBe(5);
    expect([log.nextSequence, log.lastBatchId, log.countAfter(0)]).toEqual([7, 'c', 6]);
    expect(readAll(log, 0)).toEqual([
      { first: 1, count: 3, text: 'one' },
      { first: 4, count: 1, text: 'two' },
      { first: 5, count: 2, text: '' },
    ]);
    log.close();
  });

  test(`${name}: read begins with the entry that holds the message after the given one`, () => {
    const log = make().open();
    log.append('a', bytes('one'), 3);
    log.append('b', bytes('two'), 2);
    expect(readAll(log, 2).map(({ first }) => first)).toEqual([1, 4]);
    expect(readAll(log, 3).map(({ first }) => first)).toEqual([4]);
    expect(readAll(log, 5)).toEqual([]);
    expect([log.countAfter(3), log.countAfter(5)]).toEqual([2, 0]);
    log.close();
  });

  test(`${name}: a reader may append while it reads`, () => {
    const log = make().open();
    for (let i = 0; i < 40; i++) log.append(`a${i}`, bytes(String(i)), 1);
    let seen = 0;
    for (const entry of log.read(0)) {
      expect(entry.batch.toString()).toBe(String(seen++));
      if (seen === 20) log.append('late', bytes('40'), 1);
    }
    expect(seen).toBe(41);
    log.close();
  });

  test(`${name}: everything is there again after reopening`, () => {
    const maker = make();
    const log = maker.open();
    log.append('a', bytes('one'), 2);
    log.append('b', bytes('two'), 5);
    log.close();
    const again = maker.open();
    expect([again.nextSequence, again.lastBatchId, again.countAfter(0)]).toEqual([8, 'b', 7]);
    expect(again.append('c', bytes('three'), 1)).toBe(8);
    expect(readAll(again, 2).map(({ text }) => text)).toEqual(['two', 'three']);
    again.close();
  });

  test(`${name}: trim drops entries whose messages are all covered, and only those`, () => {
    const log = make().open();
    for (const id of ['a', 'b', 'c']) log.append(id, bytes(id), 2);
    log.trim(3);
    log.append('d', bytes('d'), 1);
    expect(readAll(log, 0).map(({ text }) => text)).toEqual(['b', 'c', 'd']);
    log.trim(1); // never takes anything back
    log.append('e', bytes('e'), 1);
    expect(readAll(log, 0).map(({ text }) => text)).toEqual(['b', 'c', 'd', 'e']);
    log.close();
  });

  test(`${name}: numbers are not used again when everything was trimmed, also after reopening`, () => {
    const maker = make();
    const log = maker.open();
    log.append('a', bytes('a'), 10);
    log.trim(10);
    expect(log.append('b', bytes('b'), 5)).toBe(11);
    log.trim(15);
    log.close();
    const again = maker.open();
    expect([again.nextSequence, again.lastBatchId]).toEqual([16, 'b']);
    again.trim(15);
    expect(again.append('c', bytes('c'), 1)).toBe(16);
    expect(readAll(again, 0).map(({ text }) => text)).toEqual(['c']);
    again.close();
  });

  test(`${name}: a full log keeps nothing of a refused append, and takes it after a trim`, () => {
    const { openSmall, open, largeBytes } = make();
    if (openSmall === undefined) return;
    const log = openSmall();
    const large = Buffer.alloc(largeBytes, 1);
    let taken = 0;
    const fill = (): unknown => {
      try {
        for (; taken < 100; taken++) log.append(`large ${taken}`, large, 1);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(isDiskFull(fill())).toBe(true);
    expect(taken).toBeGreaterThan(2);
    const position = [log.nextSequence, log.lastBatchId, log.countAfter(0)];
    expect(isDiskFull(fill())).toBe(true);
    expect([log.nextSequence, log.lastBatchId, log.countAfter(0)]).toEqual(position);
    expect(position).toEqual([taken + 1, `large ${taken - 1}`, taken]);
    log.trim(taken - 1);
    expect(log.append('small', bytes('small'), 1)).toBe(taken + 1);
    log.close();
    const again = open();
    expect(readAll(again, 0).map(({ first }) => first)).toEqual([taken, taken + 1]);
    again.close();
  });
}
