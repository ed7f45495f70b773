/**
 * What an agent is made of besides its author's code: each capability is a module of its own, and this
 * holds them together. It hangs on the agent under a symbol, so that no name of an author's class can
 * collide with it.
 */
import type { ActorContext } from '../actor/index.ts';
import { addressKey } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Frame } from '../wire/index.ts';
import type { Agent } from './agent.ts';
import { Consent, type Approvals } from './approvals/index.ts';
import { answerAgentRequest } from './agent-requests.ts';
import { CallDesk } from './calls/call-desk.ts';
import { traced } from './author-code.ts';
import type { AgentModels } from './agent-models.ts';
import { CHAT_CELL } from './chat/chat-store.ts';
import { ChatDesk } from './chat/chat-desk.ts';
import type { ChattingAgent } from './chat/chat-turns.ts';
import { AgentConnection } from './connection.ts';
import { runAs } from './current-agent.ts';
import type { Extension } from './extension.ts';
import { describeMcp, MCP_DEFAULTS, MCP_KIND, McpDesk, type McpHost } from './mcp/index.ts';
import { Outbound } from './outbound.ts';
import { PROGRAM_KIND, type ProgramHost, type Programs } from './programs/index.ts';
import { StateSync } from './state-sync.ts';
import { AgentStorage } from './storage.ts';
import { WorkDesk } from './work-desk.ts';

export const PARTS: unique symbol = Symbol('parts');

export class AgentParts {
  readonly context: ActorContext;
  readonly outbound: Outbound;
  readonly state: StateSync;
  readonly work: WorkDesk;
  extension: Extension | undefined;
  /** What it can ask; set when it has been constructed. */
  models: AgentModels | undefined;
  /** What the bridge says about MCP servers; set as `models` is. */
  mcpSettings: McpHost = MCP_DEFAULTS;
  /** What runs its programs; set as `models` is. */
  programHost: ProgramHost | undefined;
  /** Whether its class is a `ChattingAgent`; set when it has been constructed. */
  canChat = false;
  #chat: ChatDesk | undefined;
  #consent: Consent | undefined;
  #calls: CallDesk | undefined;
  #mcp: McpDesk | undefined;
  #storage: AgentStorage | undefined;
  readonly #agent: Agent;
  #isMuted = false;
  #heldUntilMs: number | undefined;
  #destruction: { readonly id: string; readonly reason: string; readonly by: string } | undefined;

  constructor(agent: Agent, context: ActorContext) {
    this.#agent = agent;
    this.context = context;
    this.outbound = new Outbound(context);
    this.state = new StateSync(agent, context, this.outbound);
    this.work = new WorkDesk(agent, this);
  }

  // Most agents that wake for a message need none of these: each is made with its first use.

  /** Calls of tools that wait for a person's word, and what was said. */
  get approvals(): Approvals {
    return this.#consented.approvals;
  }

  /** Programs of its model. */
  get programs(): Programs {
    return this.#consented.programs;
  }

  get #consented(): Consent {
    return (this.#consent ??= new Consent(this.#agent));
  }

