/** The rules of one agent: its own and its model's, their memory, and when to look at them again. */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { DeviceDefinition, MetricValue } from '../device/index.ts';
import {
  describeRule,
  evaluateAlarm,
  evaluateTelemetry,
  parseRule,
  type Evaluation,
  type FiredRule,
  type Rule,
  type RuleMemories,
  type StoredRule,
} from './rules/index.ts';

const NONE: readonly StoredRule[] = [];

export class RuleBook {
  readonly #context: ActorContext;
  readonly #definition: DeviceDefinition;
  readonly #modelRules: readonly StoredRule[];
  #all: readonly StoredRule[] | undefined;
  #memories: RuleMemories | undefined;
  #nextAlarmMs: number | null = null;
  #isChanged = false;

  constructor(context: ActorContext, definition: DeviceDefinition) {
    this.#context = context;
    this.#definition = definition;
    this.#modelRules = modelRules(definition);
  }

  /** Rules of the model first, then the device's own in the order they were added. */
  get all(): readonly StoredRule[] {
    return (this.#all ??= this.#own.length === 0 ? this.#modelRules : [...this.#modelRules, ...this.#own]);
  }

  /** When `alarm` has something to do, ms since epoch; null for never. */
  get nextAlarmMs(): number | null {
    return this.#nextAlarmMs;
  }

  /** @throws BridgeError BRG_RULE, BRG_RULES_FULL */
  add(input: unknown): StoredRule {
    const rule = parseRule(input, this.#definition, () => this.#context.effectId());
    const others = this.#others(rule.id);
    const stored = this.#described(rule);
    this.#store([...others, stored], rule.id);
    return stored;
  }

  /** What `add` would keep, without an id that nobody gave it. @throws as `add` */
  preview(input: unknown): Omit<StoredRule, 'id' | 'createdAtMs'> & { readonly id?: string } {
    const rule = parseRule(input, this.#definition, () => '');
    this.#others(rule.id);
    const { id, createdAtMs: _, ...described } = this.#described(rule);
    return id === '' ? described : { id, ...described };
  }

  /** @throws BridgeError BRG_UNKNOWN_RULE, BRG_RULE when it belongs to the model */
  remove(ruleId: string): void {
    const rule = this.all.find(({ id }) => id === ruleId);
    if (rule === undefined) throw new BridgeError('BRG_UNKNOWN_RULE', `no rule "${ruleId}"`);
    if (rule.source === 'model') {
      throw new BridgeError('BRG_RULE', `rule "${ruleId}" belongs to the model; change it in the definition`);
    }
    this.#store(
      this.#own.filter(({ id }) => id !== ruleId),
      ruleId,
    );
  }

  telemetry(
    tsMs: number,
    values: Readonly<Record<string, MetricValue>>,
    nowMs: number,
  ): readonly FiredRule[] {
    if (this.all.length === 0) return [];
    return this.#took(
      evaluateTelemetry(this.all, this.#memory, { ts: tsMs, values }, nowMs, this.#context.shard.startedAtMs),
    );
  }

  alarm(nowMs: number): readonly FiredRule[] {
    if (this.all.length === 0) {
      this.#nextAlarmMs = null;
      return [];
    }
    return this.#took(evaluateAlarm(this.all, this.#memory, nowMs, this.#context.shard.startedAtMs));
  }

  /** Once after rules were added or removed. */
  takeChanged(): boolean {
    const wasChanged = this.#isChanged;
    this.#isChanged = false;
    return wasChanged;
  }

  /** Own rules that stay when one with this id is kept. @throws BridgeError BRG_RULE, BRG_RULES_FULL */
  #others(ruleId: string): readonly StoredRule[] {
    const known = this.all.find(({ id }) => id === ruleId);
    if (known?.source === 'model') {
      throw new BridgeError('BRG_RULE', `rule "${ruleId}" belongs to the model; give yours another id`);
    }
    const others = this.#own.filter(({ id }) => id !== ruleId);
    if (others.length < limits.rulesPerAgentMax) return others;
    throw new BridgeError(
      'BRG_RULES_FULL',
      `the agent has ${others.length} rules, the limit; delete one first`,
    );
  }

  #described(rule: Rule): StoredRule {
    const createdAtMs = this.#context.now();
    return { ...rule, description: describeRule(rule, this.#definition), createdAtMs, source: 'device' };
  }

  get #own(): readonly StoredRule[] {
    // Only #store writes it.
    return (this.#context.cell('rules') as readonly StoredRule[] | undefined) ?? NONE;
  }

  get #memory(): RuleMemories {
    // Only #took writes it. A copy of the cell's value, because the engine changes it in place.
    return (this.#memories ??= structuredClone(
      (this.#context.cell('ruleMemory') as RuleMemories | undefined) ?? {},
    ));
  }

  #store(own: readonly StoredRule[], changedId: string): void {
    this.#context.setCell('rules', own);
    this.#all = undefined;
    // A changed rule starts afresh.
    const { [changedId]: _, ...memories } = this.#memory;
    this.#memories = memories;
    this.#context.setCell('ruleMemory', this.#memory);
    // When to look again is known only after an evaluation: the agent asks for one when the turn has done its work.
    this.#isChanged = true;
  }

  #took(evaluation: Evaluation): readonly FiredRule[] {
    if (evaluation.changed) this.#context.setCell('ruleMemory', this.#memory);
    this.#nextAlarmMs = evaluation.nextAlarmMs;
    return evaluation.fired;
  }
}

const parsedModelRules = new WeakMap<DeviceDefinition, readonly StoredRule[]>();

/** Checked once per definition. @throws BridgeError BRG_RULE for a definition with a bad rule */
export function modelRules(definition: DeviceDefinition): readonly StoredRule[] {
  const known = parsedModelRules.get(definition);
  if (known !== undefined) return known;
  const rules = definition.rules.map((input): StoredRule => {
    const rule = parseRule(input, definition);
    return { ...rule, description: describeRule(rule, definition), createdAtMs: 0, source: 'model' };
  });
  parsedModelRules.set(definition, rules);
  return rules;
}
