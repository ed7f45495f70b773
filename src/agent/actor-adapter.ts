/** Makes an `Agent` the behaviour of an actor: routes records to connections, gate, device and requests. */
import {
  FLAG_RESUMED,
  KIND,
  type ActorBehaviour,
  type ActorContext,
  type ActorFactory,
  type ActorKind,
  type InboundRecord,
} from '../actor/index.ts';
import { BUILT_IN_MODELS } from '../base/address.ts';
import type { BridgeError } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import type { Registry } from '../device/index.ts';
import { admit } from './admission.ts';
import { Agent } from './agent.ts';
import { rulesOnly, type AgentModels } from './agent-models.ts';
import { sortClasses, type AgentClasses } from './agent-classes.ts';
import { PARTS, type AgentParts } from './agent-parts.ts';
import { answerApiCall } from './calls/api-call.ts';
import { connectionSource } from './calls/frame-call.ts';
import { DeviceAgent } from './device-agent.ts';
import { FleetAgent } from './fleet/fleet-agent.ts';
import { receiveFrame } from './gate.ts';
import { LATER } from './later.ts';
import { MCP_DEFAULTS, type McpHost } from './mcp/index.ts';
import { PlainDesk } from './plain-desk.ts';
import { ProgramHost } from './programs/index.ts';
import { modelRules } from './rule-book.ts';
import { ToolRequests } from './tool-requests.ts';
import { answerWebRequest } from './web-request.ts';

/**
 * The behaviour of every known model.
 * @throws BridgeError BRG_DEFINITION when `agents` does not fit the definitions, BRG_RULE
 */
export function createActorFactory(
  registry: Registry,
  agents: AgentClasses,
  models: AgentModels = rulesOnly(),
  mcp: McpHost = MCP_DEFAULTS,
  programs = new ProgramHost(),
): ActorFactory {
  const { devices, plain } = sortClasses(registry.definitions(), agents);
  for (const definition of registry.definitions()) modelRules(definition);
  return (model) => {
    if (BUILT_IN_MODELS.includes(model)) {
      const make = (context: ActorContext): Agent => new FleetAgent(context, registry);
      // It runs no author's code that it could be held without.
      const { create } = kind('agent', { models, mcp, programs }, make, make);
      return { isBuiltIn: true, create, createHeld: create };
    }
    const PlainClass = plain.get(model);
    if (PlainClass !== undefined) {
      return kind(
        'agent',
        { models, mcp, programs },
        (context) => withPlainDesk(new PlainClass(context)),
        (context) => withPlainDesk(new Agent(context)),
      );
    }
    const definition = registry.get(model);
    const DeviceClass = definition === undefined ? undefined : devices.get(definition.agent);
    if (definition === undefined || DeviceClass === undefined) return undefined;
    return kind(
      'device',
      { models, mcp, programs },
      (context) => new DeviceClass(context, definition),
      (context) => new DeviceAgent(context, definition),
    );
  };
}

function withPlainDesk(agent: Agent): Agent {
  const parts = agent[PARTS];
  parts.extension = new PlainDesk(parts);
  return agent;
}

/** What agents share with the others of their shard. */
interface Services {
  readonly models: AgentModels;
  readonly mcp: McpHost;
  readonly programs: ProgramHost;
}

type Make = (context: ActorContext) => Agent;

/** An author's constructor that throws costs the behaviour, not the agent's data, and not the shard. */
function kind(sort: ActorKind['sort'] & string, services: Services, make: Make, instead: Make): ActorKind {
  const build = (context: ActorContext): Agent => {
    try {
      return make(context);
    } catch (error) {
      const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
      context.log.error({ err }, 'agent cannot be constructed: it only keeps data');
      return held(context);
    }
  };
  const held = (context: ActorContext): Agent => {
    const agent = instead(context);
    agent[PARTS].hold();
    return agent;
  };
  const behaviour = (agent: Agent): ActorBehaviour => {
    agent[PARTS].models = services.models;
    agent[PARTS].mcpSettings = services.mcp;
    agent[PARTS].programHost = services.programs;
    return new AgentBehaviour(agent);
  };
  return {
    isBuiltIn: false,
    sort,
    create: (context) => behaviour(build(context)),
    createHeld: (context) => behaviour(held(context)),
  };
}

class AgentBehaviour implements ActorBehaviour {
  readonly #agent: Agent;
  readonly #parts: AgentParts;
  /** Made with the first of them. */
  #toolRequests: ToolRequests | undefined;

