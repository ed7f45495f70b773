/** What the parsers of rules share: fields, numbers, durations and texts of unknown JSON, and how a mistake is told. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/** The fields of an object that has no others than `allowed`. */
export function fieldsOf(input: unknown, path: string, allowed: readonly string[]): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refuse(path, `must be an object with ${allowed.join(', ')}, not ${show(input)}`);
  }
  const unknownKey = Object.keys(input).find((key) => !allowed.includes(key));
  if (unknownKey !== undefined)
    return refuse(path, `has no field ${show(unknownKey)}; it has ${allowed.join(', ')}`);
  return input as Record<string, unknown>; // a JSON object: its own keys were checked above
}

export function numberOf(input: unknown, path: string): number {
  return typeof input === 'number' && Number.isFinite(input)
    ? input
    : refuse(path, `must be a number, not ${show(input)}`);
}

export function durationOf(input: unknown, path: string): number {
  if (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= limits.ruleWaitMsMax)
    return input;
  return refuse(
    path,
    `must be a whole number of milliseconds, 1 to ${limits.ruleWaitMsMax}, not ${show(input)}`,
  );
}

export function textOf(input: unknown, path: string): string {
  if (typeof input !== 'string' || input.trim() === '')
    return refuse(path, `must be a text, not ${show(input)}`);
  const bytes = Buffer.byteLength(input);
  return bytes <= limits.ruleTextBytesMax
    ? input
    : refuse(path, `has ${bytes} bytes; at most ${limits.ruleTextBytesMax} are allowed`);
}

/** `input` as a short quote for a message. */
export function show(input: unknown): string {
  if (input === undefined) return 'nothing';
  const isQuoted = typeof input === 'string' || typeof input === 'object';
  const text = isQuoted ? JSON.stringify(input) : String(input);
  return text.length <= 60 ? text : `${text.slice(0, 60)}...`;
}

export function refuse(path: string, message: string, cause?: unknown): never {
  throw new BridgeError('BRG_RULE', `${path}: ${message}`, { cause, details: { field: path } });
}
