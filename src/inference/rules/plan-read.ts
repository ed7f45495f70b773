/** Answering a question: by a tool that only reads, else from the system prompt. */
import type { Fact, Knowledge } from './facts.ts';
import type { Plan, PlanContext, Tool } from './plan.ts';
import { listedIn, misfit, propertiesOf, requiredOf } from './schema-fit.ts';
import type { Intent, Statistic } from './sentence.ts';
import { findName, wordsOf } from './words.ts';

type Read = Intent & { readonly kind: 'read' };
type Schema = Tool['inputSchema'];

const READING = [
  'get',
  'read',
  'query',
  'show',
  'state',
  'status',
  'telemetry',
  'history',
  'latest',
  'current',
  'describe',
  'fetch',
  'look',
];
const ACTING = [
  'set',
  'send',
  'write',
  'delete',
  'remove',
  'add',
  'create',
  'start',
  'stop',
  'approve',
  'notify',
  'schedule',
  'cancel',
  'update',
  'command',
  'run',
  'turn',
  'reset',
  'clear',
];
/** Words of tools that read all there is: `read_state`, `device_get`. */
const WHOLE = ['state', 'status', 'telemetry', 'latest', 'current'];
const SELF = ['device', 'agent', 'thing'];
const METRIC_NAMES = ['metric', 'metrics', 'name', 'key', 'field', 'property', 'measurement', 'sensor'];
const DEVICE_NAMES = ['device', 'deviceid', 'id', 'agent', 'agentid'];
const STATISTIC_NAMES = ['statistic', 'aggregate', 'aggregation', 'stat', 'function'];
const SAME_STATISTIC: Readonly<Record<Statistic, readonly string[]>> = {
  last: ['last', 'latest'],
  mean: ['mean', 'average', 'avg'],
  min: ['min', 'minimum'],
  max: ['max', 'maximum'],
};
const WINDOW_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  milliseconds: 1,
  seconds: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
};

/** Whether a tool's name says that it only reads. */
export function isReading({ name }: Tool): boolean {
  const words = wordsOf(name);
  return words.some((word) => READING.includes(word)) && !words.some((word) => ACTING.includes(word));
}

export function planRead(intent: Read, context: PlanContext): Plan {
  const bound = context.tools
    .filter(isReading)
    .flatMap((tool) => bindRead(tool, intent, context))
    .sort((a, b) => b.score - a.score);
  const [best] = bound;
  if (best !== undefined) return { kind: 'call', tool: best.tool, input: best.input };
  const stated = intent.windowMs === undefined ? factFor(intent.words, context.knowledge) : undefined;
  if (stated !== undefined && intent.statistic !== undefined && intent.statistic !== 'last')
    return { kind: 'say', text: `Only the present ${stated.name} is known here: ${String(stated.value)}.` };
  if (stated !== undefined) return { kind: 'say', text: `${stated.name}: ${String(stated.value)}` };
  const what = intent.words.join(' ');
  const known = [...new Set([...metricNames(context.tools), ...factNames(context.knowledge).keys()])].slice(
    0,
    20,
  );
  const list = known.length === 0 ? 'nothing is known here' : `known here: ${known.join(', ')}`;
  const past = intent.windowMs === undefined ? '' : ' over a time in the past';
  return {
    kind: 'say',
    text: `Not understood: there is no "${what}"${past} in the tools and data here; ${list}.`,
  };
}

/** The fact that `words` name, all of them placed. */
function factFor(words: readonly string[], knowledge: Knowledge): { name: string; value: Fact } | undefined {
  const names = factNames(knowledge);
  const found = findName(words, [...names.keys()]);
  if (found === undefined || !found.rest.every((word) => knowledge.words.has(word))) return undefined;
  const path = names.get(found.name) ?? found.name;
  const value = knowledge.facts.get(path);
  return value === undefined ? undefined : { name: found.name, value };
}

/** Facts by the last part of their path; the first of two of the same name. */
function factNames({ facts }: Knowledge): Map<string, string> {
  const names = new Map<string, string>();
  for (const path of facts.keys()) {
    const name = path.split('.').at(-1) ?? path;
    if (!names.has(name)) names.set(name, path);
  }
  return names;
}

/** Names that arguments of reading tools list. */
function metricNames(tools: readonly Tool[]): string[] {
  return tools
    .filter(isReading)
    .flatMap(({ inputSchema }) => propertiesOf(inputSchema))
    .filter(([name]) => METRIC_NAMES.includes(name.toLowerCase()))
    .flatMap(([, schema]) => listed(schema));
}

function listed(schema: Schema): string[] {
  const items = Array.isArray(schema.items) || typeof schema.items === 'boolean' ? undefined : schema.items;
  const values = listedIn(schema) ?? (items === undefined ? [] : (listedIn(items) ?? []));
  return values.filter((value) => typeof value === 'string');
}

interface Bound {
  readonly tool: string;
  readonly input: Record<string, unknown>;
  readonly score: number;
}

