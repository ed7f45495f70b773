import { expect, test } from 'vitest';
import { DeathLedger } from '../../src/actor/death-ledger.ts';
import type { Culprit } from '../../src/actor/flight-recorder.ts';
import { limits } from '../../src/base/limits.ts';

const message = (sequence: number, key = 'm/a'): Culprit => ({ key, sequence, what: 'message' });
const keysOf = (ledger: DeathLedger): string[] => ledger.suspects().holds.map(({ key }) => key);

test('3 deaths during a message set it aside, one more of its agent holds the agent', () => {
  const ledger = new DeathLedger();
  expect([1, 2].map((at) => ledger.note(message(7), at))).toEqual([true, true]);
  expect(ledger.suspects().messages).toEqual([]);
  ledger.note(message(7), 3);
  expect(ledger.suspects()).toMatchObject({ messages: [7], holds: [] });
  ledger.note(message(8), 4);
  expect(keysOf(ledger)).toEqual(['m/a']);
});

test('3 deaths in the start of an agent hold it; 3 in its jobs, which have a count of their own, do not', () => {
  const ledger = new DeathLedger();
  for (const at of [1, 2, 3]) {
    ledger.note({ key: 'm/start', sequence: 0, what: 'start' }, at);
    ledger.note({ key: 'n/job', sequence: 0, what: 'job' }, at);
  }
  expect(keysOf(ledger)).toEqual(['m/start']);
});

test('8 deaths by agents of one model hold the model', () => {
  const ledger = new DeathLedger();
  for (let n = 0; n < 8; n++) ledger.note(message(n + 1, `m/${n}`), n);
  expect(keysOf(ledger)).toEqual(['m/*']);
});

test('a death of no known culprit counts, and so do those that nothing helps against', () => {
  const ledger = new DeathLedger();
  expect(ledger.note(undefined, 0)).toBe(false);
  const excused = Array.from({ length: 8 }, (_, at) => ledger.note(message(7), at));
  expect(excused).toEqual([true, true, true, true, true, true, false, false]);
});

test('deaths are forgotten after an hour', () => {
  const ledger = new DeathLedger();
  for (const at of [1, 2, 3]) ledger.note(message(7), at);
  ledger.note(message(8), limits.deathMemoryMs + 10);
  expect(ledger.suspects()).toMatchObject({ messages: [], holds: [] });
});
