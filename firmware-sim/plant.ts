/**
 * The physical thing behind a simulated device: runs the behaviours of `physics.ts` in simulated time.
 * What it yields depends only on the random stream, the steps taken and what was set in between, never
 * on the clock: the same seed gives the same telemetry.
 */
import type { DeviceDefinition, Metric } from '../src/device/index.ts';
import { unreachable } from '../src/base/errors.ts';
import { GENERIC, MODELS, type Behaviour, type ModelPhysics, type Target, type Value } from './physics.ts';
import type { RandomStream } from './random.ts';
import { Wear } from './wear.ts';

const DAY_S = 86_400;
const HOUR_S = 3_600;
/** Noise forgets itself over this time (an Ornstein-Uhlenbeck process), so that charts look measured. */
const NOISE_MEMORY_S = 20;
/** Degrees of latitude in a kilometre. */
const DEGREES_PER_KM = 1 / 111.32;
const NO_PHYSICS: ModelPhysics = { metrics: {}, knobs: {} };

type LevelBehaviour = Extract<Behaviour, { kind: 'level' }>;

interface Sensor {
  readonly metric: Metric;
  readonly behaviour: Behaviour;
  /** What makes this device differ from others of the model, in units. */
  readonly offset: number;
  /** The level without noise. */
  base: number;
  /** Standard normal, slowly varying. */
  noise: number;
}

export class Plant {
  readonly wear: Wear;
  readonly #random: RandomStream;
  readonly #sensors: Sensor[];
  readonly #values = new Map<string, Value>();
  readonly #knobs: ReadonlySet<string>;
  readonly #intervalKnob: string | undefined;
  readonly #pinned = new Set<string>();
  #elapsedS: number;
  #headingRadians: number;

  constructor(definition: DeviceDefinition, random: RandomStream) {
    this.#random = random;
    this.#elapsedS = 10 * HOUR_S + random.between(-1, 1) * HOUR_S; // it is about ten in the morning
    this.#headingRadians = random.between(0, 2 * Math.PI);
    const physics = MODELS[definition.model] ?? NO_PHYSICS;
    this.wear = new Wear(physics.wears ?? {});
    this.#intervalKnob = physics.intervalKnob;
    this.#knobs = new Set([...Object.keys(physics.knobs), ...argumentKnobs(definition)]);
    for (const [name, value] of Object.entries(physics.knobs)) this.#values.set(name, value);
    this.#sensors = definition.metrics.map((metric) => this.#sensor(metric, definition, physics));
    this.#settle(physics.initial ?? {});
  }

  /** Lets simulated time pass. */
  step(seconds: number): void {
    this.#elapsedS += seconds;
    this.wear.step(seconds, (name) => this.#number(name));
    this.#headingRadians += this.#random.normal() * Math.min(1, 0.15 * Math.sqrt(seconds));
    for (const sensor of this.#sensors) {
      const next = this.#advance(sensor, seconds);
      if (!this.#pinned.has(sensor.metric.name)) this.#values.set(sensor.metric.name, next);
    }
  }

  /** What the sensors show, rounded to their precision and within their ranges. */
  readings(): Record<string, Value> {
    const readings: Record<string, Value> = {};
    for (const { metric } of this.#sensors) {
      const value = metric.access === 'write' ? undefined : this.#values.get(metric.name);
      if (value !== undefined)
        readings[metric.name] = typeof value === 'number' ? round(value, metric) : value;
    }
    return readings;
  }

  /** The values of hidden settings that have one, e.g. `{vent: 'closed'}`. */
  knobs(): Record<string, Value> {
    const knobs: Record<string, Value> = {};
    for (const name of this.#knobs) {
      const value = this.#values.get(name);
      if (value !== undefined) knobs[name] = value;
    }
    return knobs;
  }

  hasKnob(name: string): boolean {
    return this.#knobs.has(name);
  }

  /** Seconds between telemetry messages as set by a command; undefined: the simulator's rate. */
  get intervalS(): number | undefined {
    const value = this.#intervalKnob === undefined ? undefined : this.#values.get(this.#intervalKnob);
    return typeof value === 'number' && value > 0 ? value : undefined;
  }

  /** An actuator acted, or a setpoint was moved: physics goes on from there. */
  actuate(name: string, value: Value): void {
    this.#values.set(name, value);
    const sensor = this.#sensors.find(({ metric }) => metric.name === name);
    if (sensor !== undefined && typeof value === 'number') sensor.base = value;
  }

  /** Holds a sensor at a value until `release`, whatever physics says. */
  pin(name: string, value: Value): void {
    this.#pinned.add(name);
    this.actuate(name, value);
  }

  release(name: string): void {
    this.#pinned.delete(name);
  }

  #sensor(metric: Metric, definition: DeviceDefinition, physics: ModelPhysics): Sensor {
    const first = physics.initial?.[metric.name] ?? sampleOf(metric, definition);
    const behaviour = physics.metrics[metric.name] ?? genericBehaviour(metric, definition, first);
    const spread = behaviour.kind === 'level' ? (behaviour.spread ?? 0) : 0;
    const offset = spread * this.#random.between(-1, 1);
    this.#values.set(metric.name, typeof first === 'number' ? this.#firstValue(behaviour, first) : first);
    const base = typeof first === 'number' ? first : 0;
    return { metric, behaviour, offset, base, noise: this.#random.normal() };
  }

  /** Devices of a model do not all start with the same battery, meter reading or place. */
  #firstValue(behaviour: Behaviour, sample: number): number {
    switch (behaviour.kind) {
      case 'drain':
        return this.#random.between(35, 100);
      case 'accumulate':
        return sample * this.#random.between(0.5, 1.5);
      case 'travel':
        return sample + this.#random.between(-0.05, 0.05);
      case 'level':
      case 'hysteresis':
      case 'hold':
        return sample;
      default:
        return unreachable(behaviour);
    }
  }

  /** Levels without a first value start where they tend to; twice, because they depend on each other. */
  #settle(initial: Readonly<Record<string, Value>>): void {
    for (let pass = 0; pass < 2; pass++) {
      for (const sensor of this.#sensors) {
        if (sensor.behaviour.kind !== 'level') continue;
        const first = initial[sensor.metric.name];
        const level = typeof first === 'number' ? first : this.#target(sensor.behaviour.target);
        sensor.base = level + sensor.offset;
        this.#values.set(sensor.metric.name, clamp(sensor.base, sensor.metric));
      }
    }
  }

