/**
 * What an agent is made of besides its author's code: each capability is a module of its own, and this
 * holds them together. It hangs on the agent under a symbol, so that no name of an author's class can
 * collide with it.
 */
import type { ActorContext, InboundRecord } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import type { Codec, Frame } from '../wire/index.ts';
import type { Agent } from './agent.ts';
import { jobContext } from './agent-jobs.ts';
import { answerApiCall } from './calls/api-call.ts';
import { CallDesk } from './calls/call-desk.ts';
import { AgentConnection } from './connection.ts';
import { runAs } from './current-agent.ts';
import { DeadJobs, JobQueue, Schedules, type Capability } from './jobs/index.ts';
import { LATER } from './later.ts';
import { Outbound } from './outbound.ts';
import { StateSync } from './state-sync.ts';

export const PARTS: unique symbol = Symbol('parts');

/** What a kind of agent (a device's, the fleet's) adds to every agent. */
export interface Extension {
  /** What a connection is sent in that chose no codec; undefined: JSON. */
  readonly codec?: Codec;
  /** Frames a connection gets after the identity and the state. */
  firstFrames(): Frame[];
  /** Answers a request of the API, or `LATER`. @throws BridgeError */
  request(request: number, name: string, body: unknown): unknown;
  /** @throws BridgeError when this cannot be the agent's state */
  checkState(state: unknown): void;
  /** A record of a device or its MQTT connection. */
  device(record: InboundRecord): void | Promise<void>;
  /** A device's record could not be handled. */
  failed(record: InboundRecord, error: BridgeError): void;
  wake(): void;
  alarm(nowMs: number): void;
  nextAlarmMs(): number | null;
  isBusy(): boolean;
  stop(): void;
}

export class AgentParts {
  readonly context: ActorContext;
  readonly outbound: Outbound;
  readonly state: StateSync;
  readonly calls: CallDesk;
  readonly dead: DeadJobs;
  readonly schedules: Schedules;
  readonly jobs: JobQueue;
  extension: Extension | undefined;
  readonly #agent: Agent;
  readonly #timed: readonly Capability[];
  #isDestroyed = false;

  constructor(agent: Agent, context: ActorContext) {
    this.#agent = agent;
    this.context = context;
    this.outbound = new Outbound(context);
    this.state = new StateSync(agent, context, this.outbound);
    this.calls = new CallDesk(agent, context);
    const jobs = jobContext(agent, this);
    this.dead = new DeadJobs(jobs);
    this.schedules = new Schedules(jobs, this.dead);
    this.jobs = new JobQueue(jobs, this.dead);
    this.#timed = [this.schedules, this.jobs];
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
      { type: 'cf_agent_mcp_servers', mcp: { prompts: [], resources: [], servers: {}, tools: [] } },
      ...(this.extension?.firstFrames() ?? []),
    ];
  }

  /** The agent has entered memory. */
  wake(): void | Promise<void> {
    this.state.wake();
    for (const capability of this.#timed) capability.start();
    this.extension?.wake();
    this.rearm();
    return this.runHook(() => this.#agent.onStart());
  }

  alarm(nowMs: number): void {
    this.extension?.alarm(nowMs);
    for (const capability of this.#timed) capability.alarm(nowMs);
    this.rearm();
  }

  /** Sets the one alarm of the actor to the earliest time any part wants. */
  rearm(): void {
    let next = this.extension?.nextAlarmMs() ?? Infinity;
    for (const capability of this.#timed) next = Math.min(next, capability.nextAlarmMs() ?? Infinity);
    this.context.setAlarm(next === Infinity ? null : next);
  }

  isBusy(): boolean {
    if (this.calls.isBusy || this.state.isBusy || this.extension?.isBusy() === true) return true;
    return this.#timed.some((capability) => capability.isBusy());
  }

  /** @throws BridgeError of whoever answers; BRG_NOT_FOUND when nobody does */
  request(request: number, name: string, body: unknown): unknown {
    if (name === 'call') {
      answerApiCall(this.calls, this.context, request, body);
      return LATER;
    }
    if (this.extension === undefined)
      throw new BridgeError('BRG_NOT_FOUND', `the agent does not answer ${name}`);
    const answer = this.extension.request(request, name, body);
    this.rearm();
    return answer;
  }

  /** The last moment before what was written is committed. Must not throw. */
  beforeCommit(): void {
    this.state.beforeCommit();
    if (!this.#isDestroyed) return;
    // Here, so that no hook that throws after it takes the closing back.
    for (const { id } of this.context.connections()) this.context.close(id, 1000, 'the agent was destroyed');
    this.#isDestroyed = false;
  }

  /** When the turn ends, nothing is left of the agent. */
  destroy(): void {
    this.#isDestroyed = true;
    this.context.forget();
  }

  /** Runs an author's hook, for a connection or not: what it throws goes to `onError`, its writes are taken back. */
  runHook(hook: () => void | Promise<void>, connection?: AgentConnection): void | Promise<void> {
    try {
      const running = this.context.attempt(() => runAs(this.#agent, connection, hook));
      return running?.catch((error: unknown) => this.hookFailed(error, connection));
    } catch (error) {
      return this.hookFailed(error, connection);
    }
  }

  /** `onError` may throw as well, as that of the Agents SDK does: the turn goes on. Never rejects. */
  hookFailed(error: unknown, connection?: AgentConnection): void | Promise<void> {
    const agent = this.#agent;
    // An author who wants the error only must not get the connection in its place.
    const tell = (): void | Promise<void> =>
      connection === undefined || agent.onError.length === 1
        ? agent.onError(error)
        : agent.onError(connection, error);
    try {
      const running = this.context.attempt(() => runAs(agent, connection, tell));
      return running?.catch((failure: unknown) => this.#onErrorFailed(failure));
    } catch (failure) {
      this.#onErrorFailed(failure);
    }
    return undefined;
  }

  #onErrorFailed(failure: unknown): void {
    const err = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    this.context.log.error({ agent: this.context.address, err }, 'onError failed');
  }
}
