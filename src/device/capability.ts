/**
 * Capabilities: the words a device definition is written in. Each constructor returns plain data;
 * `defineDevice` checks it. Validation, the dashboard's forms, the simulator and the tools a model
 * may call all read the same data, so nothing here may be a function.
 */

export type MetricValue = number | boolean | string;

export type MetricKind = 'numeric' | 'binary' | 'enumeration' | 'text';

/** read: the device reports it. write: it can only be desired. readwrite: both. */
export type Access = 'read' | 'write' | 'readwrite';

/** One thing a device measures or holds. Units, range and precision are data. */
export interface Metric {
  readonly name: string;
  readonly kind: MetricKind;
  /** Of a numeric, as shown to people: `°C`, `%`, `mm/s`. */
  readonly unit?: string;
  /** Inclusive bounds of a numeric; a value outside is rejected. */
  readonly min?: number;
  readonly max?: number;
  /** Step a numeric is rounded to when stored: 0.1, 0.25, 1, 5. */
  readonly precision?: number;
  /** What an enumeration may be. */
  readonly values?: readonly string[];
  /** Longest text, in bytes of UTF-8. */
  readonly bytesMax?: number;
  readonly access: Access;
  /** Short name for constrained devices, one letter, in JSON and CBOR. */
  readonly key?: string;
  /** Shorter still: an integer map key 0..23, one byte in CBOR (RFC 8949 section 3). */
  readonly cborKey?: number;
  readonly description?: string;
}

/** What a command takes: nothing, or one value. */
export type CommandArgument =
  | { readonly kind: 'enumeration'; readonly values: readonly string[] }
  | {
      readonly kind: 'numeric';
      readonly unit?: string;
      readonly min: number;
      readonly max: number;
      readonly precision?: number;
    }
  | { readonly kind: 'binary' }
  | { readonly kind: 'text'; readonly bytesMax: number };

/** What the device's own telemetry shows once the command worked; `'argument'` = the value it was given. */
export interface CommandEffect {
  readonly metric: string;
  readonly value: MetricValue | 'argument';
  /** Time it takes at most until the telemetry shows it, in ms. Default 10 s. */
  readonly withinMs?: number;
}

/** One thing a device can be told to do. */
export interface Command {
  readonly name: string;
  readonly description?: string;
  readonly argument: CommandArgument | null;
  readonly effect?: CommandEffect;
}

interface MetricOptions {
  readonly access?: Access;
  readonly key?: string;
  readonly cborKey?: number;
  readonly description?: string;
}

interface NumericOptions extends MetricOptions {
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly precision?: number;
}

/** A number with unit, range and precision. */
export function numeric(name: string, options: NumericOptions = {}): Metric {
  return { name, kind: 'numeric', access: 'read', ...options };
}

/** True or false; devices may also send 1 and 0. */
export function binary(name: string, options: MetricOptions = {}): Metric {
  return { name, kind: 'binary', access: 'read', ...options };
}

/** One of a fixed set of words. */
export function enumeration(
  name: string,
  options: MetricOptions & { readonly values: readonly string[] },
): Metric {
  return { name, kind: 'enumeration', access: 'read', ...options };
}

/** Free text of at most `bytesMax` bytes of UTF-8. */
export function text(name: string, options: MetricOptions & { readonly bytesMax: number }): Metric {
  return { name, kind: 'text', access: 'read', ...options };
}

/** Charge of a battery: numeric `battery`, 0..100 %. */
export function battery(options: MetricOptions = {}): Metric {
  return numeric('battery', {
    description: 'battery charge',
    ...options,
    unit: '%',
    min: 0,
    max: 100,
    precision: 1,
  });
}

/** WGS 84 `latitude` and `longitude` in degrees, to 0.000001 (about 0.1 m). Spread it into `metrics`. */
export function position(
  options: { readonly latitude?: MetricOptions; readonly longitude?: MetricOptions } = {},
): readonly [Metric, Metric] {
  const degrees = { unit: '°', precision: 0.000001 };
  return [
    numeric('latitude', {
      description: 'north is positive',
      ...options.latitude,
      ...degrees,
      min: -90,
      max: 90,
    }),
    numeric('longitude', {
      description: 'east is positive',
      ...options.longitude,
      ...degrees,
      min: -180,
      max: 180,
    }),
  ];
}

/** Something the device can be told to do; without `argument` it takes none. */
export function command(
  name: string,
  options: {
    readonly description?: string;
    readonly argument?: CommandArgument;
    readonly effect?: CommandEffect;
  } = {},
): Command {
  return { name, ...options, argument: options.argument ?? null };
}
