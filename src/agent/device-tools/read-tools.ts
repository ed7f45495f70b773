/** Tools that only look: the latest values, and the past. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import type { JsonSchema } from '../../tools/index.ts';
import type { DeviceDesk } from '../device-desk.ts';
import { readTool, type DeviceTool, type Input } from './device-tool.ts';
import type { ToolBench } from './tool-bench.ts';

const MINUTE_MS = 60_000;
/** Where the time of a value is looked for, and how finely, the likely place first. */
const AGE_WINDOWS = [
  { windowMs: 10 * MINUTE_MS, points: 600 },
  { windowMs: 24 * 60 * MINUTE_MS, points: 1440 },
] as const;
const NUMBER = { type: 'number' } as const;
const TEXT = { type: 'string' } as const;

export function readTools(bench: ToolBench): DeviceTool[] {
  const { definition } = bench.desk;
  return [
    readTool({
      name: 'read_state',
      description: `Latest values of this ${definition.model} with units and age, presence, reported and desired state, commands under way.`,
      properties: {},
      outputSchema: STATE,
      read: () => readState(bench),
    }),
    readTool({
      name: 'read_history',
      description: 'Past values of one metric, downsampled to points with min, mean and max.',
      properties: historyProperties(definition),
      required: ['metric', 'minutes'],
      outputSchema: HISTORY,
      read: (input) => readHistory(bench.desk, input),
    }),
  ];
}

/** What of a device's past is wanted. */
export function historyProperties({ metrics }: DeviceDefinition): { readonly [name: string]: JsonSchema } {
  const read = metrics.filter(({ access }) => access !== 'write');
  return {
    metric: { type: 'string', enum: read.map(({ name }) => name) },
    minutes: { ...NUMBER, exclusiveMinimum: 0, description: 'how long a time' },
    to: { ...TEXT, description: 'its end, RFC 3339; default now' },
    points: {
      type: 'integer',
      minimum: 1,
      maximum: limits.toolHistoryPointsMax,
      default: limits.toolHistoryPointsDefault,
    },
  };
}

const STATE: JsonSchema = {
  type: 'object',
  properties: {
    device: TEXT,
    presence: { enum: ['online', 'offline', 'never'] },
    lastContact: { type: ['string', 'null'], description: 'RFC 3339' },
    values: { type: 'object', description: 'by metric' },
    units: { type: 'object' },
    ageSeconds: { type: 'object', description: 'since each was measured; null: more than a day' },
    reported: { type: 'object' },
    desired: { type: 'object' },
    commandsPending: { type: 'array', items: { type: 'object' } },
  },
  required: ['device', 'presence', 'values', 'units', 'ageSeconds'],
};

function readState({ agent, desk }: ToolBench): unknown {
  const { context, definition, twin, commands } = desk;
  const { address, presence, lastSeenMs } = context;
  const state: Readonly<Record<string, unknown>> = agent.state ?? {};
  const known = definition.metrics.filter(({ name }) => state[name] !== undefined);
  const times = timesOf(
    desk,
    known.map(({ name }) => name),
  );
  const now = context.now();
  const ageOf = (atMs: number | undefined): number | null =>
    atMs === undefined ? null : Math.max(0, Math.round((now - atMs) / 1000));
  return {
    device: `${address.model}/${address.id}`,
    presence,
    lastContact: lastSeenMs === null ? null : new Date(lastSeenMs).toISOString(),
    values: Object.fromEntries(known.map(({ name }) => [name, state[name]])),
    units: Object.fromEntries(known.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name, unit]]))),
    ageSeconds: Object.fromEntries(known.map(({ name }) => [name, ageOf(times.get(name))])),
    reported: twin.reported,
    desired: twin.desired,
    commandsPending: commands.pending.map(({ cid, name, args, status }) => ({
      cid,
      command: name,
      argument: args,
      status,
    })),
  };
}

/** When each of these metrics was measured last, to about a second, or a minute for what is older; ms since epoch. */
function timesOf({ context }: DeviceDesk, names: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  const toMs = context.now();
  for (const { windowMs, points } of AGE_WINDOWS) {
    if (names.every((name) => times.has(name))) break;
    for (const series of context.queryHistory({ metric: null, fromMs: toMs - windowMs, toMs, points })) {
      const last = series.points.at(-1);
      if (last !== undefined && !times.has(series.metric)) times.set(series.metric, last.ts);
    }
  }
  return times;
}

export const HISTORY: JsonSchema = {
  type: 'object',
  properties: {
    metric: TEXT,
    unit: TEXT,
    from: TEXT,
    to: TEXT,
    points: {
      type: 'array',
      items: {
        type: 'object',
        properties: { at: TEXT, min: NUMBER, mean: NUMBER, max: NUMBER, count: NUMBER },
        required: ['at', 'min', 'mean', 'max', 'count'],
      },
    },
  },
  required: ['metric', 'from', 'to', 'points'],
};

function readHistory({ context, definition }: DeviceDesk, input: Input): unknown {
  const metric = String(input['metric']);
  const points = Number(input['points'] ?? limits.toolHistoryPointsDefault);
  const { fromMs, toMs } = rangeOf(input, context.now());
  const unit = definition.metrics.find(({ name }) => name === metric)?.unit;
  const [series] = context.queryHistory({ metric, fromMs, toMs, points });
  return {
    metric,
    ...(unit === undefined ? {} : { unit }),
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    points: (series?.points ?? []).map(({ ts, min, mean, max, count }) => {
      return { at: new Date(ts).toISOString(), min, mean: Number(mean.toPrecision(6)), max, count };
    }),
  };
}

function rangeOf({ minutes, to }: Input, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  const toMs = to === undefined ? nowMs : timeOf(to, 'read_history: to');
  const fromMs = toMs - Number(minutes) * MINUTE_MS;
  if (fromMs >= 0) return { fromMs, toMs };
  throw new BridgeError('BRG_BAD_REQUEST', 'read_history: minutes reach back beyond 1970');
}

/** ms since epoch. @throws BridgeError BRG_BAD_REQUEST */
export function timeOf(value: unknown, name: string): number {
  const atMs =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/.test(value)
      ? Date.parse(value)
      : NaN;
  if (Number.isFinite(atMs)) return atMs;
  const message = `${name}: ${JSON.stringify(value)} is no time with a zone, such as 2026-05-04T07:00:00Z`;
  throw new BridgeError('BRG_BAD_REQUEST', message);
}
