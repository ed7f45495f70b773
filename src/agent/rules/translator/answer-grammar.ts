/**
 * What the model may answer, word by word. An answer is "no", or conditions, what qualifies them, and one
 * action, all in pointers:
 *
 *     MA > NA & MB on for DA hy NB win TA TB day YA do CA VA
 *
 * I1: only pointers that exist are allowed, and only where they fit: a number where a number belongs, a value
 * of the very enumeration. So an answer never holds a name, number or text that is not the device's or the
 * sentence's own.
 */
import { indexOf, pointer, type DeviceWords } from './device-words.ts';
import type { Spans } from './prompt.ts';

const COMPARISONS = ['>', '>=', '<', '<=', '=', '!='] as const;
/** A rise, a fall, and either. */
export const CHANGES = ['up', 'down', 'move'] as const;
const CONDITIONS_MAX = 4;
/** Ends an answer. */
export const END = '';

/** Every word of answers that is no pointer; each is one token of the vocabulary. */
export const ANSWER_WORDS = [
  ...COMPARISONS,
  ...CHANGES,
  'no',
  '&',
  '|',
  'on',
  'off',
  'stale',
  'per',
  'in',
  'for',
  'hy',
  'back',
  'win',
  'day',
  'do',
  'alert',
  'notify',
] as const;

export interface AnswerScope {
  readonly device: DeviceWords;
  readonly spans: Spans;
}

/** The words that may follow `answer`; END among them where it may end. Empty: `answer` itself is wrong. */
export function wordsAfter(answer: readonly string[], scope: AnswerScope): readonly string[] {
  const { spans } = scope;
  if (answer.length === 0) return ['no', ...metricsOf(scope)];
  const last = answer.at(-1) ?? '';
  const doAt = answer.indexOf('do');
  if (last === 'no') return [END];
  if (doAt >= 0) return afterAction(answer.slice(doAt + 1), scope);
  switch (last[0]) {
    case 'M':
      return afterMetric(last, scope);
    case 'N':
      return afterNumber(answer, scope);
    case 'T':
      return answer.at(-2) === 'win' ? all('T', spans.times) : afterPart(answer, 'win', scope);
    case 'W':
      return afterPart(answer, 'win', scope);
    case 'Y':
      return afterPart(answer, 'day', scope);
    case 'D':
      return afterPart(answer, answer.at(-2) === 'for' ? 'for' : 'condition', scope);
    case 'V':
    case 'Q':
      return afterPart(answer, 'condition', scope);
    default:
      return afterWord(answer, last, scope);
  }
}

function afterWord(answer: readonly string[], last: string, scope: AnswerScope): readonly string[] {
  const { spans } = scope;
  switch (last) {
    case '&':
    case '|':
      return metricsOf(scope);
    case 'up':
    case 'down':
    case 'move':
      return ['>', '>='];
    case 'stale':
    case 'for':
    case 'in':
    case 'per':
      return all('D', spans.durations);
    case 'on':
    case 'off':
      return afterPart(answer, 'condition', scope);
    case 'hy':
    case 'back':
      return all('N', spans.numbers);
    case 'win':
      return [...all('W', spans.windows), ...(spans.times.length > 1 ? all('T', spans.times) : [])];
    case 'day':
      return all('Y', spans.days);
    default:
      return afterComparison(answer, scope);
  }
}

function afterMetric(name: string, { device, spans }: AnswerScope): readonly string[] {
  const metric = device.metrics[indexOf(name)];
  const stale = spans.durations.length > 0 ? ['stale'] : [];
  switch (metric?.kind) {
    case 'numeric':
      return spans.numbers.length > 0 ? [...COMPARISONS, ...CHANGES, ...stale] : stale;
    case 'binary':
      return ['on', 'off', ...stale];
    case 'enumeration':
      return ['=', '!=', ...stale];
    case 'text':
      return spans.texts.length > 0 ? ['=', '!=', ...stale] : stale;
    case undefined:
      return [];
  }
}

function afterComparison(answer: readonly string[], { device, spans }: AnswerScope): readonly string[] {
  const before = answer.at(-2) ?? '';
  if (before[0] !== 'M') return all('N', spans.numbers);
  const metric = device.metrics[indexOf(before)];
  if (metric?.kind === 'enumeration') return all('V', metric.values);
  return metric?.kind === 'text' ? all('Q', spans.texts) : all('N', spans.numbers);
}

function afterNumber(answer: readonly string[], scope: AnswerScope): readonly string[] {
  const [change = '', sign = ''] = [answer.at(-3), answer.at(-2)];
  if (sign === 'hy' || sign === 'back') return afterPart(answer, 'hy', scope);
  const ended = afterPart(answer, 'condition', scope);
  if (!CHANGES.some((one) => one === change) || scope.spans.durations.length === 0) return ended;
  return change === 'move' ? ['in', ...ended] : ['in', 'per', ...ended];
}

/** In this order, each at most once. */
const PARTS = ['condition', 'for', 'hy', 'win', 'day'] as const;

function afterPart(
  answer: readonly string[],
  part: (typeof PARTS)[number],
  { spans }: AnswerScope,
): readonly string[] {
  const later = PARTS.slice(PARTS.indexOf(part) + 1);
  const words = ['do'];
  if (part === 'condition') words.push(...joinsAfter(answer));
  if (later.includes('for') && spans.durations.length > 0) words.push('for');
  if (later.includes('hy') && spans.numbers.length > 1) words.push('hy', 'back');
  if (later.includes('win') && (spans.windows.length > 0 || spans.times.length > 1)) words.push('win');
  if (later.includes('day') && spans.days.length > 0) words.push('day');
  return words;
}

/** All conditions are joined by the same word. */
function joinsAfter(answer: readonly string[]): readonly string[] {
  const joins = answer.filter((word) => word === '&' || word === '|');
  if (joins.length >= CONDITIONS_MAX - 1) return [];
  return joins.length === 0 ? ['&', '|'] : joins.slice(0, 1);
}

function afterAction(action: readonly string[], { device, spans }: AnswerScope): readonly string[] {
  const [first, second] = action;
  if (first === undefined) return ['alert', 'notify', ...commandsOf({ device, spans })];
  if (second !== undefined) return [END];
  if (first === 'alert' || first === 'notify') return [END, ...all('Q', spans.texts)];
  const command = device.commands[indexOf(first)];
  switch (command?.argument?.kind) {
    case undefined:
      return [END];
    case 'numeric':
      return [...all('N', spans.numbers), ...all('D', spans.durations)];
    case 'enumeration':
      return all('V', command?.values ?? []);
    case 'binary':
      return ['on', 'off'];
    case 'text':
      return all('Q', spans.texts);
  }
}

/** Those that something may be said of: a number needs one in the sentence. */
function metricsOf(scope: AnswerScope): readonly string[] {
  return all('M', scope.device.metrics).filter((name) => afterMetric(name, scope).length > 0);
}

/** Those whose argument the sentence may hold. */
function commandsOf(scope: AnswerScope): readonly string[] {
  return all('C', scope.device.commands).filter((name) => afterAction([name], scope).length > 0);
}

function all(prefix: string, things: readonly unknown[]): readonly string[] {
  return things.map((_, at) => pointer(prefix, at));
}
