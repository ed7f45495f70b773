/**
 * The one place that every acting tool passes before it does anything: asks the policy, counts, and notes in the
 * audit log. What is counted is a document of the agent, so that a restart forgets nothing.
 *
 * I1 What is counted and noted, and what the act writes at once, is committed together or not at all.
 * I2 Only what is allowed counts.
 */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { checkPolicy, type DeviceDefinition, type DevicePolicy } from '../../device/index.ts';
import {
  decide,
  NO_USE,
  usageKey,
  used,
  type ActionTarget,
  type AskingDecision,
  type Moment,
  type PolicyDecision,
  type TargetRules,
  type Usage,
} from './policy.ts';

/** A call that would act, for the policy and for the audit log. */
export interface Action {
  readonly tool: string;
  /** A JSON value. */
  readonly input: unknown;
  readonly targets: readonly ActionTarget[];
  /** As the audit log names who asked. */
  readonly by: string;
  /** When it was asked for, ms since epoch; undefined: now. */
  readonly askedAtMs?: number | undefined;
  /** Who consented, as the audit log names people; undefined: nobody. */
  readonly approvedBy?: string | undefined;
  /** It is for another time, and passes here again then. */
  readonly later?: Later | undefined;
}

/** When a call would act that does not act now. */
export interface Later {
  /** ms since epoch; null: nobody knows when. */
  readonly atMs: number | null;
  /** The same, for people. */
  readonly said: string;
  /** At that time or not at all: nobody can consent to it any more once it has come. */
  readonly isOnce: boolean;
}

/** A call that was not made, and why. */
export type Denial = Exclude<PolicyDecision, { readonly decision: 'allow' }>;

/** All commands and desired metrics together. */
const TOTAL = 'all';
const NOTIFY_DEFAULT = { rate: { max: limits.toolNotifyPerHourMax, perSeconds: 3600 } } as const;

export class ActionGate {
  readonly #context: ActorContext;
  readonly #policy: DevicePolicy;

  constructor(context: ActorContext, policy: DevicePolicy) {
    this.#context = context;
    this.#policy = policy;
  }

  /** Whether a button on the device may approve. */
  get isDeviceApprover(): boolean {
    return this.#policy.approvals?.byDevice === true;
  }

  /** Whether tools may read the other devices of the model. */
  get readsPeers(): boolean {
    return this.#policy.peers === 'model';
  }

  get timeZone(): string {
    return this.#policy.timeZone ?? 'UTC';
  }

  /** What the policy says to all of it; nothing is counted. */
  decide({ targets, approvedBy, later }: Action): PolicyDecision {
    const now = this.#context.now();
    const moment: Moment = later === undefined ? { kind: 'now', atMs: now } : { kind: 'later', ...later };
    let answer: PolicyDecision = { decision: 'allow' };
    let usage = this.#usage;
    for (const target of targets) {
      const before = usage[usageKey(target)] ?? NO_USE;
      const total = usage[TOTAL] ?? NO_USE;
      const one = decide(target, this.#rulesOf(target), before, total, moment, approvedBy !== undefined);
      if (one.decision === 'refuse') return one;
      if (one.decision === 'needs-approval') answer = stricter(one, answer);
      usage = this.#counted(usage, target, now);
    }
    if (answer.decision !== 'needs-approval' || later?.isOnce !== true || later.atMs === null) return answer;
    return { ...answer, ttlMs: Math.min(answer.ttlMs, later.atMs - now) };
  }

  /**
   * Asks the policy, and does it if it may be done; notes whatever the answer is. `act` begins at once; what it throws
   * then takes counts and notes back.
   */
  pass<T>(action: Action, act: () => T): { readonly done: T } | { readonly answer: Denial } {
    const answer = this.decide(action);
    if (answer.decision !== 'allow') {
      const event = answer.decision === 'refuse' ? 'refused' : answer.decision;
      this.note(action, event, { explanation: answer.explanation });
      return { answer };
    }
    return this.#context.attempt(() => {
      if (action.later === undefined) this.#count(action.targets);
      this.note(action, 'called', {});
      return { done: act() };
    });
  }

  note({ tool, input, by, approvedBy }: Action, event: string, detail: object): void {
    const about = { input, ...(approvedBy === undefined ? {} : { approvedBy }), ...detail };
    const id = `${this.#context.effectId()}.tool`;
    this.#context.audit({ id, kind: 'tool', event, subject: tool, by, detail: about });
  }

  #count(targets: readonly ActionTarget[]): void {
    const now = this.#context.now();
    this.#context.setCell(
      'toolUse',
      targets.reduce((usage, target) => this.#counted(usage, target, now), this.#usage),
    );
  }

  #counted(
    usage: Readonly<Record<string, Usage>>,
    target: ActionTarget,
    nowMs: number,
  ): Record<string, Usage> {
    const rules = this.#rulesOf(target);
    const key = usageKey(target);
    const next = { ...usage, [key]: used(usage[key] ?? NO_USE, rules, nowMs) };
    if (target.kind === 'tools') return next;
    return { ...next, [TOTAL]: used(usage[TOTAL] ?? NO_USE, { ...rules, action: {} }, nowMs) };
  }

  #rulesOf({ kind, name }: ActionTarget): TargetRules {
    const actions = this.#policy[kind] ?? {};
    const said = Object.hasOwn(actions, name) ? actions[name] : undefined;
    const usual = kind === 'tools' && name === 'notify' ? NOTIFY_DEFAULT : {};
    return { policy: this.#policy, action: { ...usual, ...said } };
  }

  get #usage(): Readonly<Record<string, Usage>> {
    // Only `#count` writes it.
    return (this.#context.cell('toolUse') as Readonly<Record<string, Usage>> | undefined) ?? {};
  }
}

/** Both have to be satisfied. */
function stricter(one: AskingDecision, before: PolicyDecision): AskingDecision {
  if (before.decision !== 'needs-approval') return one;
  const persons = one.persons === 2 ? 2 : before.persons;
  return {
    decision: 'needs-approval',
    explanation: `${before.explanation}; ${one.explanation}`,
    persons,
    ttlMs: Math.min(one.ttlMs, before.ttlMs),
  };
}

/**
 * What an agent's class says (`static policy`) stands before what its definition says, name by name.
 * @throws BridgeError BRG_DEFINITION when the class's is not valid for this definition
 */
export function policyOf(agentClass: object, definition: DeviceDefinition): DevicePolicy {
  const { policy } = definition;
  const { policy: own } = agentClass as { policy?: DevicePolicy }; // checked next
  if (own === undefined) return policy;
  checkPolicy(own, definition, (place, what, allowed): never => {
    const message = `agent "${definition.agent}" of device "${definition.model}": static ${place} ${what}; allowed is ${allowed}`;
    throw new BridgeError('BRG_DEFINITION', message);
  });
  return {
    ...policy,
    ...own,
    commands: { ...policy.commands, ...own.commands },
    desired: { ...policy.desired, ...own.desired },
    tools: { ...policy.tools, ...own.tools },
  };
}
