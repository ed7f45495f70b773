/**
 * The rules engine: pure, without a clock. Time is the bridge's receive time, passed in as `nowMs`.
 *
 * I1 The same rules, memory, telemetry and times give the same firings; memory may go through JSON at
 *    any point, and whether an alarm or a message comes first after a wait has ended makes no difference.
 * I2 Between two firings of a rule that are carried out its condition was false (and back by the hysteresis).
 * I3 At most `ruleFiringsPerMinuteMax` firings of a rule in any minute are carried out.
 * I4 Samples older than the newest one, and duplicates, change nothing.
 * I5 A rule with times fires inside of them only, however late its alarm or message is handled.
 */
import { limits } from '../../base/limits.ts';
import type { MetricValue } from '../../device/index.ts';
import { settle, takeValues, trueFromMs } from './compound.ts';
import { describeAction, describeReason } from './describe.ts';
import {
  ARMED,
  conditionMemory,
  FIRED,
  newRuleMemory,
  takeSample,
  type RuleMemories,
  type RuleMemory,
  type Verdict,
} from './memory.ts';
import { conditionsOf, isPlain, type Condition, type FiredRule, type Rule } from './rule.ts';

/** The part of decoded telemetry that rules look at; `ts` is the device's time or null. */
export interface RuleInput {
  readonly ts: number | null;
  readonly values: Readonly<Record<string, MetricValue>>;
}

export interface Evaluation {
  /** Whether the memories must be persisted with this turn; false when a restart would not notice. */
  readonly changed: boolean;
  readonly fired: readonly FiredRule[];
  /** When to call `evaluateAlarm`, bridge's time; null: no need. Calling it earlier does no harm. */
  readonly nextAlarmMs: number | null;
}

const MINUTE_MS = 60_000;
const NONE: readonly FiredRule[] = [];
const QUIET: Evaluation = { changed: false, fired: NONE, nextAlarmMs: null };

/**
 * Evaluates one telemetry map in the turn that received it at `nowMs`. Changes `memories` in place; never
 * throws. Silence counts from `upSinceMs` at the earliest: while the bridge was down nothing could arrive.
 */
export function evaluateTelemetry(
  rules: readonly Rule[],
  memories: RuleMemories,
  telemetry: RuleInput,
  nowMs: number,
  upSinceMs = 0,
): Evaluation {
  return evaluate(rules, memories, telemetry, nowMs, upSinceMs);
}

/**
 * Fires what is due by `nowMs`. Also to be called once after rules were added, for its `nextAlarmMs`.
 * Changes `memories` in place; never throws.
 */
export function evaluateAlarm(
  rules: readonly Rule[],
  memories: RuleMemories,
  nowMs: number,
  upSinceMs = 0,
): Evaluation {
  return evaluate(rules, memories, null, nowMs, upSinceMs);
}

function evaluate(
  rules: readonly Rule[],
  memories: RuleMemories,
  telemetry: RuleInput | null,
  nowMs: number,
  upSinceMs: number,
): Evaluation {
  let isChanged = false;
  let fired: FiredRule[] | undefined;
  let alarmMs = Infinity;
  for (const rule of rules) {
    let memory = memoryOf(memories, rule.id);
    if (memory === undefined) {
      memory = memories[rule.id] = newRuleMemory(nowMs);
      isChanged = true;
    }
    if (!isPlain(rule) && settle(rule, memory, nowMs, upSinceMs)) isChanged = true;
    // What fell due before this message fires first, however late its alarm is (I1).
    if (dueMs(rule, memory, upSinceMs) <= nowMs) {
      (fired ??= []).push(fire(rule, memory, nowMs));
      isChanged = true;
    }
    if (telemetry !== null) {
      const step = take(rule, memory, telemetry, nowMs);
      if (step === 'fire') (fired ??= []).push(fire(rule, memory, nowMs));
      isChanged ||= step !== 'same';
    }
    alarmMs = Math.min(alarmMs, wakeMs(rule, memory, upSinceMs));
  }
  if (!isChanged && alarmMs === Infinity) return QUIET;
  return { changed: isChanged, fired: fired ?? NONE, nextAlarmMs: alarmMs === Infinity ? null : alarmMs };
}

function memoryOf(memories: RuleMemories, ruleId: string): RuleMemory | undefined {
  return Object.hasOwn(memories, ruleId) ? memories[ruleId] : undefined; // an id may be "constructor"
}

/** When the rule fires if nothing more arrives, bridge's time; Infinity: never, or not within its present times (I5). */
function dueMs(rule: Rule, memory: RuleMemory, upSinceMs: number): number {
  const due = untimedDueMs(rule, memory, upSinceMs);
  return rule.zone === undefined || memory.span === undefined || due < memory.span.toMs ? due : Infinity;
}

function untimedDueMs(rule: Rule, memory: RuleMemory, upSinceMs: number): number {
  const phase = memory.phase;
  switch (phase.kind) {
    case 'holding':
      return phase.sinceMs + (rule.forMs ?? 0);
    case 'suppressed':
      return phase.untilMs;
    case 'fired':
      return Infinity;
    case 'armed':
      return trueFromMs(rule, memory, upSinceMs) + (rule.forMs ?? 0);
  }
}

