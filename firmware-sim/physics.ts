/**
 * How simulated devices behave, as data: what each metric tends towards, how fast, with how much
 * noise. `plant.ts` runs it. A model without an entry here gets plausible behaviour from GENERIC and
 * from its definition's ranges and sample, so a new file in devices/ is simulated at once.
 * Durations are simulated seconds; values are in the metric's unit.
 */

/** What a metric tends towards. */
export type Target =
  | { readonly kind: 'constant'; readonly value: number }
  /** A sine with a period of a day; the phase is the same for a site, so devices are alike. */
  | { readonly kind: 'daily'; readonly mean: number; readonly swing: number }
  /** One of two, by the value of another metric or of a knob. */
  | {
      readonly kind: 'switch';
      readonly of: string;
      readonly is: Value;
      readonly then: Target;
      readonly otherwise: Target;
    }
  /** offset + factor * (metric / per) ^ exponent */
  | {
      readonly kind: 'scale';
      readonly of: string;
      readonly per: number;
      readonly exponent: number;
      readonly factor: number;
      readonly offset: number;
    }
  /** metric / metric */
  | { readonly kind: 'ratio'; readonly of: string; readonly by: string };

export type Value = number | boolean | string;

export type Behaviour =
  /** Follows its target with a first-order lag; `noise` wanders in units, `relativeNoise` in parts of the value. */
  | {
      readonly kind: 'level';
      readonly target: Target;
      readonly lagS: number;
      readonly noise?: number;
      readonly relativeNoise?: number;
      /** How much devices of the model differ from each other, in units. */
      readonly spread?: number;
    }
  /** Empties by `perHour`; below 5 somebody puts in a new battery. */
  | { readonly kind: 'drain'; readonly perHour: number }
  /** A meter: grows by the other metric times `perHour` each hour. */
  | { readonly kind: 'accumulate'; readonly of: string; readonly perHour: number }
  /** On below setpoint - band, off above setpoint + band. */
  | { readonly kind: 'hysteresis'; readonly of: string; readonly setpoint: string; readonly band: number }
  /** Degrees of a position that moves at `speed` (km/h) along a wandering heading. */
  | { readonly kind: 'travel'; readonly axis: 'latitude' | 'longitude'; readonly speed: string }
  /** Changes only when something sets it. */
  | { readonly kind: 'hold' };

/** A part that wears while the device is used, and then moves a metric. `wear.ts` runs it. */
export interface WearingPart {
  readonly metric: string;
  /** What it adds at its worst, in the metric's unit, in full use; less in proportion. */
  readonly adds: number;
  /** Use is this metric divided by `per`. */
  readonly of: string;
  readonly per: number;
}

export interface ModelPhysics {
  readonly metrics: Readonly<Record<string, Behaviour>>;
  /** Hidden settings that commands and desired state change, named as the command, with their first value. */
  readonly knobs: Readonly<Record<string, Value>>;
  /** First values of metrics that should not start at the definition's sample. */
  readonly initial?: Readonly<Record<string, Value>>;
  /** What can wear out, by name. */
  readonly wears?: Readonly<Record<string, WearingPart>>;
  /** The knob that holds the seconds between two telemetry messages, if the model has one. */
  readonly intervalKnob?: string;
}

const constant = (value: number): Target => ({ kind: 'constant', value });
const daily = (mean: number, swing: number): Target => ({ kind: 'daily', mean, swing });
const when = (of: string, is: Value, then: Target, otherwise: Target): Target => ({
  kind: 'switch',
  of,
  is,
  then,
  otherwise,
});
const scale = (of: string, per: number, exponent: number, factor: number, offset: number): Target => ({
  kind: 'scale',
  of,
  per,
  exponent,
  factor,
  offset,
});

/** Nominal speed of the pump; its pressure follows the affinity laws (pressure ~ rpm squared). */
const PUMP_RPM = 2900;

export const MODELS: Readonly<Record<string, ModelPhysics>> = {
  greenhouse: {
    metrics: {
      temperature: {
        kind: 'level',
        target: when('vent', 'open', daily(19, 3), daily(24, 5)),
        lagS: 90,
        noise: 0.5,
        spread: 1.5,
      },
      humidity: {
        kind: 'level',
        target: when('vent', 'open', constant(48), daily(68, -7)),
        lagS: 60,
        noise: 1.5,
        spread: 4,
      },
      battery: { kind: 'drain', perHour: 0.4 },
    },
    knobs: { vent: 'closed' },
  },
  thermostat: {
    metrics: {
      temperature: {
        kind: 'level',
        target: when('heating', true, constant(27), daily(14, 3)),
        lagS: 600,
        noise: 0.15,
        spread: 1,
      },
      target: { kind: 'hold' },
      heating: { kind: 'hysteresis', of: 'temperature', setpoint: 'target', band: 0.3 },
    },
    knobs: {},
    initial: { temperature: 20.8 },
  },
  pump: {
    metrics: {
      running: { kind: 'hold' },
      rpm: {
        kind: 'level',
        target: when('running', true, constant(PUMP_RPM), constant(0)),
        lagS: 3,
        relativeNoise: 0.008,
      },
      pressure: { kind: 'level', target: scale('rpm', PUMP_RPM, 2, 6.2, 0), lagS: 1.5, relativeNoise: 0.015 },
      vibration: { kind: 'level', target: scale('rpm', PUMP_RPM, 1, 2.4, 0.1), lagS: 1, relativeNoise: 0.12 },
    },
    knobs: {},
    initial: { running: true },
    // A worn bearing shakes as fast as it turns, up to ISO 10816 "not permissible".
    wears: { bearing: { metric: 'vibration', adds: 9, of: 'rpm', per: PUMP_RPM } },
  },
  'energy-meter': {
    metrics: {
      power: {
        kind: 'level',
        target: when('relay', 'off', constant(0), daily(900, 450)),
        lagS: 2,
        relativeNoise: 0.18,
      },
      energy: { kind: 'accumulate', of: 'power', perHour: 0.001 },
      voltage: { kind: 'level', target: constant(230), lagS: 1, noise: 1.4 },
      current: { kind: 'level', target: { kind: 'ratio', of: 'power', by: 'voltage' }, lagS: 0 },
    },
    knobs: { relay: 'on' },
  },
  tracker: {
    metrics: {
      speed: { kind: 'level', target: daily(46, 18), lagS: 20, noise: 9 },
      latitude: { kind: 'travel', axis: 'latitude', speed: 'speed' },
      longitude: { kind: 'travel', axis: 'longitude', speed: 'speed' },
      battery: { kind: 'drain', perHour: 2.5 },
    },
    knobs: {},
    intervalKnob: 'interval',
  },
};

/** Behaviour by metric name for models without an entry above; the sample gives the level. */
export const GENERIC: Readonly<Record<string, (sample: number) => Behaviour>> = {
  battery: () => ({ kind: 'drain', perHour: 1 }),
  temperature: (sample) => ({ kind: 'level', target: daily(sample, 3), lagS: 60, noise: 0.4, spread: 1 }),
  humidity: (sample) => ({ kind: 'level', target: daily(sample, -5), lagS: 60, noise: 1.5, spread: 3 }),
  energy: () => ({ kind: 'accumulate', of: 'power', perHour: 0.001 }),
  latitude: () => ({ kind: 'travel', axis: 'latitude', speed: 'speed' }),
  longitude: () => ({ kind: 'travel', axis: 'longitude', speed: 'speed' }),
};
