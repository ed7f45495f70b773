import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noteSequence, type SequenceMemory } from '../../src/agent/sequence-memory.ts';
import { limits } from '../../src/base/limits.ts';

interface Numbered {
  readonly boot: number | string;
  readonly seq: number;
}

/** Ascending, disjoint, not adjacent. */
function expectWellFormed(memory: SequenceMemory): void {
  for (const { ranges } of memory) {
    expect(ranges.length % 2).toBe(0);
    expect(ranges.length).toBeLessThanOrEqual(2 * limits.sequenceRangesMax);
    for (let i = 0; i < ranges.length; i += 2) {
      expect(ranges[i]).toBeLessThanOrEqual(ranges[i + 1] ?? NaN);
      if (i > 0) expect(ranges[i]).toBeGreaterThan((ranges[i - 1] ?? NaN) + 1);
    }
  }
}

test('it is a set, whatever the order, the gaps and the boots', () => {
  const message = fc.record({
    boot: fc.constantFrom<number | string>(1, '1', 'b', 4),
    seq: fc.oneof(fc.nat(30), fc.integer({ min: 0, max: 100 })),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 120 }), (messages: Numbered[]) => {
      const memory: SequenceMemory = [];
      const seen = new Set<string>();
      for (const { boot, seq } of messages) {
        const name = `${typeof boot} ${boot} ${seq}`;
        expect(noteSequence(memory, boot, seq)).toBe(!seen.has(name));
        seen.add(name);
        expectWellFormed(memory);
      }
      // As it comes back from disk.
      const again = JSON.parse(JSON.stringify(memory)) as SequenceMemory; // its type is JSON's
      for (const { boot, seq } of messages) expect(noteSequence(again, boot, seq)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('a shuffled outbox collapses into one range', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 60 }, (_, i) => i),
        { minLength: 60 },
      ),
      (order) => {
        const memory: SequenceMemory = [];
        for (const seq of order) expect(noteSequence(memory, 1, seq)).toBe(true);
        expect(memory).toEqual([{ boot: 1, ranges: [0, 59] }]);
      },
    ),
  );
});

test('a message is never taken for a repetition because memory is short: the oldest range is forgotten', () => {
  const memory: SequenceMemory = [];
  const count = 10 * limits.sequenceRangesMax;
  for (let i = 0; i < count; i++) expect(noteSequence(memory, 1, i * 2)).toBe(true);
  expectWellFormed(memory);
  expect(noteSequence(memory, 1, (count - 1) * 2)).toBe(false);
});

test(`the boots used last are remembered, ${limits.bootsRememberedMax} of them`, () => {
  const memory: SequenceMemory = [];
  for (let boot = 0; boot < limits.bootsRememberedMax; boot++) noteSequence(memory, boot, 1);
  expect(noteSequence(memory, 0, 1)).toBe(false); // used again: now the latest
  noteSequence(memory, 'new', 1);
  expect(memory.length).toBe(limits.bootsRememberedMax);
  expect(noteSequence(memory, 0, 1)).toBe(false);
  expect(noteSequence(memory, 1, 1)).toBe(true);
});
