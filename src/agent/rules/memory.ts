/**
 * What a rule remembers between turns: plain JSON, changed in place. It is bounded: for each condition one sample and at most
 * `ruleWindowPointsMax` + 1 window points, and `ruleFiringsPerMinuteMax` times.
 */
import { limits } from '../../base/limits.ts';
import type { MetricValue } from '../../device/index.ts';
import type { Condition, Operator } from './rule.ts';
import type { Span } from './span.ts';

/**
 * armed: the next time the condition becomes true counts. holding: true since then, waiting for `forMs`.
 * fired: waiting for the condition to end. suppressed: fired, but the loop guard holds the action back
 * until then and lets it go if the condition is still true.
 */
export type Phase =
  | { readonly kind: 'armed' }
  | { readonly kind: 'holding'; readonly sinceMs: number }
  | { readonly kind: 'fired' }
  | { readonly kind: 'suppressed'; readonly untilMs: number };

export const ARMED: Phase = { kind: 'armed' };
export const FIRED: Phase = { kind: 'fired' };

/** The newest sample of the rule's metric. `tsMs` is the device's time, `receivedMs` the bridge's. */
interface Sample {
  value: MetricValue;
  tsMs: number;
  receivedMs: number;
}

interface WindowPoint {
  readonly tsMs: number;
  readonly value: number;
}

/** What a sample says: near is "not true, but not back by the hysteresis either". */
export type Verdict = 'true' | 'near' | 'false';

export interface ConditionMemory {
  last: Sample | null;
  /** delta with withinMs: the samples that can still be the lowest (op >) or highest (op <) of the window. */
  readonly window: WindowPoint[];
  /** What the last sample said, of groups and of rules with times; absent: false. Of a plain rule the phase says enough. */
  verdict?: Verdict;
}

/** Its first condition's memory is in it. */
export interface RuleMemory extends ConditionMemory {
  phase: Phase;
  /** When the rule began to watch, bridge's time: a metric that has never come is stale from here on. */
  readonly sinceMs: number;
  /** The firings of the last minute that were carried out, oldest first. */
  readonly firedAtMs: number[];
  /** Firings held back since the last one that was carried out. */
  suppressedCount: number;
  /** Of a group: the memories of the conditions after the first. */
  others?: ConditionMemory[];
  /** Of a rule with times: those that hold the time of the last evaluation, else the next ones; that time; of which times. */
  span?: Span & { readonly askedMs: number; readonly of: string };
}

/** Memory of an agent's rules by rule id. Delete a rule's entry together with the rule. */
export type RuleMemories = Record<string, RuleMemory>;

export function newRuleMemory(nowMs: number): RuleMemory {
  return { phase: ARMED, sinceMs: nowMs, last: null, window: [], firedAtMs: [], suppressedCount: 0 };
}

/** The memory of condition `at`; made when there is none, also when a model's rule has become a group. */
export function conditionMemory(memory: RuleMemory, at: number): ConditionMemory {
  if (at === 0) return memory;
  const others = (memory.others ??= []);
  while (others.length < at) others.push({ last: null, window: [] });
  return others[at - 1] ?? memory; // there, by the line above
}

/**
 * Takes in a sample and says whether the condition is true of it; unknown leaves all as it is; undefined when it is late or
 * a duplicate, and then nothing was changed. `ts` is the device's time or null.
 */
export function takeSample(
  condition: Condition,
  hysteresis: number,
  memory: ConditionMemory,
  value: MetricValue,
  ts: number | null,
  nowMs: number,
): Verdict | 'unknown' | undefined {
  // A device clock that is ahead must not make everything after its correction look late.
  const tsMs = ts === null ? nowMs : Math.min(ts, nowMs);
  let last = memory.last;
  if (last !== null) {
    if (ts !== null && tsMs === last.tsMs && value === last.value) return undefined;
    if (tsMs < last.tsMs) {
      const silenceMs = nowMs - last.receivedMs;
      if (silenceMs >= 0 && silenceMs < limits.ruleClockStepMs) return undefined;
      last = null; // A clock was set back, the device's or ours: the samples before are on another scale.
      memory.window.length = 0;
    }
  }
  const verdict = judge(condition, hysteresis, last, memory.window, value, tsMs);
  if (memory.last === null) {
    memory.last = { value, tsMs, receivedMs: nowMs };
  } else {
    memory.last.value = value;
    memory.last.tsMs = tsMs;
    memory.last.receivedMs = nowMs;
  }
  return verdict;
}