/** The call of `tool` that answers; none when a word or a required argument is left over. */
function bindRead(tool: Tool, intent: Read, context: PlanContext): Bound[] {
  const input: Record<string, unknown> = {};
  const properties = propertiesOf(tool.inputSchema);
  const subject = bindSubject(tool, intent.words, context, input);
  if (subject === undefined) return [];
  let { score } = subject;
  let rest = subject.rest.filter((word) => !context.knowledge.words.has(word));
  if (rest.length === 1) {
    const device = properties.find(([name]) => DEVICE_NAMES.includes(name.toLowerCase()));
    if (device !== undefined && misfit(device[1], rest[0]) === undefined) {
      input[device[0]] = rest[0];
      rest = [];
    }
  }
  if (rest.length > 0) return [];
  if (intent.windowMs !== undefined && !bindWindow(properties, intent.windowMs, context.nowMs, input))
    return [];
  if (intent.windowMs !== undefined) score += 4;
  score += bindStatistic(properties, intent.statistic, input);
  const isOfPast = wordsOf(tool.name).includes('history');
  if (isOfPast === (intent.windowMs !== undefined)) score += 1;
  const hasAll = requiredOf(tool.inputSchema).every((name) => Object.hasOwn(input, name));
  return hasAll ? [{ tool: tool.name, input, score }] : [];
}

/** Places the words that say what to read: in an argument, else in the tool's name, else in what is known of the state. */
function bindSubject(
  tool: Tool,
  words: readonly string[],
  { knowledge, tools }: PlanContext,
  input: Record<string, unknown>,
): { rest: string[]; score: number } | undefined {
  for (const [name, schema] of propertiesOf(tool.inputSchema)) {
    if (!METRIC_NAMES.includes(name.toLowerCase())) continue;
    const names = listed(schema);
    const isOpen = listedIn(schema) === undefined && names.length === 0;
    const found = findName(words, isOpen ? [...metricNames(tools), ...factNames(knowledge).keys()] : names);
    const value = found?.name ?? (isOpen && words.length === 1 ? words[0] : undefined);
    if (value === undefined) continue;
    const isList = [schema.type].flat().includes('array');
    if (misfit(schema, isList ? [value] : value) !== undefined) continue;
    input[name] = isList ? [value] : value;
    return { rest: found?.rest ?? [], score: 6 };
  }
  const own = findName(words, [
    wordsOf(tool.name)
      .filter((word) => !READING.includes(word))
      .join(' '),
  ]);
  if (own !== undefined) return { rest: own.rest, score: 5 };
  const isWhole =
    wordsOf(tool.name).some((word) => WHOLE.includes(word)) ||
    wordsOf(tool.name).every((word) => READING.includes(word) || SELF.includes(word));
  const said = findName(words, [
    'state',
    'status',
    'telemetry',
    ...metricNames(tools),
    ...factNames(knowledge).keys(),
  ]);
  if (!isWhole) return undefined;
  // One word nobody lists may be part of a state that nobody has described; reading it does no harm.
  return said !== undefined
    ? { rest: said.rest, score: 2 }
    : words.length === 1
      ? { rest: [], score: 1 }
      : undefined;
}

function bindWindow(
  properties: readonly [string, Schema][],
  windowMs: number,
  nowMs: number,
  input: Record<string, unknown>,
): boolean {
  for (const [name, schema] of properties) {
    const lower = name.toLowerCase();
    const unit = Object.keys(WINDOW_UNITS_MS).find((word) => lower.endsWith(word));
    const candidates: unknown[] =
      unit !== undefined
        ? [windowMs / (WINDOW_UNITS_MS[unit] ?? 1)]
        : ['window', 'range', 'period', 'duration', 'last'].includes(lower)
          ? [spoken(windowMs)]
          : ['from', 'since', 'start'].includes(lower)
            ? moment(schema, nowMs - windowMs)
            : [];
    const fitting = candidates.find((value) => misfit(schema, value) === undefined);
    if (fitting === undefined) continue;
    input[name] = fitting;
    const end = properties.find(([other]) => ['to', 'until', 'end'].includes(other.toLowerCase()));
    const until = end === undefined ? undefined : moment(end[1], nowMs)[0];
    if (unit === undefined && end !== undefined && until !== undefined) input[end[0]] = until;
    return true;
  }
  return false;
}

/** A time as the schema writes it: RFC 3339 text, or ms since epoch. */
function moment(schema: Schema, atMs: number): unknown[] {
  return [new Date(atMs).toISOString(), atMs].filter((value) => misfit(schema, value) === undefined);
}

function spoken(windowMs: number): string {
  const [unit, unitMs] = (
    [
      ['d', 86_400_000],
      ['h', 3_600_000],
      ['m', 60_000],
      ['s', 1000],
    ] as const
  ).find(([, ms]) => windowMs % ms === 0) ?? ['ms', 1];
  return `${windowMs / unitMs}${unit}`;
}

function bindStatistic(
  properties: readonly [string, Schema][],
  statistic: Statistic | undefined,
  input: Record<string, unknown>,
): number {
  if (statistic === undefined) return 0;
  const property = properties.find(([name]) => STATISTIC_NAMES.includes(name.toLowerCase()));
  const value = property && SAME_STATISTIC[statistic].find((word) => misfit(property[1], word) === undefined);
  if (property === undefined || value === undefined) return 0;
  input[property[0]] = value;
  return 1;
}
