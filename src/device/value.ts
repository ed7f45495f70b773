/**
 * One value against one metric or argument. `createValueCheck` prepares once per definition what
 * `acceptValue` needs per message; the reason of a refusal is only written when there is one.
 */
import { Buffer } from 'node:buffer';
import type { ErrorCode } from '../base/errors.ts';
import type { MetricKind, MetricValue } from './capability.ts';

/** Why something a device said was not taken. `reason` is written for the person who reads the dead letters. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** What `createValueCheck` reads; metrics and command arguments both have this shape. */
interface ValueSpec {
  readonly kind: MetricKind;
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly precision?: number;
  readonly values?: readonly string[];
  readonly bytesMax?: number;
}

/** A metric prepared for checking. All have the same shape, so that the hot path stays monomorphic. */
export interface ValueCheck {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: string;
  readonly isBounded: boolean;
  readonly min: number;
  readonly max: number;
  /** Rounding is `round(value * multiplier / divisor) * divisor / multiplier`; 0 = none. */
  readonly multiplier: number;
  readonly divisor: number;
  readonly values: ReadonlySet<string>;
  readonly bytesMax: number;
}

const SHOWN_CHARACTERS_MAX = 40;
const SHOWN_VALUES_MAX = 12;

export function createValueCheck(name: string, spec: ValueSpec): ValueCheck {
  const precision = spec.precision ?? 0;
  return {
    name,
    kind: spec.kind,
    unit: spec.unit === undefined ? '' : ` ${spec.unit}`,
    isBounded: spec.min !== undefined || spec.max !== undefined,
    min: spec.min ?? -Number.MAX_VALUE,
    max: spec.max ?? Number.MAX_VALUE,
    // Dividing by a whole number gives the double nearest to the decimal; multiplying by 0.1 does not.
    multiplier: precision === 0 ? 0 : precision < 1 ? Math.round(1 / precision) : 1,
    divisor: precision < 1 ? 1 : precision,
    values: new Set(spec.values),
    bytesMax: spec.bytesMax ?? 0,
  };
}

/** The value as it is stored, or undefined when it is refused (`explainRefusal` says why). */
export function acceptValue(check: ValueCheck, value: unknown): MetricValue | undefined {
  switch (check.kind) {
    case 'numeric':
      // NaN fails both comparisons, the infinities one of them.
      return typeof value === 'number' && value >= check.min && value <= check.max
        ? rounded(check, value)
        : undefined;
    case 'binary':
      if (value === true || value === 1) return true;
      return value === false || value === 0 ? false : undefined;
    case 'enumeration':
      return typeof value === 'string' && check.values.has(value) ? value : undefined;
    case 'text':
      return typeof value === 'string' && isShortEnough(value, check.bytesMax) && value.isWellFormed()
        ? value
        : undefined;
  }
}

function rounded(check: ValueCheck, value: number): number {
  if (check.multiplier === 0) return value + 0; // -0 becomes 0
  const scaled = (value * check.multiplier) / check.divisor;
  // Beyond 2^53 a double has no fraction left to round.
  if (Math.abs(scaled) > Number.MAX_SAFE_INTEGER) return value;
  return (Math.round(scaled) * check.divisor) / check.multiplier + 0;
}

function isShortEnough(value: string, bytesMax: number): boolean {
  return value.length <= bytesMax && (value.length * 3 <= bytesMax || Buffer.byteLength(value) <= bytesMax);
}

/** Why `acceptValue` refused: BRG_PAYLOAD_SHAPE for the wrong type, BRG_PAYLOAD_RANGE for the wrong value. */
export function explainRefusal(check: ValueCheck, value: unknown): Rejection {
  const got = `${check.name} is ${showValue(value)}`;
  switch (check.kind) {
    case 'numeric':
      if (typeof value !== 'number') return shape(`${got}; a number is expected`);
      if (!Number.isFinite(value)) return range(`${got}; a finite number is expected`);
      return range(`${got}${check.unit}; allowed is ${describeRange(check)}`);
    case 'binary':
      return shape(`${got}; true or false is expected`);
    case 'enumeration': {
      const reason = `${got}; allowed is ${describeRange(check)}`;
      return typeof value === 'string' ? range(reason) : shape(reason);
    }
    case 'text':
      if (typeof value !== 'string') return shape(`${got}; text is expected`);
      if (!value.isWellFormed()) return shape(`${got}; it is not valid Unicode (lone surrogate)`);
      return range(
        `${check.name} has ${Buffer.byteLength(value)} bytes; at most ${check.bytesMax} are allowed`,
      );
  }
}

function describeRange(check: ValueCheck): string {
  if (check.kind === 'enumeration') {
    const shown = [...check.values].slice(0, SHOWN_VALUES_MAX).join(' | ');
    return check.values.size > SHOWN_VALUES_MAX ? `${shown} | ...` : shown;
  }
  if (!check.isBounded) return 'any finite number';
  if (check.max === Number.MAX_VALUE) return `${check.min}${check.unit} or more`;
  if (check.min === -Number.MAX_VALUE) return `${check.max}${check.unit} or less`;
  return `${check.min}..${check.max}${check.unit}`;
}

/** A value for a reason: short, on one line, whatever it is. Never throws. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= SHOWN_CHARACTERS_MAX
        ? JSON.stringify(value)
        : `${JSON.stringify(value.slice(0, SHOWN_CHARACTERS_MAX))}...`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return 'an integer beyond 2^53';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'an array';
      return ArrayBuffer.isView(value) ? 'bytes' : 'a map';
    default:
      return `a ${typeof value}`;
  }
}

export function shape(reason: string): Rejection {
  return { code: 'BRG_PAYLOAD_SHAPE', reason };
}

export function range(reason: string): Rejection {
  return { code: 'BRG_PAYLOAD_RANGE', reason };
}