/** When the rule has to be looked at again: at the end of its times as well, if it may be true in the next ones. */
function wakeMs(rule: Rule, memory: RuleMemory, upSinceMs: number): number {
  const due = dueMs(rule, memory, upSinceMs);
  if (due !== Infinity || rule.zone === undefined || memory.span === undefined) return due;
  const mayBeTrue = memory.phase.kind !== 'armed' || trueFromMs(rule, memory, upSinceMs) < Infinity;
  return mayBeTrue ? memory.span.toMs : Infinity;
}

/** Takes telemetry in and moves the phase, except to a firing, which it asks for. */
function take(
  rule: Rule,
  memory: RuleMemory,
  { ts, values }: RuleInput,
  nowMs: number,
): 'same' | 'changed' | 'fire' {
  if (isPlain(rule)) {
    const value = values[rule.when.metric];
    return value === undefined ? 'same' : takeValue(rule, memory, value, ts, nowMs);
  }
  const { verdict, isChanged } = takeValues(rule, memory, values, ts, nowMs);
  const step = verdict === undefined ? 'same' : move(rule, memory, verdict, nowMs);
  return step === 'same' && isChanged ? 'changed' : step;
}

function takeValue(
  rule: Rule & { readonly when: Condition },
  memory: RuleMemory,
  value: MetricValue,
  ts: number | null,
  nowMs: number,
): 'same' | 'changed' | 'fire' {
  const phase = memory.phase;
  const valueBefore = memory.last?.value;
  const verdict = takeSample(rule.when, rule.hysteresis ?? 0, memory, value, ts, nowMs);
  if (verdict === undefined) return 'same';
  const step = verdict === 'unknown' ? 'same' : move(rule, memory, verdict, nowMs);
  if (step !== 'same') return step;
  // Of a value rule only the phase, and the value that a later alarm reports, decide anything after a restart.
  if (!('value' in rule.when)) return 'changed';
  const isWaiting = phase.kind === 'holding' || phase.kind === 'suppressed';
  return isWaiting && value !== valueBefore ? 'changed' : 'same';
}

function move(rule: Rule, memory: RuleMemory, verdict: Verdict, nowMs: number): 'same' | 'changed' | 'fire' {
  const phase = memory.phase;
  if (verdict === 'true' && phase.kind === 'armed') {
    if (rule.forMs === undefined) return 'fire';
    memory.phase = { kind: 'holding', sinceMs: nowMs };
    return 'changed';
  }
  if ((verdict === 'false' && phase.kind !== 'armed') || (verdict === 'near' && phase.kind === 'holding')) {
    memory.phase = ARMED;
    return 'changed';
  }
  if (verdict === 'near' && phase.kind === 'suppressed') {
    memory.phase = FIRED; // not true any more, so nothing is left to make up for; not re-armed either
    return 'changed';
  }
  return 'same';
}

/** Fires, or holds the firing back when the last minute has had too many: a command may feed its own rule. */
function fire(rule: Rule, memory: RuleMemory, nowMs: number): FiredRule {
  const recent = memory.firedAtMs;
  while (recent[0] !== undefined && recent[0] <= nowMs - MINUTE_MS) recent.shift();
  const oldest = recent[0];
  const isSuppressed = oldest !== undefined && recent.length >= limits.ruleFiringsPerMinuteMax;
  if (isSuppressed) {
    memory.phase = { kind: 'suppressed', untilMs: oldest + MINUTE_MS };
    memory.suppressedCount += 1;
  } else {
    memory.phase = FIRED;
    memory.suppressedCount = 0;
    recent.push(nowMs);
  }
  const conditions = conditionsOf(rule.when);
  const at = Math.max(
    conditions.findIndex((_, index) => conditionMemory(memory, index).verdict === 'true'),
    0,
  );
  return {
    ruleId: rule.id,
    action: rule.do,
    metric: conditions[at]?.metric ?? '',
    value: conditionMemory(memory, at).last?.value ?? null,
    atMs: nowMs,
    text: textOf(rule, memory),
    suppressed: isSuppressed,
    suppressedCount: memory.suppressedCount,
  };
}

/** "vent open, because temperature is above 35 for 10 s (now 36.2)"; alerts and notices have their own words. */
function textOf(rule: Rule, memory: RuleMemory): string {
  if (rule.do.kind !== 'command') return rule.do.text;
  return `${describeAction(rule.do)}, because ${describeReason(rule)}${latestOf(rule, memory)}`;
}

/** " (now 36.2)", or of a group " (now temperature 36.2, humidity 81)". */
function latestOf({ when }: Rule, memory: RuleMemory): string {
  const latest = new Map<string, string>();
  conditionsOf(when).forEach(({ metric }, at) => {
    const { last } = conditionMemory(memory, at);
    if (last !== null) latest.set(metric, 'metric' in when ? String(last.value) : `${metric} ${last.value}`);
  });
  return latest.size === 0 ? '' : ` (now ${[...latest.values()].join(', ')})`;
}
