/**
 * A sentence is understood as a whole or not at all: a number, duration, time or quoted text that an answer leaves
 * out may be the one that changes the meaning. Windows of the day may be said twice ("at night, 22:00 to 6:00").
 */
import { pointer } from './device-words.ts';
import type { Spans } from './prompt.ts';

export function saysAll(
  answer: readonly string[],
  { numbers, durations, times, windows, days, quoted }: Spans,
): boolean {
  const has = (prefix: string, things: readonly unknown[]): boolean =>
    things.every((_, at) => answer.includes(pointer(prefix, at)));
  const isTimed = times.length > 0 ? has('T', times) : has('W', windows);
  return (
    has('N', numbers) &&
    has('D', durations) &&
    has('Y', days) &&
    isTimed &&
    quoted.every((at) => answer.includes(pointer('Q', at)))
  );
}
