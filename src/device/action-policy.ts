/**
 * What may be done to a device without a person, and what may not be done at all, as data: in a definition, or as
 * `static policy` of an agent's class. The bridge decides by it, never a model.
 */
import { limits } from '../base/limits.ts';
import type { CommandArgument, Metric, MetricValue } from './capability.ts';
import type { Fail } from './check-spec.ts';
import { showValue } from './value.ts';

/** Values of an argument or a metric: all, those between two numbers (both included), or those listed. */
export type ValueSet =
  | true
  | {
      /** Smallest number, of the unit of the argument or metric. */
      readonly min: number;
      /** Largest number, of the same unit. */
      readonly max: number;
    }
  | { readonly values: readonly MetricValue[] };

/** Every day between two times of day `HH:MM`; `from` after `to` spans midnight. */
export interface QuietHours {
  /** When they begin, `HH:MM`. */
  readonly from: string;
  /** When they end, `HH:MM`; this minute is not quiet any more. */
  readonly to: string;
}

/** How people approve. */
export interface ApprovalPolicy {
  /** Different people who have to approve: 1 (default) or 2. */
  readonly persons?: 1 | 2;
  /** Time in seconds until nobody's word counts as denied; default 24 h, at most 30 days. */
  readonly ttlSeconds?: number;
}

/** What holds for one command, one desired metric or one tool. */
export interface ActionPolicy {
  /** Needs nobody's consent for these values. Default: none of a command or a desired metric. */
  readonly allow?: ValueSet;
  /** Other values than these are refused, whoever consents. */
  readonly only?: ValueSet;
  /** Refused, whoever consents. */
  readonly never?: boolean;
  /** At most `max` calls in any `perSeconds`. */
  readonly rate?: {
    /** Number of calls. */
    readonly max: number;
    /** Length of the period in seconds. */
    readonly perSeconds: number;
  };
  /** Number of calls a day, at most, from midnight to midnight of the policy's time zone. */
  readonly perDayMax?: number;
  /** Instead of the policy's; false: none. */
  readonly quietHours?: QuietHours | false;
  /** Before the policy's, field by field. */
  readonly approvals?: ApprovalPolicy;
}

/** What an assistant, a program or an MCP client may do to a device. docs/thinking.md */
export interface DevicePolicy {
  /** IANA name, of quiet hours and days. Default UTC. */
  readonly timeZone?: string;
  /** When nothing may be done to the device. */
  readonly quietHours?: QuietHours;
  /** Number of commands and desired metrics together, a day, at most. */
  readonly perDayMax?: number;
  /** How people approve what is not allowed by itself. */
  readonly approvals?: ApprovalPolicy & {
    /** The device itself may approve, by a button on it: `call/approve` and `call/deny`. Default false. */
    readonly byDevice?: boolean;
  };
  /** Other devices that tools may read: none (default), or those of the same model, to compare with. */
  readonly peers?: 'none' | 'model';
  /** By the name of a command. */
  readonly commands?: Readonly<Record<string, ActionPolicy>>;
  /** By the name of a metric that can be set. */
  readonly desired?: Readonly<Record<string, ActionPolicy>>;
  /** By the name of a tool, such as `notify`. */
  readonly tools?: Readonly<Record<string, ActionPolicy>>;
}

/** What of a definition a policy speaks about. */
interface Actuators {
  readonly metrics: readonly Metric[];
  readonly commands: readonly { readonly name: string; readonly argument: CommandArgument | null }[];
}

const KEYS = ['timeZone', 'quietHours', 'perDayMax', 'approvals', 'peers', 'commands', 'desired', 'tools'];
const ACTION_KEYS = ['allow', 'only', 'never', 'rate', 'perDayMax', 'quietHours', 'approvals'];
const APPROVAL_KEYS = ['persons', 'ttlSeconds'];
const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Finds what is wrong in a policy: a name nobody has, a value nobody knows. `fail` throws. */
export function checkPolicy(policy: unknown, { metrics, commands }: Actuators, fail: Fail): void {
  const fields = known(policy, 'policy', KEYS, fail);
  const { timeZone, quietHours, perDayMax } = fields;
  if (timeZone !== undefined && !isTimeZone(timeZone))
    fail('policy.timeZone', `is ${showValue(timeZone)}`, 'an IANA name such as Europe/Berlin');
  if (quietHours !== undefined) checkQuietHours(quietHours, 'policy', fail);
  if (perDayMax !== undefined) checkCount(perDayMax, 'policy.perDayMax', Number.MAX_SAFE_INTEGER, fail);
  if (fields['approvals'] !== undefined)
    checkApprovals(fields['approvals'], 'policy', [...APPROVAL_KEYS, 'byDevice'], fail);
  const { peers } = fields;
  if (peers !== undefined && peers !== 'none' && peers !== 'model')
    fail('policy.peers', `is ${showValue(peers)}`, "'none' or 'model'");
  const settable = metrics.filter(({ access }) => access !== 'read');
  checkActions(fields['commands'], 'policy.commands', names(commands), fail);
  checkActions(fields['desired'], 'policy.desired', names(settable), fail);
  checkActions(fields['tools'], 'policy.tools', undefined, fail);
}

