import { randomInt } from 'node:crypto';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { DeviceDefinition } from '../src/device/index.ts';

/** Exit codes of the simulator (contract). */
export const EXIT = { ok: 0, failed: 1, usage: 2, cannotConnect: 3, interrupted: 130 } as const;

/** What the user typed cannot be done; the message says what can. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

export interface Parsed {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** A number within bounds, or `fallback`. */
  number(name: string, fallback: number, bounds: { min: number; max: number; whole?: boolean }): number;
  /** One of `choices`, or `fallback`. */
  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T;
  /** A duration in ms, or null when it is not given. */
  durationMs(name: string): number | null;
}

/** Reads a command line against `options`. Throws UsageError. */
export function parse(args: readonly string[], options: Options): Parsed {
  const { values, positionals } = parseOrExplain(args, options);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    positionals,
    text,
    flag: (name) => values[name] === true,
    number: (name, fallback, bounds) => numberOf(name, text(name), fallback, bounds),
    choice: (name, fallback, choices) => {
      const value = text(name) ?? fallback;
      const known = choices.find((choice) => choice === value);
      if (known === undefined)
        throw new UsageError(`--${name} ${value}: must be one of ${choices.join(', ')}`);
      return known;
    },
    durationMs: (name) => {
      const value = text(name);
      return value === undefined ? null : parseDuration(value, `--${name}`);
    },
  };
}

/** `500ms`, `30s`, `10m`, `2h`, or a plain number of seconds, as ms. Throws UsageError. */
export function parseDuration(value: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  if (match === null) throw new UsageError(`${what} ${value}: must be like 500ms, 30s, 10m or 2h`);
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000;
  return Number(match[1]) * unitMs;
}

/** Largest seed: seeds are whole numbers that JSON keeps exactly. */
export const SEED_MAX = Number.MAX_SAFE_INTEGER;

/** `mqtt://host:port`; a bare `host:port` is taken as that. Throws UsageError. */
export function brokerUrl(value: string): string {
  const withScheme = value.includes('://') ? value : `mqtt://${value}`;
  const isKnown = /^(mqtts?|wss?):$/.test(URL.canParse(withScheme) ? new URL(withScheme).protocol : '');
  if (!isKnown) throw new UsageError(`--broker ${value}: must be like mqtt://127.0.0.1:1883`);
  return withScheme;
}

/** The definitions of the named models, all when none are named. Throws UsageError. */
export function chooseModels(
  names: string | undefined,
  definitions: readonly DeviceDefinition[],
): DeviceDefinition[] {
  if (names === undefined || names === 'all') return [...definitions];
  return names.split(',').map((name) => {
    const definition = definitions.find(({ model }) => model === name.trim());
    if (definition !== undefined) return definition;
    throw new UsageError(
      `no model '${name.trim()}'; there are ${definitions.map(({ model }) => model).join(', ')}`,
    );
  });
}

/** A seed for a run that was not given one. */
export function chooseSeed(): number {
  return randomInt(2 ** 31);
}

function parseOrExplain(
  args: readonly string[],
  options: Options,
): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(
      `${error.message.split('. ')[0]}\nOptions: ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(' ')}`,
    );
  }
}

function numberOf(
  name: string,
  value: string | undefined,
  fallback: number,
  bounds: { min: number; max: number; whole?: boolean },
): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  const isWhole = bounds.whole !== true || Number.isInteger(number);
  if (value.trim() !== '' && isWhole && number >= bounds.min && number <= bounds.max) return number;
  const kind = bounds.whole === true ? 'a whole number' : 'a number';
  throw new UsageError(`--${name} ${value}: must be ${kind} from ${bounds.min} to ${bounds.max}`);
}
