/** Makes an `Agent` the behaviour of an actor: routes records to connections, gate, device and requests. */
import {
  FLAG_RESUMED,
  KIND,
  type ActorBehaviour,
  type ActorContext,
  type ActorFactory,
  type InboundRecord,
} from '../actor/index.ts';
import { BridgeError, type asBridgeError } from '../base/errors.ts';
import type { DeviceDefinition, Registry } from '../device/index.ts';
import { admit } from './admission.ts';
import type { Agent } from './agent.ts';
import { PARTS, type AgentParts } from './agent-parts.ts';
import { connectionSource } from './calls/frame-call.ts';
import { DeviceAgent } from './device-agent.ts';
import { FleetAgent, FLEET_MODEL } from './fleet-agent.ts';
import { receiveFrame } from './gate.ts';
import { LATER } from './later.ts';
import { modelRules } from './rule-book.ts';

/** A subclass of DeviceAgent, by the name its definition gives in `agent`. */
export type DeviceAgentClass = new (context: ActorContext, definition: DeviceDefinition) => DeviceAgent;

/**
 * The behaviour of every known model.
 * @throws BridgeError BRG_DEFINITION when a definition names an agent that is not in `agents`, BRG_RULE
 */
export function createActorFactory(
  registry: Registry,
  agents: Readonly<Record<string, DeviceAgentClass>>,
): ActorFactory {
  const classes = new Map<string, DeviceAgentClass>([
    ['device-agent', DeviceAgent],
    ...Object.entries(agents),
  ]);
  for (const definition of registry.definitions()) {
    modelRules(definition);
    const { model, agent } = definition;
    if (classes.has(agent)) continue;
    const known = [...classes.keys()].join(', ');
    throw new BridgeError('BRG_DEFINITION', `device "${model}": no agent "${agent}"; known are ${known}`);
  }
  return (model) => {
    if (model === FLEET_MODEL) {
      return { isEphemeral: true, create: (context) => new AgentBehaviour(new FleetAgent(context)) };
    }
    const definition = registry.get(model);
    const AgentClass = definition === undefined ? undefined : classes.get(definition.agent);
    if (definition === undefined || AgentClass === undefined) return undefined;
    return {
      isEphemeral: false,
      create: (context) => new AgentBehaviour(build(AgentClass, context, definition)),
    };
  };
}

/** An author's constructor that throws costs the behaviour, not the device's data, and not the shard. */
function build(
  AgentClass: DeviceAgentClass,
  context: ActorContext,
  definition: DeviceDefinition,
): DeviceAgent {
  try {
    return new AgentClass(context, definition);
  } catch (error) {
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.log.error({ agent: context.address, err }, 'agent cannot be constructed: it only keeps data');
    return new DeviceAgent(context, definition);
  }
}

class AgentBehaviour implements ActorBehaviour {
  readonly #agent: Agent;
  readonly #parts: AgentParts;

  constructor(agent: Agent) {
    this.#agent = agent;
    this.#parts = agent[PARTS];
  }

  start(): void | Promise<void> {
    return this.#parts.wake();
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

  failed(record: InboundRecord, error: ReturnType<typeof asBridgeError>): void {
    this.#parts.extension?.failed(record, error);
  }

  beforeCommit(): void {
    this.#parts.beforeCommit();
  }

  isIdle(): boolean {
    return !this.#parts.isBusy();
  }

  stop(): void {
    this.#parts.extension?.stop();
  }

  #connect(record: InboundRecord): void | Promise<void> {
    const connection = this.#parts.context.connection(record.connection);
    if (connection === undefined) return undefined;
    if (!connection.isCodecChosen) connection.codec = this.#parts.extension?.codec ?? connection.codec;
    return admit(this.#agent, connection, (record.flags & FLAG_RESUMED) !== 0);
  }

  #frame(record: InboundRecord): void | Promise<void> {
    const connection = this.#parts.context.connection(record.connection);
    // At a replay the connection is gone, and nobody was told that the frame had been taken.
    return connection === undefined ? undefined : receiveFrame(this.#agent, connection, record);
  }

  #disconnect(record: InboundRecord): void | Promise<void> {
    const closed = this.#parts.wrap(record.connection);
    this.#parts.calls.gone(connectionSource(record.connection));
    const { code, subject: reason } = record;
    // RFC 6455 section 7.1.5: 1006 stands for a connection that broke off.
    return this.#parts.runHook(() => this.#agent.onClose(closed, code, reason, code !== 1006), closed);
  }

  #request(record: InboundRecord): void {
    const parsed: unknown = JSON.parse(record.payload.toString());
    const body = record.subject === 'describe' ? { receivedAtMs: record.receivedAtMs } : parsed;
    const answer = this.#parts.request(record.connection, record.subject, body);
    if (answer !== LATER) this.#parts.context.reply(record.connection, answer ?? null);
  }
}
