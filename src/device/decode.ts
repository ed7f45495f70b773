/**
 * Payload bytes to telemetry: the hot path of the bridge, one pass over the keys of each map.
 *
 * I1 `decodeTelemetry` never throws; whatever the bytes are, the outcome says what to do with them.
 * I2 A map counts whole or not at all: one refused value refuses its map, never the other maps.
 * I3 What comes out is named by metric, within its range, rounded to its precision.
 */
import { asBridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { decodePayload, type Codec } from '../wire/index.ts';
import type { Metric, MetricValue } from './capability.ts';
import type { DeviceDefinition } from './definition.ts';
import { acceptValue, createValueCheck, explainRefusal, range, shape, showValue } from './value.ts';
import type { Rejection, ValueCheck } from './value.ts';

/** One map of metrics a device sent. */
export interface Telemetry {
  /** The device's clock, whole ms since epoch; null when it sent none. Plausibility is the caller's business. */
  readonly ts: number | null;
  /** Names a run of the device; with `seq` it makes a resend recognisable. */
  readonly boot: string | number | null;
  readonly seq: number | null;
  readonly values: Record<string, MetricValue>;
  /** Keys the model does not know; ignored. */
  readonly unknownKeys: number;
}

/**
 * A payload that cannot be read, or is one refused map, is `rejected`. Of an array the refused maps are
 * in `rejections` and the good ones in `items`, which may be empty.
 */
export type TelemetryOutcome =
  | {
      readonly kind: 'decoded';
      readonly codec: Codec;
      readonly items: readonly Telemetry[];
      readonly rejections: readonly Rejection[];
    }
  | ({ readonly kind: 'rejected' } & Rejection);

/** What a definition knows by heart so that a message costs one lookup per key. */
export interface DecodePlan {
  /** Accepted in JSON: names and letters. */
  readonly jsonKeys: ReadonlyMap<string, ValueCheck>;
  /** Accepted in CBOR: the same, and integers, which the wire hands over as decimal text. */
  readonly cborKeys: ReadonlyMap<string, ValueCheck>;
  /** Every metric by name, also those a device never reports. */
  readonly byName: ReadonlyMap<string, ValueCheck>;
  readonly knownMetrics: string;
}

/** Where a definition carries its plan: out of sight of JSON and of people listing its keys. */
export const PLAN: unique symbol = Symbol('decode plan');

/** The largest time a Date can hold (ECMA-262 section 21.4.1.1). */
const TIME_MAX_MS = 8.64e15;
const KNOWN_METRICS_SHOWN_MAX = 16;
const NO_REJECTIONS: readonly Rejection[] = Object.freeze([]);

export function createDecodePlan(metrics: readonly Metric[]): DecodePlan {
  const jsonKeys = new Map<string, ValueCheck>();
  const cborKeys = new Map<string, ValueCheck>();
  const byName = new Map<string, ValueCheck>();
  for (const metric of metrics) {
    const check = createValueCheck(metric.name, metric);
    byName.set(metric.name, check);
    if (metric.access === 'write') continue;
    for (const key of metric.key === undefined ? [metric.name] : [metric.name, metric.key]) {
      jsonKeys.set(key, check);
      cborKeys.set(key, check);
    }
    if (metric.cborKey !== undefined) cborKeys.set(String(metric.cborKey), check);
  }
  const names = metrics.filter((metric) => metric.access !== 'write').map((metric) => metric.name);
  const shown = names.slice(0, KNOWN_METRICS_SHOWN_MAX).join(', ');
  const knownMetrics = names.length > KNOWN_METRICS_SHOWN_MAX ? `${shown}, ...` : shown;
  return Object.freeze({ jsonKeys, cborKeys, byName, knownMetrics });
}

/** Decodes a telemetry payload: one map of metrics, or an array of at most `limits.telemetryBatchMax` maps. Never throws. */
export function decodeTelemetry(definition: DeviceDefinition, payload: Uint8Array): TelemetryOutcome {
  try {
    const { value, codec } = decodePayload(payload);
    return decodeValue(definition[PLAN], value, codec);
  } catch (error) {
    const { code, message } = asBridgeError(error);
    return { kind: 'rejected', code, reason: message };
  }
}

function decodeValue(plan: DecodePlan, value: unknown, codec: Codec): TelemetryOutcome {
  if (Array.isArray(value)) return decodeBatch(plan, value, codec);
  const item = decodeMap(plan, value, codec);
  if ('code' in item) return { kind: 'rejected', code: item.code, reason: item.reason };
  return { kind: 'decoded', codec, items: [item], rejections: NO_REJECTIONS };
}

function decodeBatch(plan: DecodePlan, batch: readonly unknown[], codec: Codec): TelemetryOutcome {
  if (batch.length === 0) return { kind: 'rejected', ...shape('the payload is an empty array') };
  if (batch.length > limits.telemetryBatchMax) {
    const reason = `the payload holds ${batch.length} maps; at most ${limits.telemetryBatchMax} are allowed`;
    return { kind: 'rejected', code: 'BRG_PAYLOAD_TOO_LARGE', reason };
  }
  const items: Telemetry[] = [];
  const rejections: Rejection[] = [];
  for (let index = 0; index < batch.length; index++) {
    const item = decodeMap(plan, batch[index], codec);
    if ('code' in item) rejections.push({ code: item.code, reason: `map ${index}: ${item.reason}` });
    else items.push(item);
  }
  return { kind: 'decoded', codec, items, rejections };
}

/** One map. Also what `defineDevice` checks a sample with. */
export function decodeMap(plan: DecodePlan, input: unknown, codec: Codec): Telemetry | Rejection {
  if (!isMap(input)) return shape(`a map of metrics is expected, not ${showValue(input)}`);
  const checks = codec === 'json' ? plan.jsonKeys : plan.cborKeys;
  const values: Record<string, MetricValue> = {};
  let ts: number | null = null;
  let boot: string | number | null = null;
  let seq: number | null = null;
  let known = 0;
  let unknownKeys = 0;
  for (const key in input) {
    const value = input[key];
    const check = checks.get(key);
    if (check !== undefined) {
      const accepted = acceptValue(check, value);
      if (accepted === undefined) return explainRefusal(check, value);
      if (values[check.name] !== undefined) return shape(`${check.name} comes twice, by two of its keys`);
      values[check.name] = accepted;
      known++;
    } else if (key === 'ts') {
      if (!isTime(value)) return refuseTime(value);
      ts = Math.trunc(value);
    } else if (key === 'seq') {
      if (!isSequence(value))
        return shape(`seq is ${showValue(value)}; a whole number from 0 to 2^53-1 is expected`);
      seq = value;
    } else if (key === 'boot') {
      if (!isBoot(value))
        return shape(
          `boot is ${showValue(value)}; a number or up to ${limits.bootCharactersMax} characters are expected`,
        );
      boot = value;
    } else {
      unknownKeys++;
    }
  }
  if (known === 0) return shape(`no known metric; the model knows ${plan.knownMetrics}`);
  return { ts, boot, seq, values, unknownKeys };
}

/** What the wire hands over is JSON, plus byte strings, whose indexes must not pass for integer keys. */
function isMap(input: unknown): input is Record<string, unknown> {
  return (
    typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Uint8Array)
  );
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= TIME_MAX_MS;
}

function refuseTime(value: unknown): Rejection {
  const reason = `ts is ${showValue(value)}; milliseconds since 1970, 0 or more, are expected`;
  return typeof value === 'number' ? range(reason) : shape(reason);
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0;
}

function isBoot(value: unknown): value is string | number {
  if (typeof value === 'string') return value.length <= limits.bootCharactersMax && value.isWellFormed();
  return typeof value === 'number' && Number.isFinite(value);
}
