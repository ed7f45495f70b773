/**
 * Decides what a tool may do to a device: pure, from the policy's data, what was done before, and the time. It stands
 * outside of the model: nothing that a model reads or writes changes it.
 *
 * I1 Consent replaces `allow` and nothing else: `never`, `only`, quiet hours, rates and budgets hold for approved calls too.
 * I2 What no policy speaks of needs consent if it reaches an actuator.
 */
import { limits } from '../../base/limits.ts';
import type { ActionPolicy, DevicePolicy, MetricValue, QuietHours, ValueSet } from '../../device/index.ts';

/** What a call would do: one command, one desired metric, or one tool that reaches no actuator. */
export interface ActionTarget {
  readonly kind: 'commands' | 'desired' | 'tools';
  readonly name: string;
  /** What the command is given, or the metric is to become; null for nothing. */
  readonly value: MetricValue | null;
  /** Of a tool: it needs consent all the same. The reason, for people. */
  readonly isRisky?: string;
}

/** What was done before, under one name. */
export interface Usage {
  /** Times of the calls that still count for the rate, ms since epoch. */
  readonly times: readonly number[];
  /** The day `count` is of, `YYYY-MM-DD` in the policy's time zone. */
  readonly day: string;
  readonly count: number;
}

/** `explanation` is for the model and for people. */
export type PolicyDecision =
  | { readonly decision: 'allow' }
  | { readonly decision: 'refuse'; readonly explanation: string }
  | {
      readonly decision: 'needs-approval';
      readonly explanation: string;
      /** Different people who have to approve. */
      readonly persons: 1 | 2;
      /** Time until nobody's word counts as denied, in ms. */
      readonly ttlMs: number;
    };

/** The limits of one target: what it is called in the policy, and what the class or the definition says of it. */
export interface TargetRules {
  readonly policy: DevicePolicy;
  readonly action: ActionPolicy;
}

/** A call that needs the consent of people. */
export type AskingDecision = Extract<PolicyDecision, { readonly decision: 'needs-approval' }>;

export const NO_USE: Usage = { times: [], day: '', count: 0 };

/** Name under which uses of a target are counted. */
export function usageKey({ kind, name }: Pick<ActionTarget, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}

/**
 * When it would happen, ms since epoch; null for a time nobody knows yet. What is for later is asked again then; `said`
 * tells people when that is: `at 2026-05-04 07:00 (UTC)`.
 */
export type Moment =
  | { readonly kind: 'now'; readonly atMs: number }
  | { readonly kind: 'later'; readonly atMs: number | null; readonly said: string };

/** @param usage of the target; `total` of all commands and desired metrics together */
export function decide(
  target: ActionTarget,
  { policy, action }: TargetRules,
  usage: Usage,
  total: Usage,
  moment: Moment,
  isApproved: boolean,
): PolicyDecision {
  const { kind, atMs } = moment;
  const what = moment.kind === 'now' ? describeTarget(target) : `${describeTarget(target)} ${moment.said}`;
  const refusal =
    refusedValue(target, action) ??
    (atMs === null ? undefined : refusedTime(target, policy, action, atMs)) ??
    (kind === 'later' || atMs === null ? undefined : overused(action, usage, atMs)) ??
    (kind === 'later' || atMs === null ? undefined : overspent(target, policy, action, usage, total, atMs));
  if (refusal !== undefined) return { decision: 'refuse', explanation: `${what} ${refusal}` };
  if (isApproved || isAllowed(target, action)) return { decision: 'allow' };
  const { persons = 1, ttlSeconds } = { ...policy.approvals, ...action.approvals };
  const ttlMs = ttlSeconds === undefined ? limits.approvalTtlMs : ttlSeconds * 1000;
  return { decision: 'needs-approval', explanation: `${what} ${whyConsent(target, action)}`, persons, ttlMs };
}

/** `usage` with one more call. */
export function used(usage: Usage, { policy, action }: TargetRules, nowMs: number): Usage {
  const { day } = localTime(nowMs, policy.timeZone);
  const count = usage.day === day ? usage.count + 1 : 1;
  if (action.rate === undefined) return { times: [], day, count };
  return {
    times: [...recent(usage, action.rate.perSeconds, nowMs), nowMs].slice(-action.rate.max),
    day,
    count,
  };
}

/** `vent open`, `desired target 21`. */
export function describeTarget({ kind, name, value }: ActionTarget): string {
  const shown = value === null ? '' : ` ${String(value)}`;
  return kind === 'desired' ? `desired ${name}${shown}` : `${name}${shown}`;
}

