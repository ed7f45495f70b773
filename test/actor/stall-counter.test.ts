import { expect, test } from 'vitest';
import { StallCounter } from '../../src/actor/stall-counter.ts';

/** Ticks `times` times, `stepMs` apart; answers whether any of them asked for a look. */
function ticks(
  counter: StallCounter,
  times: number,
  beats: (n: number) => number,
  stepMs = 1000,
  fromMs = 0,
): boolean {
  const looks = Array.from({ length: times }, (_, n) => counter.tick(beats(n), fromMs + n * stepMs));
  return looks.includes(true);
}

test('a thread that beats is never looked at, one that stops is after 8 ticks', () => {
  const counter = new StallCounter(1000);
  expect(ticks(counter, 100, (n) => n + 1)).toBe(false);
  expect(ticks(counter, 8, () => 101, 1000, 100_000)).toBe(false);
  expect(ticks(counter, 1, () => 101, 1000, 108_000)).toBe(true);
});

test('a thread that has not begun is left alone', () => {
  expect(ticks(new StallCounter(1000), 100, () => 0)).toBe(false);
});

test('ticks after a pause of the whole process begin to count anew', () => {
  const counter = new StallCounter(1000);
  expect(ticks(counter, 8, () => 5)).toBe(false);
  expect(ticks(counter, 8, () => 5, 1000, 3_600_000)).toBe(false);
  expect(ticks(counter, 20, () => 5, 4000, 7_200_000)).toBe(false);
});
