/** What a rule is, as JSON: docs/rules.md defines every word of it. */
import type { MetricValue } from '../../device/index.ts';

export const OPERATORS = ['>', '>=', '<', '<=', '==', '!='] as const;
export type Operator = (typeof OPERATORS)[number];

/** Compares the latest value. */
export interface ValueCondition {
  readonly metric: string;
  readonly op: Operator;
  readonly value: MetricValue;
}

/** Compares the signed change since the previous sample, or the largest one within the last `withinMs`. */
export interface DeltaCondition {
  readonly metric: string;
  readonly op: Operator;
  readonly delta: number;
  readonly withinMs?: number;
}

/** Compares the signed change per second between the last two samples. */
export interface RateCondition {
  readonly metric: string;
  readonly op: Operator;
  readonly rate: number;
}

/** True once the metric has not come for `staleFor` milliseconds. */
export interface StaleCondition {
  readonly metric: string;
  readonly staleFor: number;
}

export type Condition = ValueCondition | DeltaCondition | RateCondition | StaleCondition;

/** One of a group. After a firing its number must come back by its own `hysteresis` before it counts as false. */
export type Member = Condition & { readonly hysteresis?: number };

/** True while each of its conditions is true. */
export interface AllOf {
  readonly all: readonly Member[];
}

/** True while at least one of its conditions is true. */
export interface AnyOf {
  readonly any: readonly Member[];
}

export type When = Condition | AllOf | AnyOf;

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** The times in which a rule may be true; outside of them its condition is false. */
export interface Timing {
  /** `["22:00", "06:00"]`: from the first up to, and without, the second; over midnight when that is the earlier one. */
  readonly between?: readonly [from: string, to: string];
  /** Of the week, in its order: on which `between` begins; without it, whole days. */
  readonly days?: readonly Day[];
  /** IANA time zone of both; there whenever one of them is. */
  readonly zone?: string;
}

export type RuleAction =
  | { readonly kind: 'command'; readonly name: string; readonly argument?: MetricValue }
  | { readonly kind: 'alert'; readonly text: string }
  | { readonly kind: 'notify'; readonly text: string }
  /** The agent asks itself in its chat: its model looks into it. */
  | { readonly kind: 'ask'; readonly text: string };

/** A checked rule; `parseRule` makes it. */
export interface Rule extends Timing {
  readonly id: string;
  readonly when: When;
  /** The condition must hold this long without a break, in ms of the bridge's clock. */
  readonly forMs?: number;
  /** After firing, the observed number must come back this far past the threshold before the rule re-arms. In a group: of each condition. */
  readonly hysteresis?: number;
  readonly do: RuleAction;
}

/** A rule as it is stored and listed. */
export type StoredRule = Rule & {
  /** `describeRule` of it. */
  readonly description: string;
  readonly createdAtMs: number;
  /** Whether it belongs to one device or to all of its model. */
  readonly source: 'device' | 'model';
};

/** One firing, to be carried out by the agent after it persisted the memory. */
export interface FiredRule {
  readonly ruleId: string;
  readonly action: RuleAction;
  /** Of the condition; in a group, of the first that is true. */
  readonly metric: string;
  /** Latest value of the metric; null when it has never come. */
  readonly value: MetricValue | null;
  /** The bridge's time of the firing, ms since epoch. */
  readonly atMs: number;
  /** For people: the text of the alert or notice, or why a command was sent. */
  readonly text: string;
  /** True when the loop guard holds the action back: do not carry it out. */
  readonly suppressed: boolean;
  /** Firings held back in a row, this one included; 0 when not suppressed. Tell people about the first. */
  readonly suppressedCount: number;
}

/** What `when` compares, in its order. */
export function conditionsOf(when: When): readonly Member[] {
  if ('all' in when) return when.all;
  return 'any' in when ? when.any : [when];
}

/** Whether a condition alone decides: no group, no times. Most rules are so, and are evaluated with less work. */
export function isPlain(rule: Rule): rule is Rule & { readonly when: Condition } {
  return 'metric' in rule.when && rule.zone === undefined;
}
