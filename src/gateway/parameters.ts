/** Shapes of path and query parameters, shared by the routes. Inputs are strings, as they stand in a URL. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,15})(ms|s|m|h|d)?$/;

/** What may stand for each `{name}` of a path. Model and id have their own grammar (`actor/address`). */
export const pathParameters: Readonly<Record<string, z.ZodType<string>>> = {
  model: z
    .string()
    .regex(new RegExp(`^[a-z0-9-]{1,${limits.modelBytesMax}}$`))
    .describe('device model'),
  id: z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9._~:-]{1,${limits.agentIdBytesMax}}$`))
    .describe('id of the device'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .describe('name of a command of the model'),
  method: z
    .string()
    .regex(/^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/)
    .describe('name of a callable of the agent'),
  scheduleId: z.string().min(1).max(limits.jobKeyCharactersMax).describe('id of a schedule'),
  ruleId: z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9._~-]{1,${limits.ruleIdBytesMax}}$`))
    .describe('id of a rule'),
  approvalId: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,64}$/)
    .describe('id of an approval'),
  serverId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/)
    .describe('id of an MCP server'),
  questionId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe('id of a question of an MCP server'),
};

/** How many items an answer may have. */
export function limitParameter(itemsMax: number, itemsDefault: number) {
  return z.coerce.number().int().min(1).max(itemsMax).default(itemsDefault).describe('items in the answer');
}

/** `1500`, `1500ms`, `10s`, `5m`, `2h` to milliseconds, at most `maxMs`. */
export function durationParameter(maxMs: number, defaultMs: number, description: string) {
  return z
    .string()
    .regex(DURATION, 'a number of milliseconds, or one with a unit: 1500, 1500ms, 10s, 5m, 2h')
    .meta({
      description: `${description}; ms, or with a unit: 10s, 5m, 2h; at most ${maxMs}`,
      examples: ['10s'],
    })
    .transform(durationMs)
    .pipe(z.number().max(maxMs, `at most ${maxMs} ms`))
    .prefault(String(defaultMs));
}

function durationMs(text: string): number {
  const match = DURATION.exec(text);
  return Number(match?.[1]) * (UNIT_MS[match?.[2] ?? 'ms'] ?? NaN);
}

/** A point in time: fixed, or so long before now. */
type TimePoint = { kind: 'at'; ms: number } | { kind: 'ago'; ms: number };

/** Milliseconds since epoch, an ISO 8601 date, `now`, or a duration before now such as `-1h`. */
export function timeParameter(description: string, otherwise: string) {
  return z
    .string()
    .max(64)
    .meta({
      description: `${description}: ms since epoch, ISO 8601, "now", or a time before now such as -1h or -7d`,
      examples: ['-1h', '2026-01-31T12:00:00Z'],
    })
    .transform((text, context): TimePoint => {
      const point = parseTime(text);
      if (point !== null) return point;
      context.addIssue('expected ms since epoch, an ISO 8601 date, "now", or a time before now such as -1h');
      return z.NEVER;
    })
    .prefault(otherwise);
}

function parseTime(text: string): TimePoint | null {
  if (text === 'now') return { kind: 'ago', ms: 0 };
  if (/^\d{1,15}$/.test(text)) return { kind: 'at', ms: Number(text) };
  if (text.startsWith('-') && DURATION.test(text.slice(1)))
    return { kind: 'ago', ms: durationMs(text.slice(1)) };
  const ms = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? null : { kind: 'at', ms };
}

/** The time point in ms since epoch. */
export function resolveTime(point: TimePoint, nowMs: number): number {
  return point.kind === 'at' ? point.ms : nowMs - point.ms;
}