  #advance(sensor: Sensor, seconds: number): Value {
    const { behaviour, metric } = sensor;
    const current = this.#values.get(metric.name) ?? 0;
    switch (behaviour.kind) {
      case 'hold':
        return current;
      case 'level':
        return this.#level(sensor, behaviour, seconds);
      case 'drain': {
        const left = Number(current) - (behaviour.perHour * seconds) / HOUR_S;
        return left < 5 ? 100 : left;
      }
      case 'accumulate':
        return Number(current) + (this.#number(behaviour.of) * behaviour.perHour * seconds) / HOUR_S;
      case 'hysteresis': {
        const distance = this.#number(behaviour.of) - this.#number(behaviour.setpoint);
        return Math.abs(distance) < behaviour.band ? current : distance < 0;
      }
      case 'travel':
        return clamp(Number(current) + this.#travelled(behaviour, seconds), metric);
      default:
        return unreachable(behaviour);
    }
  }

  #level(sensor: Sensor, behaviour: LevelBehaviour, seconds: number): number {
    const added = this.wear.addedTo(sensor.metric.name, (name) => this.#number(name));
    const target = this.#target(behaviour.target) + sensor.offset + added;
    sensor.base +=
      (target - sensor.base) * (behaviour.lagS === 0 ? 1 : 1 - Math.exp(-seconds / behaviour.lagS));
    const memory = Math.exp(-seconds / NOISE_MEMORY_S);
    sensor.noise = sensor.noise * memory + this.#random.normal() * Math.sqrt(1 - memory * memory);
    const amplitude = (behaviour.noise ?? 0) + (behaviour.relativeNoise ?? 0) * sensor.base;
    return clamp(sensor.base + sensor.noise * amplitude, sensor.metric);
  }

  #travelled(behaviour: Extract<Behaviour, { kind: 'travel' }>, seconds: number): number {
    const degrees = ((this.#number(behaviour.speed) * seconds) / HOUR_S) * DEGREES_PER_KM;
    return degrees * (behaviour.axis === 'latitude' ? Math.cos : Math.sin)(this.#headingRadians);
  }

  #target(target: Target): number {
    switch (target.kind) {
      case 'constant':
        return target.value;
      case 'daily': // warmest at about three in the afternoon
        return target.mean + target.swing * Math.sin((2 * Math.PI * (this.#elapsedS - 9 * HOUR_S)) / DAY_S);
      case 'switch':
        return this.#target(this.#values.get(target.of) === target.is ? target.then : target.otherwise);
      case 'scale':
        return target.offset + target.factor * (this.#number(target.of) / target.per) ** target.exponent;
      case 'ratio': {
        const divisor = this.#number(target.by);
        return divisor === 0 ? 0 : this.#number(target.of) / divisor;
      }
      default:
        return unreachable(target);
    }
  }

  #number(name: string): number {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : 0;
  }
}

/** Commands whose argument shows in no metric are remembered under their own name. */
function argumentKnobs(definition: DeviceDefinition): string[] {
  return definition.commands
    .filter((command) => command.argument !== null && command.effect === undefined)
    .map((command) => command.name);
}

function genericBehaviour(metric: Metric, definition: DeviceDefinition, first: Value): Behaviour {
  const isSet =
    metric.access !== 'read' || definition.commands.some(({ effect }) => effect?.metric === metric.name);
  if (metric.kind !== 'numeric' || typeof first !== 'number' || isSet) return { kind: 'hold' };
  const known = GENERIC[metric.name];
  if (known !== undefined) return known(first);
  const range =
    metric.min !== undefined && metric.max !== undefined ? metric.max - metric.min : Math.abs(first);
  return { kind: 'level', target: { kind: 'constant', value: first }, lagS: 10, noise: range * 0.02 };
}

/** The definition's sample value, which may be given under the metric's short key. */
function sampleOf(metric: Metric, definition: DeviceDefinition): Value {
  const { sample } = definition;
  const value = sample[metric.name] ?? (metric.key === undefined ? undefined : sample[metric.key]);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  if (metric.kind === 'binary') return false;
  if (metric.kind === 'numeric') return ((metric.min ?? 0) + (metric.max ?? metric.min ?? 0)) / 2;
  return String(metric.values?.[0] ?? '');
}

function clamp(value: number, metric: Metric): number {
  return Math.min(metric.max ?? Infinity, Math.max(metric.min ?? -Infinity, value));
}

function round(value: number, metric: Metric): number {
  const precision = metric.precision ?? 0.01;
  // Dividing by a whole number gives the double nearest to the decimal; multiplying by 0.1 does not.
  const steps = Math.round(1 / precision);
  const rounded =
    precision < 1 ? Math.round(value * steps) / steps : Math.round(value / precision) * precision;
  return clamp(rounded, metric);
}
