/**
 * What the tools of one device share: the gate all acting ones pass, the watch for their effects, and what they set
 * going for later. A device's desk makes it with its first use.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { checkCommandArgument, type Command, type MetricValue } from '../../device/index.ts';
import type { DeviceAgent } from '../device-agent.ts';
import type { DeviceDesk } from '../device-desk.ts';
import { RuleProposals } from '../rule-proposals.ts';
import type { FiredRule } from '../rules/index.ts';
import { ActionGate, policyOf, type Action } from './action-gate.ts';
import { EffectWatch, isShown, type Sighting, type Want } from './effect-watch.ts';
import { outcomeOf, wantOf, type ActionOutcome } from './outcome.ts';
import type { ApprovalRequest } from './device-tool.ts';
import type { ActionTarget, AskingDecision } from './policy.ts';

/** The callback of a command for later: no method of any author's class. */
export const SCHEDULED_COMMAND = 'mooring:command';

/** The payload of a command for later. */
export interface ScheduledCommand {
  readonly command: string;
  readonly value: MetricValue | null;
  readonly by: string;
  readonly approvedBy?: string;
}

/** Who made a rule by a tool. */
interface RuleMaker {
  readonly by: string;
  readonly approvedBy?: string;
}

export class ToolBench {
  readonly agent: DeviceAgent;
  readonly desk: DeviceDesk;
  readonly gate: ActionGate;
  readonly effects: EffectWatch;
  /** What a model makes of sentences. */
  readonly proposals: RuleProposals;

  /** @throws BridgeError BRG_DEFINITION for a `static policy` that is none */
  constructor(agent: DeviceAgent, desk: DeviceDesk) {
    this.agent = agent;
    this.desk = desk;
    const { context, commands, definition } = desk;
    this.gate = new ActionGate(context, policyOf(agent.constructor, definition));
    this.proposals = new RuleProposals(desk);
    this.effects = new EffectWatch(context, () => {
      commands.tick(context.now());
      desk.parts.rearm();
    });
  }

  /** Whether somebody waits for an effect or for a model. */
  get isBusy(): boolean {
    return this.effects.isBusy || this.proposals.isBusy;
  }

  /** Nobody is answered after this. */
  letGo(): void {
    this.effects.letGo();
    this.proposals.abandon();
  }

  /** The command and its argument as it will be sent. @throws BridgeError BRG_UNKNOWN_COMMAND, BRG_COMMAND_ARGUMENT */
  command(name: unknown, value: unknown): { readonly command: Command; readonly target: ActionTarget } {
    const { commands, model } = this.desk.definition;
    const command = commands.find((known) => known.name === name);
    if (command === undefined) {
      const names = commands.map((known) => known.name).join(', ') || 'none';
      throw new BridgeError('BRG_UNKNOWN_COMMAND', `no command "${String(name)}"; ${model} knows: ${names}`);
    }
    const argument = checkCommandArgument(command, value ?? null);
    return { command, target: { kind: 'commands', name: command.name, value: argument } };
  }

  /**
   * Sends at once; resolves when the device has shown what came of it, at the latest after `waitMs`. Never holds a turn.
   * @param ttlMs how long the command waits for a device that is not there
   * @throws BridgeError BRG_COMMANDS_FULL; rejects when `signal` ends, and the command stands
   */
  send(
    { command, target }: { readonly command: Command; readonly target: ActionTarget },
    action: Action,
    waitMs: number,
    ttlMs: number,
    signal?: AbortSignal,
  ): Promise<ActionOutcome> {
    const { desk } = this;
    const wants = this.#effectOf(command, target.value);
    const wasShown = wants.length > 0 && wants.every((want) => this.isShownNow(want));
    const { cid } = desk.commands.create(command.name, target.value, ttlMs, desk.codec, action.by);
    desk.parts.rearm();
    const what = target.value === null ? command.name : `${command.name} ${String(target.value)}`;
    const seen = this.effects.wait({ cid, wants, wasShown, waitMs }, signal);
    return seen.then((sighting) => {
      const outcome = { ...outcomeOf(sighting, what, waitMs, wants), cid };
      return this.noted(action, outcome, sighting);
    });
  }

  /** Notes how a call ended; nothing any more for an agent that was given up. */
  noted(action: Action, outcome: ActionOutcome, sighting: Sighting): ActionOutcome {
    if (sighting.kind === 'let-go') return outcome;
    const { cid, evidence, explanation } = outcome;
    this.gate.note(action, outcome.outcome, { cid, explanation, evidence });
    return outcome;
  }

