/**
 * Which of a device's numbered messages were applied, so that a resend counts once (contract, topic
 * `telemetry`). A device may number with gaps and send out of order (an outbox after live values), so
 * this is a set, kept as ranges per boot: one range in the usual case.
 */
import { limits } from '../base/limits.ts';

/** [boot, first, last, first, last, ...]: ascending, disjoint, not adjacent. JSON-serialisable. */
export interface BootRanges {
  readonly boot: string | number;
  readonly ranges: number[];
}

/** Boots in the order of their last use, the latest last. Changed in place. */
export type SequenceMemory = BootRanges[];

/** Notes (boot, seq); false when it was there before. */
export function noteSequence(memory: SequenceMemory, boot: string | number, seq: number): boolean {
  const latest = memory.at(-1);
  if (latest?.boot === boot) return insert(latest.ranges, seq);
  const index = memory.findIndex((entry) => entry.boot === boot);
  const entry = index < 0 ? { boot, ranges: [] } : memory.splice(index, 1)[0];
  if (entry === undefined) return true;
  memory.push(entry);
  if (memory.length > limits.bootsRememberedMax) memory.shift();
  return insert(entry.ranges, seq);
}

function insert(ranges: number[], seq: number): boolean {
  const last = ranges.length - 1;
  // The usual case: the next number.
  if (ranges[last] === seq - 1) {
    ranges[last] = seq;
    return true;
  }
  let at = ranges.length;
  while (at > 0 && (ranges[at - 2] ?? 0) > seq) at -= 2;
  // Now ranges[at - 2] <= seq is the start of the range before, if there is one.
  if (at > 0 && seq <= (ranges[at - 1] ?? 0)) return false;
  const touchesBefore = at > 0 && ranges[at - 1] === seq - 1;
  const touchesAfter = ranges[at] === seq + 1;
  if (touchesBefore && touchesAfter) ranges.splice(at - 1, 2);
  else if (touchesBefore) ranges[at - 1] = seq;
  else if (touchesAfter) ranges[at] = seq;
  else ranges.splice(at, 0, seq, seq);
  // Forgetting a range may apply a very late resend twice; the other way would lose a message.
  if (ranges.length > limits.sequenceRangesMax * 2) ranges.splice(0, 2);
  return true;
}
