/**
 * The questions about many devices that the rules understand: how many, which, the highest, what needs attention. As any
 * sentence, each is understood as a whole or not at all.
 */
import { limits } from '../../base/limits.ts';
import { durationMs, normalise, STATISTICS, type Statistic } from './sentence.ts';
import { metricsOf, type FleetMetric, type FleetModels } from './fleet-words.ts';
import { findName } from './words.ts';

type Operator = '>' | '>=' | '<' | '<=' | '=';

/** Which devices are meant; as `fleet_search` has it. */
export interface FleetTerms {
  readonly group?: string;
  readonly text?: string;
  readonly model?: string;
  readonly presence?: 'online' | 'offline' | 'never';
  readonly silent_minutes?: number;
  readonly metric?: string;
  readonly op?: Operator;
  readonly value?: number | boolean | string;
}

export type FleetQuestion =
  | { readonly kind: 'count' | 'list'; readonly terms: FleetTerms }
  /** One metric of all; undefined: all that is to say of it. */
  | {
      readonly kind: 'compare';
      readonly terms: FleetTerms & { readonly metric: string };
      readonly statistic: Statistic | undefined;
    }
  | { readonly kind: 'attention'; readonly terms: FleetTerms }
  | { readonly kind: 'groups' }
  /** For the agent of one device: `question` is the sentence without its name. */
  | { readonly kind: 'device'; readonly device: string; readonly question: string }
  | { readonly kind: 'unclear'; readonly why: string };

const COUNT = /^(?:how many|(?:what is |tell me )?(?:the )?(?:number|count) of|count)\b/;
const LIST = /^(?:which|what|list|show|find|who|name|give|are|is|does|do|has|have|any)\b/;
const COMPARE = /^(?:how(?= (?:warm|hot|cold|humid|fast|high|low)\b)|compare|what is|what are)\b/;
const ATTENTION =
  /\b(?:attention|problems?|trouble|wrong|alarms?|alerts?|(?:everything|all) (?:ok|okay|fine|good|well|right|alright))\b/;
const SILENT =
  /\b(?:silent|quiet|(?:said|sent|reported) nothing|(?:havent|hasnt|have not|has not|not) (?:reported|said anything|sent anything|been heard(?: of)?|spoken))\b(?: (?:for|since|in|over|within)(?: the| at least| more than)?(?: last| past)? (?:(\S+) )?([a-z]+))?/;
const COMPARISON =
  /\b(?:(above|over|more than|greater than|higher than|exceeding|beyond|hotter than|warmer than|faster than)|(below|under|less than|lower than|colder than|cooler than|slower than)|(at least)|(at most)|(equal to|equals|exactly)) (-?\d+(?:\.\d+)?) ?(°c|°|degrees? celsius|degrees?|celsius|c|%|percent|mm\/s|bar|kwh|w|watts?|v|volts?|a|amps?|km\/h|rpm)?(?= |$)/;
const OPERATORS = ['>', '<', '>=', '<=', '='] as const;
const PRESENCE: readonly (readonly [RegExp, NonNullable<FleetTerms['presence']>])[] = [
  [/\bnever (?:been )?(?:connected|online|seen|heard(?: of)?|there)\b/, 'never'],
  [/\b(?:offline|disconnected|unreachable)\b/, 'offline'],
  [/\b(?:online|connected|reachable)\b/, 'online'],
];
/** Words that name a metric, and often say which end of it. */
const QUALITIES: Readonly<Record<string, readonly [metric: string, statistic?: Statistic]>> = {
  warm: ['temperature'],
  hot: ['temperature'],
  cold: ['temperature'],
  warmest: ['temperature', 'max'],
  hottest: ['temperature', 'max'],
  coldest: ['temperature', 'min'],
  coolest: ['temperature', 'min'],
  humid: ['humidity'],
  wettest: ['humidity', 'max'],
  driest: ['humidity', 'min'],
  fast: ['speed'],
  fastest: ['speed', 'max'],
  slowest: ['speed', 'min'],
};
const UNIT_NAMES: Readonly<Record<string, string>> = {
  '°': '°c',
  degree: '°c',
  degrees: '°c',
  'degree celsius': '°c',
  'degrees celsius': '°c',
  celsius: '°c',
  c: '°c',
  percent: '%',
  watt: 'w',
  watts: 'w',
  volt: 'v',
  volts: 'v',
  amp: 'a',
  amps: 'a',
};
/** They change nothing about what is asked. */
const EMPTY =
  /^(?:the|an?|of|are|is|there|do|does|have|has|had|been|with|at|in|on|by|my|our|your|we|i|it|its|their|all|any|every|each|them|those|that|me|us|you|know|right|now|currently|today|please|devices?|things?|ones?|agents?|everything|anything|nothing|something|everyone|anyone|values?|readings?|last|latest|current|measure|measured|whole|fleet|total|altogether|here|and|need|needs|how|high|low|what|which)$/;

