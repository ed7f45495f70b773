/**
 * A device model as data: what it measures, what it can be told, how it speaks. `defineDevice` is the
 * only way to make one; it checks everything once, so that nothing has to be checked per message.
 */
import { BridgeError } from '../base/errors.ts';
import type { Codec } from '../wire/index.ts';
import type { DevicePolicy } from './action-policy.ts';
import type { Command, Metric } from './capability.ts';
import { checkDefinition } from './check-definition.ts';
import { PLAN, type DecodePlan } from './decode.ts';

/** A rule every device of the model starts with, in the form of the rules engine, which checks it. */
export type ModelRule = Readonly<Record<string, unknown>>;

/** What `defineDevice` takes: a model as data. docs/devices.md has it in full, with an example. */
export interface DeviceDefinitionInput {
  /** `[a-z0-9-]{1,64}`; the first half of every address. */
  readonly model: string;
  readonly vendor?: string;
  /** One line for people. */
  readonly description: string;
  /** Who plays the device: `device-agent` (default) or a name in `agents` of devices/index.ts. */
  readonly agent?: string;
  /** What the device would rather be sent; default: whatever it spoke last. */
  readonly encoding?: Codec;
  readonly metrics: readonly Metric[];
  readonly commands?: readonly Command[];
  /** A telemetry topic of its own, with `:id` as one level. The own grammar always works too. */
  readonly topics?: { readonly telemetry?: string };
  readonly rules?: readonly ModelRule[];
  /** What assistants may do to it without a person, and what never. Default: whatever acts needs an approval. */
  readonly policy?: DevicePolicy;
  /** One message as the device would send it: by name or by letter, every metric it reports. */
  readonly sample: Readonly<Record<string, unknown>>;
}

/** A checked, frozen definition. */
export interface DeviceDefinition {
  readonly model: string;
  readonly vendor: string;
  readonly description: string;
  readonly agent: string;
  readonly encoding: Codec | null;
  readonly metrics: readonly Metric[];
  readonly commands: readonly Command[];
  readonly topics: { readonly telemetry?: string };
  readonly rules: readonly ModelRule[];
  readonly policy: DevicePolicy;
  readonly sample: Readonly<Record<string, unknown>>;
  readonly [PLAN]: DecodePlan;
}

/** Checks a definition and freezes it. Throws BRG_DEFINITION, which says model, place and what is allowed. */
export function defineDevice(definition: DeviceDefinitionInput): DeviceDefinition {
  const plan = checkDefinition(definition);
  const { model, description, metrics, sample } = definition;
  const { vendor = 'generic', agent = 'device-agent', encoding = null } = definition;
  const { commands = [], topics = {}, rules = [], policy = {} } = definition;
  const told = { commands, topics, rules, policy, sample };
  const data = { model, vendor, description, agent, encoding, metrics, ...told };
  return deepFreeze({ ...copyOf(data), [PLAN]: plan });
}

/** A copy, so that freezing does not reach into what the author shares between definitions. */
function copyOf<T extends { readonly model: string }>(data: T): T {
  try {
    return structuredClone(data);
  } catch (cause) {
    const message = `device "${data.model}": holds something that is not data, such as a function`;
    throw new BridgeError('BRG_DEFINITION', message, { cause });
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null) deepFreeze(child as object); // narrowed above
  }
  return Object.freeze(value);
}

/** A definition as JSON: for `GET /api/models`, the dashboard's forms and the simulator. */
export interface ModelDescription {
  readonly model: string;
  /** `agent`: no device; it has neither metrics nor commands nor telemetry topics. */
  readonly kind: 'device' | 'agent';
  readonly vendor: string;
  readonly description: string;
  readonly agent: string;
  readonly encoding: Codec | null;
  readonly metrics: readonly Metric[];
  readonly commands: readonly Command[];
  readonly rules: readonly ModelRule[];
  /** Where it may send telemetry, `{id}` standing for the id. */
  readonly telemetryTopics: readonly string[];
  readonly sample: Readonly<Record<string, unknown>>;
}

export function describeDefinition(definition: DeviceDefinition): ModelDescription {
  const { model, vendor, description, agent, encoding, metrics, commands, rules, topics, sample } =
    definition;
  const telemetryTopics = [`devices/${model}/{id}/telemetry`];
  if (topics.telemetry !== undefined) telemetryTopics.push(topics.telemetry.replace(':id', '{id}'));
  return {
    model,
    kind: 'device',
    vendor,
    description,
    agent,
    encoding,
    metrics,
    commands,
    rules,
    telemetryTopics,
    sample,
  };
}

/** A model whose agents are no devices, in the same form. */
export function describePlainModel(model: string): ModelDescription {
  return {
    model,
    kind: 'agent',
    vendor: '',
    description: 'An agent without a device',
    agent: model,
    encoding: null,
    metrics: [],
    commands: [],
    rules: [],
    telemetryTopics: [],
    sample: {},
  };
}
