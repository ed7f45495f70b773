/**
 * What people call a device's commands. A phrase is understood as a whole or not at all: a word nobody can place may be
 * the one that changes the meaning ("do not", "the other pump").
 */
import type { Command, DeviceDefinition, MetricValue } from '../../device/index.ts';

export interface Deed {
  readonly command: string;
  readonly value: MetricValue | null;
}

const FILLERS = ['the', 'a', 'an', 'please', 'to', 'at', 'it', 'its', 'then', 'device', 'send', 'command'];
const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
const MORE_NUMBERS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  half: 0.5,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
};
const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  day: 86_400_000,
};
const UNITS =
  /^(?:°c|°|c|degrees?|celsius|%|percent|rpm|bar|w|watts?|v|volts?|a|amps?|km\/h|mm\/s|lux|s|seconds?|hz)$/;
/** After `turn` and `switch` these words are states of a switch. */
const SWITCHED: Readonly<Record<string, readonly string[]>> = {
  on: ['on', 'start', 'true', 'open', 'enable'],
  off: ['off', 'stop', 'false', 'closed', 'close', 'disable'],
};
/** Forms of one word. */
const FORMS: Readonly<Record<string, string>> = {
  opened: 'open',
  opening: 'open',
  close: 'closed',
  stopped: 'stop',
  started: 'start',
};

/** Words and numbers, lower case, without what ends a sentence. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/(\d)(°|%)/g, '$1 $2')
    .replace(/[?!,;"“”()]+/g, ' ')
    .replace(/\.(?=\s|$)/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** A number in digits or as a word; undefined for anything else. */
function numberOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^-?\d+(?:\.\d+)?$/.test(word)) return Number(word);
  const named = NUMBERS.indexOf(word);
  return named >= 0 ? named : Object.hasOwn(MORE_NUMBERS, word) ? MORE_NUMBERS[word] : undefined;
}

/** `ten minutes`, `90s`; ms, or undefined. */
export function durationOf(text: string): number | undefined {
  const [count, unit = '', ...rest] = text
    .trim()
    .replace(/^(\d+(?:\.\d+)?)([a-z]+)$/, '$1 $2')
    .split(/\s+/);
  const number = numberOf(count);
  const unitMs = UNITS_MS[unit] ?? UNITS_MS[unit.replace(/s$/, '')];
  if (number === undefined || unitMs === undefined || number <= 0 || rest.length > 0) return undefined;
  return Math.round(number * unitMs);
}

function isUnit(word: string | undefined): boolean {
  return word !== undefined && UNITS.test(word);
}

/**
 * The one command that a phrase means; undefined when none, or more than one, places all of its words.
 * @param names of the device itself: who says one speaks of it
 */
export function deedOf(
  phrase: string,
  { commands }: DeviceDefinition,
  names: readonly string[],
): Deed | undefined {
  const own = new Set(
    names.flatMap((name) => [name.toLowerCase(), ...name.toLowerCase().split(/[^a-z0-9]+/)]),
  );
  const words = wordsOf(phrase).filter((word) => !FILLERS.includes(word));
  const ways = commands.flatMap((command) => waysOf(command, words, own));
  const [way, other] = ways;
  return other === undefined ? way : undefined;
}

/** What the commands are called, for an error that teaches. */
export function phrasesFor({ commands }: DeviceDefinition): string {
  const phrases = commands.map(({ name, argument }) => {
    if (argument?.kind === 'enumeration') return `"${name} ${argument.values.join('|')}"`;
    return argument === null
      ? `"${name}"`
      : `"${name} <${argument.kind === 'numeric' ? 'number' : argument.kind}>"`;
  });
  return phrases.join(', ') || 'none, it has no commands';
}

function waysOf(command: Command, words: readonly string[], own: ReadonlySet<string>): Deed[] {
  const { name, argument } = command;
  if (argument === null) return fits(words, name, undefined, own) ? [{ command: name, value: null }] : [];
  switch (argument.kind) {
    case 'enumeration':
      return argument.values
        .filter((value) => fits(words, name, value, own))
        .map((value) => ({ command: name, value }));
    case 'binary':
      return [true, false]
        .filter((value) => fits(words, name, String(value), own))
        .map((value) => ({ command: name, value }));
    case 'numeric': {
      const at = words.findIndex((word) => /^-?\d/.test(word) && numberOf(word) !== undefined);
      const value = numberOf(words[at]);
      if (value === undefined) return [];
      const rest = words.toSpliced(at, isUnit(words[at + 1]) ? 2 : 1);
      return fits(rest, name, undefined, own) ? [{ command: name, value }] : [];
    }
    case 'text':
      return [];
  }
}

/** Whether the words are the command's name and the value, and nothing else but the device's own names. */
function fits(
  words: readonly string[],
  name: string,
  value: string | undefined,
  own: ReadonlySet<string>,
): boolean {
  const open = new Set(name.split('-'));
  if (value !== undefined) open.add(value.toLowerCase());
  let isSwitched = false;
  for (const word of words) {
    if (!open.has(word) && (word === 'turn' || word === 'switch')) isSwitched = true;
    else if (!place(open, word, isSwitched) && word !== 'set' && !own.has(word)) return false;
  }
  // "set" is in many a name, and may be left out: "target 21".
  open.delete('set');
  return open.size === 0;
}

function place(open: Set<string>, word: string, isSwitched: boolean): boolean {
  const forms = [word, ...(isSwitched ? (SWITCHED[word] ?? []) : []), FORMS[word] ?? word];
  const found = [...open].find((wanted) => forms.includes(wanted) || FORMS[wanted] === word);
  return found !== undefined && open.delete(found);
}