function names(list: readonly { readonly name: string }[]): string[] {
  return list.map(({ name }) => name);
}

function checkActions(
  actions: unknown,
  place: string,
  allowed: readonly string[] | undefined,
  fail: Fail,
): void {
  if (actions === undefined) return;
  for (const [name, action] of Object.entries(known(actions, place, undefined, fail))) {
    if (allowed?.includes(name) === false)
      fail(place, `names ${showValue(name)}`, allowed.join(', ') || 'nothing');
    checkAction(action, `${place}.${name}`, fail);
  }
}

function checkAction(action: unknown, place: string, fail: Fail): void {
  const { allow, only, never, rate, perDayMax, quietHours, approvals } = known(
    action,
    place,
    ACTION_KEYS,
    fail,
  );
  if (allow !== undefined) checkSet(allow, `${place}.allow`, fail);
  if (only !== undefined) checkSet(only, `${place}.only`, fail);
  if (never !== undefined && typeof never !== 'boolean')
    fail(`${place}.never`, `is ${showValue(never)}`, 'true or false');
  if (perDayMax !== undefined) checkCount(perDayMax, `${place}.perDayMax`, Number.MAX_SAFE_INTEGER, fail);
  if (quietHours !== undefined && quietHours !== false) checkQuietHours(quietHours, place, fail);
  if (approvals !== undefined) checkApprovals(approvals, place, APPROVAL_KEYS, fail);
  if (rate === undefined) return;
  const { max, perSeconds } = known(rate, `${place}.rate`, ['max', 'perSeconds'], fail);
  checkCount(max, `${place}.rate.max`, limits.policyRateCallsMax, fail);
  if (typeof perSeconds !== 'number' || !(perSeconds > 0) || perSeconds > limits.policyRateSecondsMax)
    fail(
      `${place}.rate.perSeconds`,
      `is ${showValue(perSeconds)}`,
      `seconds up to ${limits.policyRateSecondsMax}`,
    );
}

function checkApprovals(approvals: unknown, place: string, keys: readonly string[], fail: Fail): void {
  const { persons, ttlSeconds, byDevice } = known(approvals, `${place}.approvals`, keys, fail);
  if (persons !== undefined && persons !== 1 && persons !== 2)
    fail(`${place}.approvals.persons`, `is ${showValue(persons)}`, '1 or 2');
  const secondsMax = limits.approvalTtlMaxMs / 1000;
  const isTime = typeof ttlSeconds === 'number' && ttlSeconds > 0 && ttlSeconds <= secondsMax;
  if (ttlSeconds !== undefined && !isTime)
    fail(`${place}.approvals.ttlSeconds`, `is ${showValue(ttlSeconds)}`, `seconds up to ${secondsMax}`);
  if (byDevice !== undefined && typeof byDevice !== 'boolean')
    fail(`${place}.approvals.byDevice`, `is ${showValue(byDevice)}`, 'true or false');
}

function checkSet(set: unknown, place: string, fail: Fail): void {
  if (set === true) return;
  const { min, max, values } = known(set, place, ['min', 'max', 'values'], fail);
  const isRange = typeof min === 'number' && typeof max === 'number' && min <= max && values === undefined;
  const isList = Array.isArray(values) && min === undefined && max === undefined;
  if (!isRange && !isList)
    fail(place, 'is not a set of values', 'true, {min, max} with min <= max, or {values: [...]}');
}

function checkQuietHours(hours: unknown, place: string, fail: Fail): void {
  const fields = known(hours, `${place}.quietHours`, ['from', 'to'], fail);
  for (const end of ['from', 'to']) {
    const time = fields[end];
    if (typeof time !== 'string' || !TIME_OF_DAY.test(time))
      fail(`${place}.quietHours.${end}`, `is ${showValue(time)}`, 'a time of day such as 22:30');
  }
}

function checkCount(value: unknown, place: string, max: number, fail: Fail): void {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > max)
    fail(place, `is ${showValue(value)}`, `a whole number from 0 to ${max}`);
}

function known(
  value: unknown,
  place: string,
  keys: readonly string[] | undefined,
  fail: Fail,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail(place, `is ${showValue(value)}`, 'an object');
  const odd = Object.keys(value).find((key) => keys?.includes(key) === false);
  if (odd !== undefined) fail(place, `has an unknown key ${showValue(odd)}`, keys?.join(', ') ?? '');
  return value as Record<string, unknown>; // checked: an object
}

function isTimeZone(value: unknown): boolean {
  try {
    return typeof value === 'string' && new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined;
  } catch {
    return false;
  }
}