  constructor(agent: Agent) {
    this.#agent = agent;
    this.#parts = agent[PARTS];
  }

  get name(): string {
    return this.#agent.constructor.name;
  }

  start(): void | Promise<void> {
    return this.#parts.wake(Agent.prototype.onStart);
  }

  receive(record: InboundRecord): void | Promise<void> {
    switch (record.kind) {
      case KIND.connect:
        return this.#connect(record);
      case KIND.frame:
        return this.#frame(record);
      case KIND.disconnect:
        return this.#disconnect(record);
      case KIND.request:
        return this.#request(record);
      default:
        return this.#parts.extension?.device(record);
    }
  }

  alarm(nowMs: number): void {
    this.#parts.alarm(nowMs);
  }

  failed(record: InboundRecord, error: BridgeError): void {
    this.#parts.extension?.failed(record, error);
  }

  setAside(record: InboundRecord, error: BridgeError): void | Promise<void> {
    const parts = this.#parts;
    const { code, message } = error;
    switch (record.kind) {
      case KIND.connect:
        // Without `onConnect`; who decides about the connection has a deadline of its own.
        return this.#connect({ ...record, flags: record.flags | FLAG_RESUMED });
      case KIND.disconnect:
        parts.calls.gone(connectionSource(record.connection));
        return undefined;
      case KIND.frame: {
        const connection = parts.context.connection(record.connection);
        if (connection !== undefined) {
          parts.outbound.send(connection, { type: 'mooring_error', code, error: message });
        }
        return undefined;
      }
      case KIND.request:
        parts.context.replyError(record.connection, code, message);
        return undefined;
      default:
        void parts.withoutHooks(() => parts.extension?.device(record)); // synchronous without hooks
        return parts.extension?.failed(record, error);
    }
  }

  abandoned(error: BridgeError): void {
    this.#toolRequests?.abandon(error);
    this.#parts.abandoned(error);
  }

  beforeCommit(): void {
    this.#parts.beforeCommit();
  }

  heldBy(): string | undefined {
    if (this.#toolRequests?.isBusy === true) return 'a tool runs for somebody else';
    return this.#parts.heldBy();
  }

  stop(): void {
    this.#parts.stop();
  }

  #connect(record: InboundRecord): void | Promise<void> {
    const connection = this.#parts.context.connection(record.connection);
    if (connection === undefined) return undefined;
    if (!connection.isCodecChosen) connection.codec = this.#parts.extension?.codec ?? connection.codec;
    return admit(this.#agent, connection, (record.flags & FLAG_RESUMED) !== 0);
  }

  #frame(record: InboundRecord): void | Promise<void> {
    const connection = this.#parts.context.connection(record.connection);
    // At a replay it is made of what its frame says; this one had none that was let in.
    return connection === undefined ? undefined : receiveFrame(this.#agent, connection, record);
  }

  #disconnect(record: InboundRecord): void | Promise<void> {
    const closed = this.#parts.wrap(record.connection);
    this.#parts.calls.gone(connectionSource(record.connection));
    this.#parts.openChat?.gone(record.connection);
    const { code, subject: reason } = record;
    // RFC 6455 section 7.1.5: 1006 stands for a connection that broke off.
    if (channels.connection.hasSubscribers) {
      tell('disconnect', this.#parts.context, { connection: closed.id, code, reason });
    }
    const hook = (): void | Promise<void> => this.#agent.onClose(closed, code, reason, code !== 1006);
    return this.#parts.runHook('onClose', hook, closed);
  }

  #request(record: InboundRecord): void | Promise<void> {
    const { connection: request, subject: name } = record;
    const { calls, context } = this.#parts;
    const body: unknown = JSON.parse(record.payload.toString());
    if (name === 'call') return answerApiCall(calls, context, request, body);
    if (name === 'request') return answerWebRequest(this.#agent, request, body);
    if (name === 'tool') return (this.#toolRequests ??= new ToolRequests(this.#agent)).run(request, body);
    if (name === 'tools') return context.reply(request, new ToolRequests(this.#agent).list());
    const asked = name === 'describe' ? { receivedAtMs: record.receivedAtMs } : body;
    const answer = this.#parts.request(request, name, asked);
    if (answer !== LATER) context.reply(request, answer ?? null);
    return undefined;
  }
}
