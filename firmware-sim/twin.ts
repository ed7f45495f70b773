import {
  checkCommandArgument,
  checkMetricValue,
  type Command,
  type DeviceDefinition,
} from '../src/device/index.ts';
import { decodePayload } from '../src/wire/index.ts';
import { BridgeError } from '../src/base/errors.ts';
import type { Value } from './physics.ts';
import type { Plant } from './plant.ts';

type Json = Record<string, unknown>;

/**
 * The reported state of a simulated device: its settings, writable metrics and whatever else it was
 * asked to remember. Lives in flash: a reboot keeps it.
 */
export class ReportedState {
  readonly #definition: DeviceDefinition;
  readonly #plant: Plant;
  #remembered: Json = {};
  #said: Json = {};

  constructor(definition: DeviceDefinition, plant: Plant) {
    this.#definition = definition;
    this.#plant = plant;
  }

  /** Everything, as reported after a boot. */
  all(facts: Json): Json {
    return { ...facts, ...this.#remembered, ...this.#settings() };
  }

  /** What changed since the last call: a merge patch. */
  changes(): Json {
    const settings = this.#settings();
    const patch = Object.fromEntries(
      Object.entries(settings).filter(([key, value]) => this.#said[key] !== value),
    );
    this.#said = settings;
    return patch;
  }

  /**
   * Does what the bridge desires and returns what to report of it, a merge patch (RFC 7396). A value
   * the hardware cannot take is left out, so it stays in the delta for everybody to see.
   */
  apply(delta: Json): Json {
    const patch: Json = {};
    for (const [key, value] of Object.entries(delta)) {
      if (this.#applyOne(key, value)) patch[key] = value;
    }
    this.changes(); // they are in the patch
    return patch;
  }

  /** Whether it could be done. */
  #applyOne(key: string, value: unknown): boolean {
    const { metrics, commands } = this.#definition;
    const metric = metrics.find(({ name }) => name === key);
    const knob = this.#plant.hasKnob(key) ? commands.find(({ name }) => name === key) : undefined;
    if (metric === undefined && knob === undefined) {
      this.#remembered = mergePatch(this.#remembered, { [key]: value });
      return true;
    }
    if (metric?.access === 'read') return false;
    const checked = knob === undefined ? metricValue(this.#definition, key, value) : argumentOf(knob, value);
    if (checked === null) return false;
    this.#plant.actuate(key, checked);
    return true;
  }

  #settings(): Json {
    const names = this.#definition.metrics.filter(({ access }) => access !== 'read').map(({ name }) => name);
    const readings: Json = this.#plant.readings();
    const writable = names.filter((name) => name in readings).map((name) => [name, readings[name]]);
    return { ...this.#plant.knobs(), ...Object.fromEntries(writable) };
  }
}

/** The value as the metric holds it; null when it cannot. */
function metricValue(definition: DeviceDefinition, name: string, value: unknown): Value | null {
  try {
    return checkMetricValue(definition, name, value);
  } catch {
    return null; // the bridge sees it stay in the delta
  }
}

function argumentOf(command: Command, value: unknown): Value | null {
  try {
    return checkCommandArgument(command, value);
  } catch {
    return null;
  }
}

/** `delta` of a desired message; undefined when there is none, or the message cannot be read. */
export function deltaOf(payload: Uint8Array): Json | undefined {
  try {
    const { value } = decodePayload(payload);
    if (!isJsonObject(value) || !isJsonObject(value.delta)) return undefined;
    return Object.keys(value.delta).length > 0 ? value.delta : undefined;
  } catch (error) {
    if (error instanceof BridgeError) return undefined; // firmware ignores what it cannot read
    throw error;
  }
}

function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7396 section 2. */
function mergePatch(target: unknown, patch: Json): Json {
  const result: Json = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = isJsonObject(value) ? mergePatch(result[key], value) : value;
  }
  return result;
}