  get calls(): CallDesk {
    return (this.#calls ??= new CallDesk(this.#agent, this.context));
  }

  /** Undefined: it cannot chat. */
  get chat(): ChatDesk | undefined {
    // Only those classes say that they can.
    if (this.canChat) this.#chat ??= new ChatDesk(this.#agent as ChattingAgent, this);
    return this.#chat;
  }

  /** Undefined: nobody has asked since it woke, and nothing was left from before. */
  get openChat(): ChatDesk | undefined {
    return this.#chat;
  }

  /** The agent's own database as its author sees it. */
  get storage(): AgentStorage {
    return (this.#storage ??= new AgentStorage(this.context));
  }

  get mcp(): McpDesk {
    return (this.#mcp ??= new McpDesk(this.#agent, this, this.mcpSettings));
  }

  /** Undefined, and not made: it has no servers. */
  get ownMcp(): McpDesk | undefined {
    return this.#mcp ?? (this.context.cellKinds().has(MCP_KIND) ? this.mcp : undefined);
  }

  /** A connection of this agent as its author sees it. */
  wrap(connection: number): AgentConnection {
    const found = this.context.connection(connection);
    if (found === undefined) throw new BridgeError('BRG_INTERNAL', `connection ${connection} is not known`);
    return new AgentConnection(found, this.context, this.outbound);
  }

  /** @param wantsPatches the new connection does */
  firstFrames(wantsPatches: boolean): Frame[] {
    const { model: agent, id: name } = this.context.address;
    return [
      { type: 'cf_agent_identity', name, agent },
      ...this.state.firstFrames(wantsPatches),
      { type: 'cf_agent_mcp_servers', mcp: { ...describeMcp(this) } },
      ...(this.extension?.firstFrames() ?? []),
    ];
  }

  /** The agent has entered memory. @param noStartHook the hook of an author who wrote none: not worth calling */
  wake(noStartHook: unknown): void | Promise<void> {
    this.state.wake();
    const kinds = this.context.cellKinds();
    if (this.#heldUntilMs === undefined) this.work.wake(kinds);
    this.extension?.wake();
    if (this.context.cell(CHAT_CELL) !== undefined) this.chat?.wake();
    if (kinds.has('approval') || kinds.has(PROGRAM_KIND)) this.#consented.wake();
    this.rearm();
    if (this.#agent.onStart === noStartHook) return undefined;
    return this.runHook('onStart', () => this.#agent.onStart());
  }

  alarm(nowMs: number): void {
    this.#consent?.approvals.alarm(nowMs);
    this.extension?.alarm(nowMs);
    if (this.#heldUntilMs === undefined) this.work.alarm(nowMs);
    this.rearm();
  }

  /** It leaves memory. */
  stop(): void {
    this.work.stop();
    this.openChat?.stop();
    this.#mcp?.stop();
    this.#consent?.stop();
    this.extension?.stop();
  }

  /** It is given up: answers who waits for something that ends with it. */
  abandoned(error: BridgeError): void {
    this.#calls?.abandon(error);
    this.openChat?.questions.abandon(error);
    this.openChat?.stop();
    this.#mcp?.abandon(error.code, error.message);
    this.extension?.abandoned?.();
  }

  /** Sets the one alarm of the actor to the earliest time any part wants. */
  rearm(): void {
    let next = this.extension?.nextAlarmMs() ?? Infinity;
    next = Math.min(next, this.#consent?.approvals.nextAlarmMs() ?? Infinity);
    next = Math.min(next, this.#heldUntilMs ?? this.work.nextAlarmMs() ?? Infinity);
    this.context.setAlarm(next === Infinity ? null : next);
  }

  /** What keeps the agent in memory, for people. */
  heldBy(): string | undefined {
    if (this.#calls?.isBusy === true) return 'a call is open';
    if (this.state.isBusy) return 'a change of its state waits for its validation';
    if (this.#mcp?.isBusy === true) return 'an MCP server is waited for';
    if (this.#chat?.isBusy === true) return 'a chat turn is under way, or waits';
    if (this.extension?.isBusy() === true) return 'a request waits for its device, or a feed for its viewers';
    return this.#consent?.heldBy() ?? this.work.heldBy();
  }

  /** @throws BridgeError of whoever answers; BRG_NOT_FOUND when nobody does */
  request(request: number, name: string, body: unknown): unknown {
    const answer =
      answerAgentRequest(this, request, name, body) ?? this.extension?.request(request, name, body);
    if (answer === undefined) throw new BridgeError('BRG_NOT_FOUND', `the agent does not answer ${name}`);
    this.rearm();
    return answer;
  }

  /** The last moment before what was written is committed. Must not throw. */
  beforeCommit(): void {
    this.state.beforeCommit();
    this.#chat?.beforeCommit();
    if (this.#destruction === undefined) return;
    // Here, so that no hook that throws after it takes the closing back.
    const { id, reason, by } = this.#destruction;
    for (const connection of this.context.connections()) this.context.close(connection.id, 1000, reason);
    this.extension?.destroyed(by);
    this.#consent?.approvals.drop(by);
    const subject = addressKey(this.context.address);
    this.context.audit({ id, kind: 'agent', event: 'destroyed', subject, by, detail: null });
    this.#destruction = undefined;
  }

  /** When the turn ends, nothing is left of the agent. @param by who wants it, as the audit log names it */
  destroy(reason: string, by: string): void {
    this.#destruction ??= { id: `${this.context.effectId()}.destroyed`, reason, by };
    this.context.forget();
  }

  /** The author's code is not there: jobs wait for the next wake, calls are refused. */
  hold(): void {
    this.#heldUntilMs = this.context.now() + limits.agentHoldMs;
  }

  /** Whether the author's code is not to run now. */
  get isHeld(): boolean {
    return this.#isMuted || this.#heldUntilMs !== undefined;
  }

  /** Runs a synchronous part of the turn without the author's hooks. */
  withoutHooks<T>(part: () => T): T {
    this.#isMuted = true;
    try {
      return part();
    } finally {
      this.#isMuted = false;
    }
  }

  /** Runs an author's hook, for a connection or not: what it throws goes to `onError`, its writes are taken back. */
  runHook(
    name: string,
    hook: () => void | Promise<void>,
    connection?: AgentConnection,
  ): void | Promise<void> {
    if (this.#isMuted) return undefined;
    this.context.turn.handler = name;
    // One message may bring many measurements, each with a call of the hook.
    if (name === 'onTelemetry') this.context.turn.extendDeadline();
    const run = (): void | Promise<void> => runAs(this.#agent, connection, hook);
    try {
      const running = this.context.attempt(() => traced(this.#agent, name, connection, run));
      return running?.catch((error: unknown) => this.hookFailed(error, connection));
    } catch (error) {
      return this.hookFailed(error, connection);
    }
  }

  /** `onError` may throw as well, as that of the Agents SDK does: the turn goes on. Never rejects. */
  hookFailed(error: unknown, connection?: AgentConnection): void | Promise<void> {
    // It was restarted because it hung: what it still runs into is no news.
    if (this.context.turn.isAbandoned) return undefined;
    const agent = this.#agent;
    // An author who wants the error only must not get the connection in its place.
    const tell = (): void | Promise<void> =>
      connection === undefined || agent.onError.length === 1
        ? agent.onError(error)
        : agent.onError(connection, error);
    try {
      const running = this.context.attempt(() =>
        traced(agent, 'onError', connection, () => runAs(agent, connection, tell)),
      );
      return running?.catch((failure: unknown) => this.#onErrorFailed(failure));
    } catch (failure) {
      this.#onErrorFailed(failure);
    }
    return undefined;
  }

  #onErrorFailed(failure: unknown): void {
    const err = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    this.context.log.error({ err }, 'onError failed');
  }
}