function judge(
  when: Condition,
  hysteresis: number,
  last: Sample | null,
  window: WindowPoint[],
  value: MetricValue,
  tsMs: number,
): Verdict | 'unknown' {
  if ('staleFor' in when) return 'false';
  if ('value' in when) {
    if (typeof value !== 'number' || typeof when.value !== 'number') {
      return judgeEquality(when.op, value === when.value);
    }
    return compare(when.op, value, when.value, hysteresis, 0);
  }
  if (typeof value !== 'number') return 'unknown';
  if ('delta' in when && when.withinMs !== undefined) {
    const change = value - extremeOf(window, when.op, value, tsMs, when.withinMs);
    return compare(when.op, change, when.delta, hysteresis, rounding(value, change));
  }
  if (last === null || typeof last.value !== 'number') return 'unknown';
  const change = value - last.value;
  const error = rounding(value, last.value);
  if ('delta' in when) return compare(when.op, change, when.delta, hysteresis, error);
  const seconds = (tsMs - last.tsMs) / 1000;
  return seconds === 0
    ? 'unknown'
    : compare(when.op, change / seconds, when.rate, hysteresis, error / seconds);
}

function judgeEquality(op: Operator, isSame: boolean): Verdict | 'unknown' {
  if (op !== '==' && op !== '!=') return 'unknown'; // the definition changed after the rule was checked
  return isSame === (op === '==') ? 'true' : 'false';
}

/**
 * The lowest (op > or >=) or highest (op < or <=) value of the window that ends with this sample, which it
 * adds. The points are a monotonic queue: an older one that is no better than a
 * newer one can never be the answer again and is dropped, so the first is always the answer. A point closer than a 64th of the window to a better one is left out: that bounds the queue and
 * shortens the window by at most that much; a change is never claimed over more than `withinMs`.
 */
function extremeOf(
  window: WindowPoint[],
  op: Operator,
  value: number,
  tsMs: number,
  withinMs: number,
): number {
  const sign = op.startsWith('>') ? 1 : -1;
  let expired = 0;
  for (const point of window) {
    if (point.tsMs >= tsMs - withinMs) break;
    expired += 1;
  }
  if (expired > 0) window.splice(0, expired);
  let newest = window.at(-1);
  while (newest !== undefined && sign * newest.value >= sign * value) {
    window.pop();
    newest = window.at(-1);
  }
  if (newest === undefined || tsMs - newest.tsMs >= withinMs / limits.ruleWindowPointsMax) {
    window.push({ tsMs, value });
  }
  return window[0]?.value ?? value;
}

/**
 * Compares, taking numbers closer than `error` as equal: 20.2 - 20.1 is 0.0999999999999979, and a rule
 * that says "at least 0.1" means it.
 */
function compare(
  op: Operator,
  observed: number,
  threshold: number,
  hysteresis: number,
  error: number,
): Verdict {
  const above = observed - threshold;
  const isEqual = Math.abs(above) <= error;
  const isBack = (distance: number): Verdict =>
    distance >= hysteresis - error - rounding(threshold, hysteresis) ? 'false' : 'near';
  switch (op) {
    case '>':
      return above > 0 && !isEqual ? 'true' : isBack(-above);
    case '>=':
      return above > 0 || isEqual ? 'true' : isBack(-above);
    case '<':
      return above < 0 && !isEqual ? 'true' : isBack(above);
    case '<=':
      return above < 0 || isEqual ? 'true' : isBack(above);
    case '==':
      return isEqual ? 'true' : 'false';
    case '!=':
      return isEqual ? 'false' : 'true';
  }
}

/** What the sum or difference of two decimal numbers may be off by: four units in the last place (2^-52). */
function rounding(a: number, b: number): number {
  return Math.max(Math.abs(a), Math.abs(b)) * 2 ** -50;
}
