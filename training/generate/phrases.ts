/** Templates of the parts of a sentence, from templates.txt; that file says how they are written. */
import { readFileSync } from 'node:fs';

/** Lists by their headings, "## COMPARED >". */
const sections = new Map(
  readFileSync(new URL('templates.txt', import.meta.url), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading, lines.filter((line) => line !== '')] as const;
    }),
);

export function list(heading: string): readonly string[] {
  const lines = sections.get(heading);
  if (lines === undefined) throw new Error(`no templates "${heading}"`);
  return lines;
}

/** Lists of one kind, by the rest of their headings. */
function lists(kind: string): Readonly<Record<string, readonly string[]>> {
  const own = [...sections].filter(([heading]) => heading.startsWith(`${kind} `));
  return Object.fromEntries(own.map(([heading, lines]) => [heading.slice(kind.length + 1), lines]));
}

/** Clauses that compare {m} with {n}. */
export const COMPARED = lists('COMPARED');
/** With the adjective of a known metric: {more} than {n}. */
export const QUALIFIED = lists('QUALIFIED');
/** Without the metric's name: the unit says which one it is. */
export const BY_UNIT = lists('BY_UNIT');
/** Two thresholds of one metric. */
export const BETWEEN = list('BETWEEN');
export const OUTSIDE = list('OUTSIDE');
export const IS_ON = list('IS_ON');
export const IS_OFF = list('IS_OFF');
export const IS_VALUE = list('IS_VALUE');
export const IS_NOT_VALUE = list('IS_NOT_VALUE');
export const STALE = list('STALE');
export const CHANGED = lists('CHANGED');
export const WITHIN = list('WITHIN');
export const RATES = lists('RATES');
export const LASTING = list('LASTING');
export const HYSTERESIS = list('HYSTERESIS');
export const BACK = list('BACK');
export const WINDOW = list('WINDOW');
export const NAMED_WINDOW = list('NAMED_WINDOW');
export const ON_DAYS = list('ON_DAYS');
export const ALERTS = list('ALERTS');
export const NOTICES = list('NOTICES');
export const ALERT_TEXTS = list('ALERT_TEXTS');
export const NOTICE_TEXTS = list('NOTICE_TEXTS');
export const TEXTS = list('TEXTS');
export const SET_VALUE = list('SET_VALUE');
export const OPEN = list('OPEN');
export const CLOSE = list('CLOSE');
export const SWITCH = list('SWITCH');
export const SWITCH_OFF = list('SWITCH_OFF');
export const SWITCH_ON = list('SWITCH_ON');
export const SET_NUMBER = list('SET_NUMBER');
export const RUN = list('RUN');
export const SEND_TEXT = list('SEND_TEXT');
/** {C} is the condition, {A} what is done, {AS} that in a form after "should". */
export const FRAMES = list('FRAMES');
export const JOINED_AND = list('JOINED_AND');
export const JOINED_OR = list('JOINED_OR');
/** After "should": an infinitive. */
export const INVERTED = lists('INVERTED');
export const INVERTED_QUALITY = lists('INVERTED_QUALITY');
/** A metric of a place: {place} temperature. */
export const PLACED = lists('PLACED');
/** What must hold; the rule is about when it does not. */
export const REQUIRED = lists('REQUIRED');
