import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PendingBytes } from '../../src/broker/edge/index.ts';

function taken(pending: PendingBytes): Buffer[] {
  const chunks: Buffer[] = [];
  for (let chunk = pending.take(); chunk !== null; chunk = pending.take()) chunks.push(chunk);
  return chunks;
}

test('what is added is taken in its order, byte by byte, whenever it is taken', () => {
  const piece = fc
    .oneof(fc.nat(200), fc.constantFrom(8191, 8192, 70_000))
    .map((length) => Buffer.alloc(length));
  const step = fc.oneof({ weight: 9, arbitrary: piece }, fc.constant('take' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pending = new PendingBytes();
      const [added, got]: Buffer[][] = [[], []];
      steps.forEach((one, n) => {
        if (one === 'take') got?.push(pending.take() ?? Buffer.alloc(0));
        else {
          added?.push(one.fill(n % 256));
          pending.add(one);
        }
        const length = (all: Buffer[] = []): number => all.reduce((total, { length }) => total + length, 0);
        expect(pending.bytes).toBe(length(added) - length(got));
      });
      got?.push(...taken(pending));
      expect(Buffer.concat(got ?? []).equals(Buffer.concat(added ?? []))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('50,000 small packets become some hundred chunks, a large one is not copied', () => {
  const pending = new PendingBytes();
  const large = Buffer.alloc(20_000);
  for (let n = 0; n < 50_000; n++) pending.add(Buffer.alloc(80));
  pending.add(large);
  const chunks = taken(pending);
  expect(chunks.length).toBeLessThan(200);
  expect(chunks.at(-1)).toBe(large);
});