/** What `text` asks of a fleet; undefined: no question of this kind. Never throws. */
export function fleetQuestionOf(text: string, models: FleetModels): FleetQuestion | undefined {
  const named = deviceIn(text, models);
  const group = /\b(?:in|of) (?:the )?group ([\w.-]*\w)/i.exec(text);
  const rest = [named?.device, group?.[0]].reduce<string>(
    (left, part) => left.replace(part ?? '', ' '),
    text,
  );
  const plain = normalise(rest);
  if (plain.split(' ').length > limits.modelRulesWordsMax || /^(?:call|use|run) /.test(plain))
    return undefined;
  if (/^(?:list|show|what are|which)(?: me)?(?: all)?(?: the)? groups(?: are there)?$/.test(plain))
    return { kind: 'groups' };
  const place: FleetTerms = {
    ...(group?.[1] === undefined ? {} : { group: group[1] }),
    ...(named === undefined ? {} : { text: named.device }),
  };
  const question = questionOf(plain, models, place);
  if (named === undefined || (question !== undefined && hasOnlyPresence(question))) return question;
  return { kind: 'device', ...named };
}

/** A device by its address, and the sentence without it. */
function deviceIn(text: string, models: FleetModels): { device: string; question: string } | undefined {
  for (const [said, model = '', id = ''] of text.matchAll(/([a-z0-9-]{1,64})\/([\w.~:-]{0,127}[\w~-])/g)) {
    if (!models.has(model)) continue;
    const question = text
      .replace(new RegExp(`\\b(?:ask|tell|of|at|in|on|from|for) (?=${escaped(said)})`, 'i'), '')
      .replace(said, '')
      .replace(/\s+([?.!,])/g, '$1')
      .replace(/\s+/g, ' ')
      .trim();
    return { device: `${model}/${id}`, question };
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** "Is pump/p1 online?" is nothing that the device itself could tell. */
function hasOnlyPresence(question: FleetQuestion): boolean {
  if (question.kind !== 'list') return false;
  const { presence, silent_minutes: silent, metric } = question.terms;
  return metric === undefined && (presence !== undefined || silent !== undefined);
}

function questionOf(plain: string, models: FleetModels, place: FleetTerms): FleetQuestion | undefined {
  const parse = new Parse(plain);
  const isAttention = parse.take(ATTENTION) !== undefined;
  const isByModel = parse.take(/\b(?:by|per) model\b/) !== undefined;
  const isCount = parse.take(COUNT) !== undefined || isByModel;
  const isCompare = !isCount && COMPARE.test(parse.rest);
  const isList = !isCount && LIST.test(parse.rest);
  parse.take(COMPARE);
  parse.take(LIST);
  const silent = silentMinutes(parse);
  if (silent === null)
    return { kind: 'unclear', why: 'how long they are to be silent is no time the rules know' };
  const presence = PRESENCE.find(([pattern]) => parse.take(pattern) !== undefined)?.[1];
  const model = parse.name([...models.keys()]);
  const comparison = parse.take(COMPARISON);
  const { statistic, quality } = parse.qualities();
  const known = metricsOf(models, model);
  const condition = conditionOf(parse, comparison, quality, known);
  if (typeof condition === 'string') return { kind: 'unclear', why: condition };
  if (!parse.isEmpty) return undefined;
  const terms: FleetTerms = {
    ...place,
    ...(model === undefined ? {} : { model }),
    ...(presence === undefined ? {} : { presence }),
    ...(silent === undefined ? {} : { silent_minutes: silent }),
    ...condition,
  };
  if (isAttention) return { kind: 'attention', terms };
  const { metric, op } = terms;
  if (metric !== undefined && op === undefined && (statistic !== undefined || isCompare))
    return { kind: 'compare', terms: { ...terms, metric }, statistic };
  if (statistic !== undefined) return undefined;
  if (isCount) return { kind: 'count', terms };
  const isNarrow = Object.keys(terms).length > 0;
  return isList || isNarrow ? { kind: 'list', terms } : undefined;
}

/** Undefined: nothing is said of it; null: a time nobody understands. */
function silentMinutes(parse: Parse): number | undefined | null {
  const said = parse.take(SILENT);
  if (said === undefined) return undefined;
  const [, count = 'one', unit] = said;
  if (unit === undefined) return limits.fleetSilentMinutes;
  const ms = durationMs(count, unit);
  return ms === undefined ? null : ms / 60_000;
}

/** What is to hold of a metric; a text: why that is not known. */
function conditionOf(
  parse: Parse,
  comparison: RegExpExecArray | undefined,
  quality: string | undefined,
  known: readonly FleetMetric[],
): Pick<FleetTerms, 'metric' | 'op' | 'value'> | string {
  const names = known.map(({ name }) => name);
  const named = parse.name(names) ?? (quality !== undefined && names.includes(quality) ? quality : undefined);
  if (comparison === undefined) {
    if (named !== undefined) return switched(parse, known, named) ?? { metric: named };
    if (quality !== undefined) return `no device here measures ${quality}`;
    return valued(parse, known) ?? {};
  }
  const op = OPERATORS[comparison.slice(1, 6).findIndex((one) => one !== undefined)] ?? '=';
  const [number, unit] = [comparison[6], comparison[7]];
  const metric = named ?? byComparative(comparison[0], names) ?? byUnit(unit, known);
  if (metric !== undefined) return { metric, op, value: Number(number) };
  const list = names.slice(0, 20).join(', ') || 'nothing';
  return `it does not say which metric is meant; measured here: ${list}`;
}

/** "Running", "not running". */
function switched(
  parse: Parse,
  known: readonly FleetMetric[],
  name: string,
): Pick<FleetTerms, 'metric' | 'op' | 'value'> | undefined {
  const metric = known.find((one) => one.name === name);
  if (metric?.values.includes('true') !== true) return undefined;
  const isNot = parse.take(/\b(?:not|isnt|arent)\b/) !== undefined;
  return { metric: name, op: '=', value: !isNot };
}

/** A word that only one metric may have as its value: "eco". */
function valued(
  parse: Parse,
  known: readonly FleetMetric[],
): Pick<FleetTerms, 'metric' | 'op' | 'value'> | undefined {
  const pairs = known.flatMap(({ name, values }) => values.map((value) => ({ name, value })));
  const found = pairs.filter(({ value }) => !/^(?:true|false|on|off)$/.test(value) && parse.has(value));
  const [one, other] = found;
  if (one === undefined || other !== undefined) return undefined;
  parse.name([one.value]);
  return { metric: one.name, op: '=', value: one.value };
}

function byComparative(said: string, names: readonly string[]): string | undefined {
  const metric = /^(?:hotter|warmer|colder|cooler)/.test(said)
    ? 'temperature'
    : /^(?:faster|slower)/.test(said)
      ? 'speed'
      : undefined;
  return metric !== undefined && names.includes(metric) ? metric : undefined;
}

function byUnit(unit: string | undefined, known: readonly FleetMetric[]): string | undefined {
  if (unit === undefined) return undefined;
  const wanted = UNIT_NAMES[unit] ?? unit;
  const [one, other] = known.filter((metric) => metric.unit?.toLowerCase() === wanted);
  return other === undefined ? one?.name : undefined;
}

/** A sentence of which one piece after the other is understood. */
class Parse {
  rest: string;

  constructor(plain: string) {
    this.rest = plain;
  }

  /** Takes the piece out. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.rest);
    if (found === null) return undefined;
    this.rest = this.rest.replace(found[0], ' ').replace(/\s+/g, ' ').trim();
    return found;
  }

  /** Takes the longest of these names that is said. */
  name(names: readonly string[]): string | undefined {
    const found = findName(this.rest.split(' '), names);
    if (found !== undefined) this.rest = found.rest.join(' ');
    return found?.name;
  }

  has(word: string): boolean {
    return this.rest.split(' ').includes(word);
  }

  /** Takes words such as "warmest" and "average". */
  qualities(): { statistic: Statistic | undefined; quality: string | undefined } {
    let statistic: Statistic | undefined;
    let quality: string | undefined;
    const rest = this.rest.split(' ').filter((word) => {
      const named = Object.hasOwn(QUALITIES, word) ? QUALITIES[word] : undefined;
      const ending = Object.hasOwn(STATISTICS, word) ? STATISTICS[word] : undefined;
      if (named !== undefined && quality === undefined) {
        [quality] = named;
        statistic ??= named[1];
        return false;
      }
      if (ending === undefined || ending === 'last' || statistic !== undefined) return true;
      statistic = ending;
      return false;
    });
    this.rest = rest.join(' ');
    return { statistic, quality };
  }

  get isEmpty(): boolean {
    return this.rest.split(' ').every((word) => word === '' || EMPTY.test(word));
  }
}
