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

export type RuleAction =
  | { readonly kind: 'command'; readonly name: string; readonly argument?: MetricValue }
  | { readonly kind: 'alert'; readonly text: string }
  | { readonly kind: 'notify'; readonly text: string }
  /** The agent asks itself in its chat: its model looks into it. */
  | { readonly kind: 'ask'; readonly text: string };

/** A checked rule; `parseRule` makes it. */
export interface Rule {
  readonly id: string;
  readonly when: Condition;
  /** The condition must hold this long without a break, in ms of the bridge's clock. */
  readonly forMs?: number;
  /** After firing, the observed number must come back this far past the threshold before the rule re-arms. */
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
