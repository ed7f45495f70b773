/**
 * The rules engine: pure, without a clock. Time is the bridge's receive time, passed in as `nowMs`.
 *
 * I1 The same rules, memory, telemetry and times give the same firings; memory may go through JSON at
 *    any point, and whether an alarm or a message comes first after a wait has ended makes no difference.
 * I2 Between two firings of a rule that are carried out its condition was false (and back by the hysteresis).
 * I3 At most `ruleFiringsPerMinuteMax` firings of a rule in any minute are carried out.
 * I4 Samples older than the newest one, and duplicates, change nothing.
 */
import { limits } from '../../base/limits.ts';
import type { MetricValue } from '../../device/index.ts';
import { describeAction, describeCondition } from './describe.ts';
import { ARMED, FIRED, newRuleMemory, takeSample, type RuleMemories, type RuleMemory } from './memory.ts';
import type { FiredRule, Rule } from './rule.ts';

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
    // What fell due before this message fires first, however late its alarm is (I1).
    if (dueMs(rule, memory, upSinceMs) <= nowMs) {
      (fired ??= []).push(fire(rule, memory, nowMs));
      isChanged = true;
    }
    const value = telemetry?.values[rule.when.metric];
    if (telemetry !== null && value !== undefined) {
      const step = takeValue(rule, memory, value, telemetry.ts, nowMs);
      if (step === 'fire') (fired ??= []).push(fire(rule, memory, nowMs));
      isChanged ||= step !== 'same';
    }
    alarmMs = Math.min(alarmMs, dueMs(rule, memory, upSinceMs));
  }
  if (!isChanged && alarmMs === Infinity) return QUIET;
  return { changed: isChanged, fired: fired ?? NONE, nextAlarmMs: alarmMs === Infinity ? null : alarmMs };
}

function memoryOf(memories: RuleMemories, ruleId: string): RuleMemory | undefined {
  return Object.hasOwn(memories, ruleId) ? memories[ruleId] : undefined; // an id may be "constructor"
}

/** When the rule fires if nothing more arrives, bridge's time; Infinity: never. */
function dueMs(rule: Rule, memory: RuleMemory, upSinceMs: number): number {
  const phase = memory.phase;
  switch (phase.kind) {
    case 'holding':
      return phase.sinceMs + (rule.forMs ?? 0);
    case 'suppressed':
      return phase.untilMs;
    case 'fired':
      return Infinity;
    case 'armed':
      if (!('staleFor' in rule.when)) return Infinity;
      return Math.max(memory.last?.receivedMs ?? memory.sinceMs, upSinceMs) + rule.when.staleFor;
  }
}

/** Takes a value in and moves the phase, except to a firing, which it asks for. */
function takeValue(
  rule: Rule,
  memory: RuleMemory,
  value: MetricValue,
  ts: number | null,
  nowMs: number,
): 'same' | 'changed' | 'fire' {
  const phase = memory.phase;
  const valueBefore = memory.last?.value;
  const verdict = takeSample(rule, memory, value, ts, nowMs);
  if (verdict === undefined) return 'same';
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
  // Of a value rule only the phase, and the value that a later alarm reports, decide anything after a restart.
  if (!('value' in rule.when)) return 'changed';
  const isWaiting = phase.kind === 'holding' || phase.kind === 'suppressed';
  return isWaiting && value !== valueBefore ? 'changed' : 'same';
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
  return {
    ruleId: rule.id,
    action: rule.do,
    metric: rule.when.metric,
    value: memory.last?.value ?? null,
    atMs: nowMs,
    text: textOf(rule, memory),
    suppressed: isSuppressed,
    suppressedCount: memory.suppressedCount,
  };
}

/** "vent open, because temperature is above 35 for 10 s (now 36.2)"; alerts and notices have their own words. */
function textOf(rule: Rule, memory: RuleMemory): string {
  if (rule.do.kind !== 'command') return rule.do.text;
  const now = memory.last === null ? '' : ` (now ${memory.last.value})`;
  return `${describeAction(rule.do)}, because ${describeCondition(rule)}${now}`;
}
