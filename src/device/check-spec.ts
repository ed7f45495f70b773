/** The parts metrics and command arguments have in common, as a definition writes them. */
import { Buffer } from 'node:buffer';
import { limits } from '../base/limits.ts';
import { showValue } from './value.ts';

/** Says no: `fail('metrics[2].key', 'is "xy"', 'one letter')`. */
export type Fail = (place: string, what: string, allowed: string) => never;

export function checkText(value: unknown, place: string, fail: Fail): void {
  if (typeof value !== 'string' || value.trim() === '')
    fail(place, `is ${showValue(value)}`, 'text that is not empty');
}

export function checkNumeric(
  spec: { min?: number; max?: number; precision?: number },
  place: string,
  fail: Fail,
): void {
  const { min, max, precision } = spec;
  for (const [name, bound] of [
    ['min', min],
    ['max', max],
  ] as const) {
    if (bound !== undefined && !Number.isFinite(bound))
      fail(`${place}: ${name}`, `is ${showValue(bound)}`, 'a finite number');
  }
  if (min !== undefined && max !== undefined && min >= max)
    fail(`${place}: min`, `is ${min}, not below max, ${max}`, 'min < max');
  if (precision === undefined) return;
  if (!(precision > 0) || !(isWhole(precision) || isWhole(1 / precision)))
    fail(
      `${place}: precision`,
      `is ${showValue(precision)}`,
      'a whole number, or one divided by one: 0.1, 0.25, 1, 5',
    );
  for (const [name, bound] of [
    ['min', min],
    ['max', max],
  ] as const) {
    // Else rounding could carry a good value out of the range.
    if (bound !== undefined && !isWhole(bound / precision))
      fail(`${place}: ${name}`, `is ${bound}, not a multiple of the precision`, `a multiple of ${precision}`);
  }
}

/** Whole but for the noise of a division such as 80 / 0.1. */
function isWhole(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value - Math.round(value)) <= 1e-9 * Math.max(1, Math.abs(value));
}

export function checkWords(values: readonly string[] | undefined, place: string, fail: Fail): void {
  checkList(values, `${place}: values`, 1, limits.enumerationValuesMax, fail);
  const seen = new Set<string>();
  for (const value of values ?? []) {
    if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > limits.nameBytesMax)
      fail(`${place}: values`, `has ${showValue(value)}`, `words of 1 to ${limits.nameBytesMax} bytes`);
    if (seen.has(value)) fail(`${place}: values`, `has ${showValue(value)} twice`, 'each word once');
    seen.add(value);
  }
}

export function checkBytes(bytesMax: number | undefined, place: string, fail: Fail): void {
  if (
    bytesMax === undefined ||
    !Number.isInteger(bytesMax) ||
    bytesMax < 1 ||
    bytesMax > limits.textBytesMax
  ) {
    fail(`${place}: bytesMax`, `is ${showValue(bytesMax)}`, `an integer 1..${limits.textBytesMax}`);
  }
}

export function checkList(list: unknown, place: string, min: number, max: number, fail: Fail): void {
  if (!Array.isArray(list) || list.length < min || list.length > max) {
    fail(
      place,
      Array.isArray(list) ? `has ${list.length} entries` : `is ${showValue(list)}`,
      `a list of ${min}..${max}`,
    );
  }
}

export function checkObject(value: unknown, place: string, fail: Fail): void {
  if (typeof value !== 'object' || value === null) fail(place, `is ${showValue(value)}`, 'an object');
}
