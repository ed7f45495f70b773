/**
 * Which class plays which model. A definition names the class of its devices in `agent`; a class that extends
 * `Agent` and not `DeviceAgent` is nobody's device and serves the model of its own name in `agents`.
 */
import type { ActorContext } from '../actor/index.ts';
import { BUILT_IN_MODELS } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { isModel, type DeviceDefinition } from '../device/index.ts';
import type { Agent } from './agent.ts';
import { BASE_CLASS, type BaseClass } from './calls/callable.ts';
import { DeviceChatAgent } from './chat/index.ts';
import type { DeviceAgent } from './device-agent.ts';
import { policyOf } from './device-tools/action-gate.ts';

/** A subclass of DeviceAgent, by the name its definition gives in `agent`. */
export type DeviceAgentClass = new (context: ActorContext, definition: DeviceDefinition) => DeviceAgent;

/** A subclass of Agent that is no device: the class of the model whose name it has in `agents`. */
export type PlainAgentClass = new (context: ActorContext) => Agent;

/** The `agents` of a devices module. */
export type AgentClasses = Readonly<Record<string, DeviceAgentClass | PlainAgentClass>>;

interface SortedClasses {
  /** By the name definitions give in `agent`. */
  readonly devices: ReadonlyMap<string, DeviceAgentClass>;
  /** By model. */
  readonly plain: ReadonlyMap<string, PlainAgentClass>;
}

/** What a definition without `agent` names: every device can be asked. */
const DEFAULT_AGENT = 'device-agent';
const RESERVED: readonly string[] = [...BUILT_IN_MODELS, DEFAULT_AGENT];

/** The classes by what they play. @throws BridgeError BRG_DEFINITION when a name cannot be served, or a definition's is missing */
export function sortClasses(definitions: readonly DeviceDefinition[], agents: AgentClasses): SortedClasses {
  const devices = new Map<string, DeviceAgentClass>([[DEFAULT_AGENT, DeviceChatAgent]]);
  const plain = new Map<string, PlainAgentClass>();
  for (const [name, AgentClass] of Object.entries(agents)) {
    // The base classes say which of the two types it is.
    if (baseOf(name, AgentClass) === 'device') devices.set(name, AgentClass as DeviceAgentClass);
    else plain.set(name, AgentClass as PlainAgentClass);
  }
  for (const definition of definitions) {
    checkDefinition(definition.model, definition.agent, devices, plain);
    // What may be done to a device must not turn out to be wrong when somebody wants to do it.
    policyOf(devices.get(definition.agent) ?? DeviceChatAgent, definition);
  }
  for (const name of plain.keys()) checkPlain(name, definitions);
  return { devices, plain };
}

/** An author's module is not checked by anybody before. */
function baseOf(name: string, AgentClass: unknown): BaseClass {
  const base =
    typeof AgentClass === 'function'
      ? (AgentClass as { [BASE_CLASS]?: BaseClass })[BASE_CLASS] // only our base classes have it
      : undefined;
  if (base !== undefined) return base;
  throw new BridgeError('BRG_DEFINITION', `agents["${name}"] is no class that extends Agent or DeviceAgent`);
}

function checkDefinition(
  model: string,
  agent: string,
  devices: SortedClasses['devices'],
  plain: SortedClasses['plain'],
): void {
  if (devices.has(agent)) return;
  const problem = plain.has(agent)
    ? `its agent "${agent}" extends Agent; a device needs one that extends DeviceAgent`
    : `no agent "${agent}"; known are ${[...devices.keys()].join(', ')}`;
  throw new BridgeError('BRG_DEFINITION', `device "${model}": ${problem}`);
}

function checkPlain(name: string, definitions: readonly DeviceDefinition[]): void {
  const problem = RESERVED.includes(name)
    ? 'this name is the bridge’s own'
    : !isModel(name)
      ? 'it serves the model of its name, and a model is [a-z0-9-]{1,64}'
      : definitions.some(({ model }) => model === name)
        ? 'a device has this model; give the agent another name, or let it extend DeviceAgent'
        : undefined;
  if (problem !== undefined) throw new BridgeError('BRG_DEFINITION', `agents["${name}"]: ${problem}`);
}
