/** From a sentence to a rule as data, which `parseRule` checks: "when temperature is above 30 for 5 minutes, open the vent". */
import { BridgeError } from '../../base/errors.ts';
import type { DeviceDefinition, Metric, MetricValue } from '../../device/index.ts';
import { deedOf, durationOf, isUnit, numberOf, phrasesFor, wordsOf } from './phrases.ts';

interface ConditionFound {
  readonly when:
    | { readonly metric: string; readonly op: string; readonly value: MetricValue }
    | { readonly metric: string; readonly staleFor: number };
  readonly forMs?: number;
  readonly text: string;
}

/** How a comparison is said, the longer ones first. */
const COMPARISONS: readonly (readonly [op: string, said: RegExp])[] = [
  ['>=', /^(?:at least|>=|not below|no less than)$/],
  ['<=', /^(?:at most|<=|not above|no more than)$/],
  ['>', /^(?:above|over|more than|greater than|higher than|>|exceeds)$/],
  ['<', /^(?:below|under|less than|lower than|<)$/],
  ['==', /^(?:equals|equal to|=|==)$/],
];
const VERBS = ['is', 'gets', 'goes', 'rises', 'falls', 'drops', 'climbs', 'becomes', 'stays'];
/** How it is said that a metric does not come any more. */
const SILENCE = /^(?:no (\S+)(?: comes)?|(\S+) (?:is missing|does not come|has not come))$/;
const TELL = /^(alert|notify|tell|warn|inform)(?: me| us| people)?(?: that|:)?(?:\s+(.+))?$/i;

/** @param names of the device itself @throws BridgeError BRG_RULE that says what would be understood */
export function ruleFromSentence(
  text: string,
  definition: DeviceDefinition,
  names: readonly string[],
): object {
  const sentence = text.trim().replace(/[.!]+$/, '');
  const first = /^(?:when|whenever|if|once) (.+)$/i.exec(sentence);
  const last = /^(.+?),? (?:when|whenever|if|once) (.+)$/i.exec(sentence);
  const halves =
    first !== null ? splitsOf(first[1] ?? '') : last !== null ? [[last[2] ?? '', last[1] ?? '']] : [];
  for (const [condition = '', action = ''] of halves) {
    const found = conditionOf(condition, definition);
    if (found === undefined) continue;
    const doing = actionOf(action, found.text, definition, names);
    if (doing === undefined) continue;
    const { when, forMs } = found;
    return { when, ...(forMs === undefined ? {} : { forMs }), do: doing };
  }
  const metrics = definition.metrics.map(({ name }) => name).join(', ');
  throw new BridgeError(
    'BRG_RULE',
    `text: not understood as a whole. Say "when <metric> is above|below|at least|at most <value> [for 5 minutes], <action>" or "when no <metric> comes for 10 minutes, <action>" ` +
      `with one of the metrics ${metrics}, and as action "notify me", "alert <text>" or a command: ${phrasesFor(definition)}. Or give rule as data`,
  );
}

/** Every way to cut condition and action apart; at the comma, if there is one. A colon is how rules are described. */
function splitsOf(text: string): string[][] {
  const comma = /^(.+?)(?:,\s*(?:then\s+)?|\s+then\s+)(.+)$/i.exec(text);
  if (comma !== null) return [[comma[1] ?? '', comma[2] ?? '']];
  const colon = /^([^:]+): (.+)$/.exec(text);
  const words = text.split(/\s+/);
  const anywhere = words.map((_, at) => [words.slice(0, at).join(' '), words.slice(at).join(' ')]).reverse();
  return colon === null ? anywhere : [[colon[1] ?? '', colon[2] ?? ''], ...anywhere];
}

function conditionOf(text: string, { metrics }: DeviceDefinition): ConditionFound | undefined {
  const lasting = /^(.+?) for (.+)$/i.exec(text);
  const forMs = lasting === null ? undefined : durationOf((lasting[2] ?? '').toLowerCase());
  if (lasting !== null && forMs === undefined) return undefined;
  const words = wordsOf(lasting?.[1] ?? text).filter((word) => word !== 'the');
  const readable = metrics.filter(({ access }) => access !== 'write');
  const silent = SILENCE.exec(words.join(' '));
  if (silent !== null && forMs !== undefined) {
    const missing = metricOf(silent[1] ?? silent[2] ?? '', readable);
    return missing === undefined ? undefined : { when: { metric: missing.name, staleFor: forMs }, text };
  }
  const metric = metricOf(words[0] ?? '', readable);
  if (metric === undefined) return undefined;
  const rest = words.slice(1).filter((word, at) => !(at === 0 && VERBS.includes(word)));
  const comparison = metric.kind === 'numeric' ? comparisonOf(rest, metric) : sameAs(rest, metric);
  if (comparison === undefined) return undefined;
  const when = { metric: metric.name, ...comparison };
  return { when, ...(forMs === undefined ? {} : { forMs }), text };
}

/** `it` is the only number there is, if there is only one. */
function metricOf(word: string, metrics: readonly Metric[]): Metric | undefined {
  const numbers = metrics.filter(({ kind }) => kind === 'numeric');
  if (word === 'it') return numbers.length === 1 ? numbers[0] : undefined;
  return metrics.find(({ name }) => name.toLowerCase() === word);
}

function comparisonOf(words: readonly string[], { unit }: Metric): { op: string; value: number } | undefined {
  const last = words.at(-1);
  const end = isUnit(last) || last === unit?.toLowerCase() ? -1 : words.length;
  const said = words.slice(0, end);
  const value = numberOf(said.at(-1));
  const phrase = said.slice(0, -1).join(' ');
  const op = COMPARISONS.find(([, pattern]) => pattern.test(phrase))?.[0];
  return value === undefined || op === undefined ? undefined : { op, value };
}

function sameAs(
  words: readonly string[],
  { kind, values }: Metric,
): { op: string; value: MetricValue } | undefined {
  const isNot = words[0] === 'not';
  const [word, more] = isNot ? words.slice(1) : words;
  if (word === undefined || more !== undefined) return undefined;
  const op = isNot ? '!=' : '==';
  if (kind === 'binary' && ['on', 'true', 'off', 'false'].includes(word))
    return { op, value: word === 'on' || word === 'true' };
  const value = values?.find((one) => one.toLowerCase() === word);
  return value === undefined ? undefined : { op, value };
}

function actionOf(
  text: string,
  condition: string,
  definition: DeviceDefinition,
  names: readonly string[],
): object | undefined {
  const told = TELL.exec(text.trim());
  if (told !== null) {
    const kind = /^(?:alert|warn)$/i.test(told[1] ?? '') ? 'alert' : 'notify';
    return { kind, text: (told[2] ?? condition).replace(/^"(.*)"$/, '$1') };
  }
  const deed = deedOf(text, definition, names);
  if (deed === undefined) return undefined;
  return { kind: 'command', name: deed.command, ...(deed.value === null ? {} : { argument: deed.value }) };
}
