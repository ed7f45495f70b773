import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProgressTracker, type BatchProgress } from '../../src/actor/progress.ts';

/** The same with a set of numbers. */
class NaiveTracker {
  readonly done = new Set<number>();
  last = 0;

  get watermark(): number {
    let watermark = 0;
    while (this.done.has(watermark + 1)) watermark++;
    return watermark;
  }
}

interface Sent {
  readonly progress: BatchProgress;
  readonly left: number[];
}

test('the watermark never passes a message that is not applied, and reaches every whole batch', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'complete', 'complete', 'fail', 'settle'),
    pick: fc.nat(1000),
    count: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const tracker = new ProgressTracker(0);
      const naive = new NaiveTracker();
      const batches: Sent[] = [];
      for (const { kind, pick, count } of steps) {
        const open = batches.filter(({ left }) => left.length > 0);
        const batch = open[pick % Math.max(open.length, 1)];
        if (kind === 'add') {
          const left = Array.from({ length: count }, () => ++naive.last);
          batches.push({ progress: tracker.add(left[0] ?? 0, count), left });
        } else if (kind === 'settle') {
          tracker.settle();
        } else if (batch !== undefined) {
          const number = Math.min(count, batch.left.length);
          tracker.complete(batch.progress, number);
          if (kind === 'fail') tracker.reopen(batch.progress, number);
          else for (const sequence of batch.left.splice(0, number)) naive.done.add(sequence);
        }
        expect(tracker.watermark).toBeLessThanOrEqual(naive.watermark);
        expect(tracker.outstanding).toBe(naive.last - naive.done.size);
      }
      for (const { progress, left } of batches) tracker.complete(progress, left.length);
      expect([tracker.watermark, tracker.outstanding]).toEqual([naive.last, 0]);
      tracker.settle();
      expect(tracker.watermark).toBe(naive.last);
    }),
  );
});

test('a failed commit takes back what it counted', () => {
  const tracker = new ProgressTracker(10);
  const progress = tracker.add(11, 2);
  tracker.complete(progress, 2);
  expect(tracker.watermark).toBe(12);
  tracker.reopen(progress, 2);
  expect([tracker.watermark, tracker.outstanding]).toEqual([10, 2]);
});