function refusedValue({ value }: ActionTarget, { never, only }: ActionPolicy): string | undefined {
  if (never === true) return 'is never done by a tool: the policy of this device forbids it';
  if (only === undefined || isIn(only, value)) return undefined;
  return `is refused: the policy of this device permits only ${describeSet(only)}`;
}

function refusedTime(
  { kind }: ActionTarget,
  policy: DevicePolicy,
  action: ActionPolicy,
  nowMs: number,
): string | undefined {
  // Telling people is not acting on the device.
  const general = kind === 'tools' ? undefined : policy.quietHours;
  const hours = action.quietHours ?? general;
  if (hours === undefined || hours === false || !isWithin(hours, localTime(nowMs, policy.timeZone).time))
    return undefined;
  const zone = policy.timeZone ?? 'UTC';
  return `is refused in quiet hours, ${hours.from} to ${hours.to} (${zone}); schedule it for later`;
}

function overused({ rate }: ActionPolicy, usage: Usage, nowMs: number): string | undefined {
  if (rate === undefined) return undefined;
  const times = recent(usage, rate.perSeconds, nowMs);
  if (times.length < rate.max) return undefined;
  const nextMs = (times.at(-rate.max) ?? nowMs) + rate.perSeconds * 1000;
  const next = rate.max === 0 ? '' : `; the next is possible in ${Math.ceil((nextMs - nowMs) / 1000)} s`;
  return `is refused: at most ${rate.max} in ${rate.perSeconds} s${next}`;
}

function overspent(
  { kind }: ActionTarget,
  policy: DevicePolicy,
  action: ActionPolicy,
  usage: Usage,
  total: Usage,
  atMs: number,
): string | undefined {
  const { day } = localTime(atMs, policy.timeZone);
  const isSpent = (max: number | undefined, use: Usage): boolean =>
    max !== undefined && (use.day === day ? use.count : 0) >= max;
  const again = `; it begins again at midnight (${policy.timeZone ?? 'UTC'})`;
  if (isSpent(action.perDayMax, usage))
    return `is refused: its budget of ${action.perDayMax} a day is spent${again}`;
  if (kind === 'tools' || !isSpent(policy.perDayMax, total)) return undefined;
  return `is refused: the device's budget of ${policy.perDayMax} actions a day is spent${again}`;
}

function recent({ times }: Usage, perSeconds: number, nowMs: number): readonly number[] {
  // A clock that was set back must not stop the device for as long.
  return times.filter((time) => time > nowMs - perSeconds * 1000 && time <= nowMs);
}

function isAllowed({ kind, value, isRisky }: ActionTarget, { allow }: ActionPolicy): boolean {
  if (allow !== undefined) return isIn(allow, value);
  return kind === 'tools' && isRisky === undefined;
}

function whyConsent({ isRisky }: ActionTarget, { allow }: ActionPolicy): string {
  if (allow !== undefined) return `needs a person's approval; without one allowed is ${describeSet(allow)}`;
  return `needs a person's approval: ${isRisky ?? 'it acts on the device'}`;
}

function isIn(set: ValueSet, value: MetricValue | null): boolean {
  if (set === true) return true;
  if ('values' in set) return set.values.some((one) => one === value);
  return typeof value === 'number' && value >= set.min && value <= set.max;
}

function describeSet(set: ValueSet): string {
  if (set === true) return 'any value';
  return 'values' in set ? set.values.map(String).join(', ') || 'nothing' : `${set.min} to ${set.max}`;
}

function isWithin({ from, to }: QuietHours, time: string): boolean {
  return from <= to ? time >= from && time < to : time >= from || time < to;
}

/** `at 2026-05-04 07:00 (Europe/Berlin)`, for people. */
export function describeTime(atMs: number, timeZone: string): string {
  const seconds = new Date(atMs).getUTCSeconds();
  const { day, time } = localTime(atMs, timeZone);
  const shown = seconds === 0 ? time : `${time}:${String(seconds).padStart(2, '0')}`;
  return `at ${day} ${shown} (${timeZone})`;
}

/** The day and the time of day there, `HH:MM`. */
function localTime(atMs: number, timeZone = 'UTC'): { readonly day: string; readonly time: string } {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const [day = '', time = ''] = format.format(atMs).split(' '); // `2026-05-04 07:00`
  return { day, time };
}
