/**
 * What rules have beyond one condition: groups, and times of day.
 *
 * A group is judged like its conditions, false before near before true: `all` by the least of them, `any` by the greatest.
 * Between two samples only time makes a difference, and only in one direction: a metric becomes stale, the times begin. So
 * when a rule will be true is known beforehand, and it makes no difference how late it is looked at. What the end of its
 * times takes back is done when the next ones are looked up: then it is armed again.
 */
import type { MetricValue } from '../../device/index.ts';
import {
  ARMED,
  conditionMemory,
  takeSample,
  type ConditionMemory,
  type RuleMemory,
  type Verdict,
} from './memory.ts';
import { conditionsOf, type Condition, type Rule } from './rule.ts';
import { spanAt } from './span.ts';

const RANK = { false: 0, near: 1, true: 2 } as const;

/** Brings the phase to `nowMs`, but for a firing; answers whether anything changed. Not for plain rules. */
export function settle(rule: Rule, memory: RuleMemory, nowMs: number, upSinceMs: number): boolean {
  let isChanged = moveSpan(rule, memory, nowMs);
  if (memory.phase.kind === 'armed') {
    const sinceMs = trueFromMs(rule, memory, upSinceMs);
    if (sinceMs <= nowMs) {
      memory.phase = { kind: 'holding', sinceMs };
      isChanged = true;
    }
  }
  conditionsOf(rule.when).forEach((condition, at) => {
    const own = conditionMemory(memory, at);
    // Silence that was seen lasts until the metric comes, over a restart of the bridge as well.
    if (own.verdict === 'true' || silentFromMs(condition, memory, own, upSinceMs) > nowMs) return;
    own.verdict = 'true';
    isChanged = true;
  });
  return isChanged;
}

/** From when on an armed rule is true if nothing more arrives, -Infinity: it has been, Infinity: never. */
export function trueFromMs(rule: Rule, memory: RuleMemory, upSinceMs: number): number {
  const { when } = rule;
  const beginMs = memory.span?.fromMs ?? -Infinity;
  if ('metric' in when) return Math.max(beginMs, conditionFromMs(when, memory, memory, upSinceMs));
  const each = conditionsOf(when).map((condition, at) =>
    conditionFromMs(condition, memory, conditionMemory(memory, at), upSinceMs),
  );
  return Math.max(beginMs, 'all' in when ? Math.max(...each) : Math.min(...each));
}

/** Takes telemetry in; the verdict of the whole, undefined when there was nothing new in it. Not for plain rules. */
export function takeValues(
  rule: Rule,
  memory: RuleMemory,
  values: Readonly<Record<string, MetricValue>>,
  ts: number | null,
  nowMs: number,
): { readonly verdict: Verdict | undefined; readonly isChanged: boolean } {
  let isTaken = false;
  let isChanged = false;
  conditionsOf(rule.when).forEach((condition, at) => {
    const value = values[condition.metric];
    if (value === undefined) return;
    const own = conditionMemory(memory, at);
    const before = { verdict: own.verdict, value: own.last?.value };
    const hysteresis = condition.hysteresis ?? rule.hysteresis ?? 0;
    const verdict = takeSample(condition, hysteresis, own, value, ts, nowMs);
    if (verdict === undefined) return;
    isTaken = true;
    if (verdict !== 'unknown') own.verdict = verdict;
    // As for plain rules: of a value only the verdict, and what a firing would report, decide anything after a restart.
    const isNoted = !('value' in condition) || own.verdict !== before.verdict;
    if (isNoted || (own.verdict === 'true' && value !== before.value)) isChanged = true;
  });
  return { verdict: isTaken ? verdictOf(rule, memory, nowMs) : undefined, isChanged };
}

function verdictOf({ when }: Rule, memory: RuleMemory, nowMs: number): Verdict {
  if (memory.span !== undefined && nowMs < memory.span.fromMs) return 'false';
  const verdicts = conditionsOf(when).map((_, at) => conditionMemory(memory, at).verdict ?? 'false');
  const isAll = 'all' in when;
  return verdicts.reduce((one, other) => (RANK[one] < RANK[other] === isAll ? one : other));
}

function conditionFromMs(
  condition: Condition,
  memory: RuleMemory,
  own: ConditionMemory,
  upSinceMs: number,
): number {
  return own.verdict === 'true' ? -Infinity : silentFromMs(condition, memory, own, upSinceMs);
}

/** When the metric will have been silent for long enough; Infinity for other conditions. */
function silentFromMs(
  condition: Condition,
  memory: RuleMemory,
  own: ConditionMemory,
  upSinceMs: number,
): number {
  if (!('staleFor' in condition)) return Infinity;
  return Math.max(own.last?.receivedMs ?? memory.sinceMs, upSinceMs) + condition.staleFor;
}

/** Looks up the times that hold `nowMs`, or the next; in others than before the rule is armed again. */
function moveSpan(rule: Rule, memory: RuleMemory, nowMs: number): boolean {
  if (rule.zone === undefined) return false;
  const { between = [], days = [], zone } = rule;
  const of = `${between.join('-')} ${days.join()} ${zone}`;
  const before = memory.span;
  // Asked later than now: a clock was set back.
  if (before?.of === of && before.askedMs <= nowMs && nowMs < before.toMs) return false;
  const span = spanAt(rule, nowMs);
  memory.span = { ...span, askedMs: nowMs, of };
  if (before?.fromMs !== span.fromMs || before.of !== of) memory.phase = ARMED;
  return true;
}