  /** Whether the latest telemetry, or what the device reported, shows it already. */
  isShownNow({ metric, value, tolerance }: Want): boolean {
    const shown: unknown = this.agent.state?.[metric] ?? this.desk.twin.reported[metric];
    return isShown(shown, value, tolerance);
  }

  /** Time a command's effect may take, in ms. */
  effectMs({ effect }: Command): number {
    return effect?.withinMs ?? limits.effectMs;
  }

  /**
   * A command for later is due. Answers what a job does: rejects with BRG_FORBIDDEN when the policy refuses it now: it is then a dead job, and
   * people are told; what the device makes of it is told when it is not done.
   */
  runScheduled(payload: unknown): Promise<void> {
    const { command: name, value, by, approvedBy } = payload as ScheduledCommand; // made by `schedule_command`
    const text = value === null ? name : `${name} ${String(value)}`;
    const planned = this.command(name, value);
    const input = { command: name, value };
    const action: Action = { tool: SCHEDULED_COMMAND, input, targets: [planned.target], by, approvedBy };
    // A device that is away for a while still gets it.
    const send = (): Promise<ActionOutcome> =>
      this.send(planned, action, this.effectMs(planned.command), limits.commandTtlMs);
    const passed = this.gate.pass(action, send);
    if ('answer' in passed) {
      const { explanation } = passed.answer;
      this.alert(`${text}, scheduled by ${by}, was not sent: ${explanation}`);
      // Not thrown: what was noted and told is to stay.
      return Promise.reject(new BridgeError('BRG_FORBIDDEN', explanation));
    }
    const told = passed.done.then(({ outcome, explanation }) => {
      if (outcome !== 'done' && !this.effects.isLetGo)
        this.alert(`scheduled ${text}: ${outcome}: ${explanation}`);
    });
    // Not awaited: the job would hold up the others.
    told.catch((error: unknown) =>
      this.desk.context.log.error({ err: String(error) }, 'outcome was not told'),
    );
    return Promise.resolve();
  }

  /** A question to people about a call; the bridge runs it when they approve. Answers its id. @throws BridgeError BRG_APPROVALS_FULL, BRG_PAYLOAD_TOO_LARGE */
  askPeople(request: ApprovalRequest, { explanation, persons, ttlMs }: AskingDecision, by: string): string {
    const asked = this.desk.parts.approvals.ask({
      ...request,
      origin: { kind: 'tool' },
      runBy: 'bridge',
      explanation,
      requestedBy: by,
      needed: persons,
      ttlMs,
    });
    return asked.id;
  }

  /** Tells people. */
  alert(text: string): void {
    const ts = this.desk.context.now();
    this.desk.alerts.add({ ts, ruleId: null, kind: 'alert', text, metric: null, value: null });
  }

  /** A tool has made a rule. */
  noteRule(id: string, { by, approvedBy }: Action): void {
    const maker: RuleMaker = { by, ...(approvedBy === undefined ? {} : { approvedBy }) };
    this.desk.context.setCell('toolRules', { ...this.#ruleMakers, [id]: maker });
  }

  forgetRule(id: string): void {
    const { [id]: _, ...others } = this.#ruleMakers;
    this.desk.context.setCell('toolRules', Object.keys(others).length === 0 ? undefined : others);
  }

  isOwnRule(id: string): boolean {
    return Object.hasOwn(this.#ruleMakers, id);
  }

  /** Why a rule that a tool made may not send its command now; undefined: it may. */
  refusedRule({ ruleId, action: { kind, ...rest } }: FiredRule): string | undefined {
    const maker = this.#ruleMakers[ruleId];
    if (maker === undefined || kind !== 'command' || !('name' in rest)) return undefined;
    const { name, argument: value = null } = rest;
    const targets: ActionTarget[] = [{ kind: 'commands', name, value }];
    const action = { tool: `rule:${ruleId}`, input: { name, value }, targets, ...maker };
    const passed = this.gate.pass(action, () => undefined);
    return 'answer' in passed ? passed.answer.explanation : undefined;
  }

  get #ruleMakers(): Readonly<Record<string, RuleMaker>> {
    // Only this class writes it.
    return (this.desk.context.cell('toolRules') as Readonly<Record<string, RuleMaker>> | undefined) ?? {};
  }

  #effectOf({ effect }: Command, argument: MetricValue | null): Want[] {
    if (effect === undefined) return [];
    const value = effect.value === 'argument' ? argument : effect.value;
    return value === null ? [] : [wantOf(this.desk.definition, effect.metric, value)];
  }
}
