/** The grammar of answers as a pattern the engine keeps to: what answer-grammar.ts allows word by word, written as a whole. */
import type { Pattern } from '../../../inference/index.ts';
import { CHANGES, COMPARISONS, type AnswerScope } from './answer-grammar.ts';
import { pointer, type CommandWords, type MetricWords } from './device-words.ts';

/** Answers about this device and sentence. */
export function patternOfAnswers(scope: AnswerScope): Pattern {
  const condition = conditionOf(scope);
  const more = (join: string): Pattern => ({ repeat: inOrder(join, condition), min: 0, max: 3 });
  const rule = inOrder(condition, oneOf([more('&'), more('|')]), ...partsOf(scope), 'do', actionOf(scope));
  return { oneOf: [' no', rule] };
}

function conditionOf({ device, spans }: AnswerScope): Pattern {
  const numbers = all('N', spans.numbers);
  const durations = all('D', spans.durations);
  const metrics = device.metrics.map((metric, at) => ({ metric, name: pointer('M', at) }));
  const stale =
    spans.durations.length === 0 ? [] : [inOrder(oneOf(metrics.map(({ name }) => name)), 'stale', durations)];
  const of = (isSuch: (metric: MetricWords) => boolean): string[] =>
    metrics.filter(({ metric }) => isSuch(metric)).map(({ name }) => name);
  const ways: Pattern[] = [...stale];
  const numeric = of(({ kind }) => kind === 'numeric');
  if (numeric.length > 0 && spans.numbers.length > 0) {
    ways.push(
      inOrder(
        oneOf(numeric),
        oneOf([
          inOrder(oneOf(COMPARISONS), numbers),
          ...changesOf(numbers, durations, spans.durations.length > 0),
        ]),
      ),
    );
  }
  const binary = of(({ kind }) => kind === 'binary');
  if (binary.length > 0) ways.push(inOrder(oneOf(binary), oneOf(['on', 'off'])));
  for (const { metric, name } of metrics) {
    if (metric.kind === 'enumeration') ways.push(inOrder(name, oneOf(['=', '!=']), all('V', metric.values)));
    if (metric.kind === 'text' && spans.texts.length > 0)
      ways.push(inOrder(name, oneOf(['=', '!=']), all('Q', spans.texts)));
  }
  return oneOf(ways);
}

function changesOf(numbers: Pattern, durations: Pattern, hasDurations: boolean): readonly Pattern[] {
  const sign = oneOf(['>', '>=']);
  return CHANGES.map((change) => {
    const rest =
      change === 'move' ? [inOrder('in', durations)] : [inOrder('in', durations), inOrder('per', durations)];
    return inOrder(change, sign, numbers, ...(hasDurations ? [{ repeat: oneOf(rest), min: 0, max: 1 }] : []));
  });
}

function partsOf({ spans }: AnswerScope): readonly Pattern[] {
  const numbers = all('N', spans.numbers);
  const windows = [
    ...(spans.windows.length > 0 ? [all('W', spans.windows)] : []),
    ...(spans.times.length > 1 ? [inOrder(all('T', spans.times), all('T', spans.times))] : []),
  ];
  const parts = [
    ...(spans.durations.length > 0 ? [inOrder('for', all('D', spans.durations))] : []),
    ...(spans.numbers.length > 1 ? [inOrder(oneOf(['hy', 'back']), numbers)] : []),
    ...(windows.length > 0 ? [inOrder('win', oneOf(windows))] : []),
    ...(spans.days.length > 0 ? [inOrder('day', all('Y', spans.days))] : []),
  ];
  return parts.map((part) => ({ repeat: part, min: 0, max: 1 }));
}

function actionOf({ device, spans }: AnswerScope): Pattern {
  const text: readonly Pattern[] =
    spans.texts.length > 0 ? [{ repeat: all('Q', spans.texts), min: 0, max: 1 }] : [];
  const messages = inOrder(oneOf(['alert', 'notify']), ...text);
  const commands = device.commands.flatMap((command, at) => {
    const argument = argumentOf(command, spans);
    return argument === undefined ? [] : [inOrder(pointer('C', at), ...argument)];
  });
  return oneOf([messages, ...commands]);
}

/** What follows a command; undefined when the sentence has nothing that could. */
function argumentOf(
  { argument, values }: CommandWords,
  { numbers, durations, texts }: AnswerScope['spans'],
): readonly Pattern[] | undefined {
  switch (argument?.kind) {
    case undefined:
      return [];
    case 'numeric': {
      const amounts = [...names('N', numbers), ...names('D', durations)];
      return amounts.length === 0 ? undefined : [oneOf(amounts)];
    }
    case 'enumeration':
      return [all('V', values)];
    case 'binary':
      return [oneOf(['on', 'off'])];
    case 'text':
      return texts.length === 0 ? undefined : [all('Q', texts)];
  }
}

function names(prefix: string, things: readonly unknown[]): readonly string[] {
  return things.map((_, at) => pointer(prefix, at));
}

function all(prefix: string, things: readonly unknown[]): Pattern {
  return oneOf(names(prefix, things));
}

function oneOf(patterns: readonly Pattern[]): Pattern {
  const [only, another] = patterns.map(spaced);
  return only !== undefined && another === undefined ? only : { oneOf: patterns.map(spaced) };
}

function inOrder(...patterns: readonly Pattern[]): Pattern {
  return { sequence: patterns.map(spaced) };
}

/** Each word has a space before it, as its token has. */
function spaced(pattern: Pattern): Pattern {
  return typeof pattern === 'string' && !pattern.startsWith(' ') ? ` ${pattern}` : pattern;
}
