/** From an answer of the model to the JSON of a rule. */
import { CHANGES, END, type AnswerScope } from './answer-grammar.ts';
import { indexOf, type MetricWords } from './device-words.ts';
import { inUnit } from './numbers.ts';

/** A rule as `parseRule` takes it; a text that is absent is to be made from the condition. */
export interface RuleJson {
  readonly when:
    ConditionJson | { readonly all: readonly ConditionJson[] } | { readonly any: readonly ConditionJson[] };
  readonly forMs?: number;
  readonly hysteresis?: number;
  readonly between?: readonly string[];
  readonly days?: readonly string[];
  readonly do: ActionJson;
}

type ValueJson = number | boolean | string;

export interface ConditionJson {
  readonly metric: string;
  readonly op?: string;
  readonly value?: ValueJson;
  readonly delta?: number;
  readonly withinMs?: number;
  readonly rate?: number;
  readonly staleFor?: number;
}

export type ActionJson =
  | { readonly kind: 'command'; readonly name: string; readonly argument?: ValueJson }
  | { readonly kind: 'alert' | 'notify'; readonly text?: string };

/**
 * The rule an answer means; undefined for "no" and for what cannot be one, such as a number in a unit that the
 * metric does not have. The answer keeps to the grammar.
 */
export function ruleOfAnswer(answer: readonly string[], scope: AnswerScope): RuleJson | undefined {
  const reader = new AnswerReader(answer, scope);
  try {
    return answer[0] === 'no' ? undefined : reader.rule();
  } catch (error) {
    if (error instanceof Unsayable) return undefined;
    throw error;
  }
}

/** Thrown and caught in this file: the answer means no rule. */
class Unsayable extends Error {}

class AnswerReader {
  readonly #words: readonly string[];
  readonly #scope: AnswerScope;
  #at = 0;

  constructor(words: readonly string[], scope: AnswerScope) {
    this.#words = words;
    this.#scope = scope;
  }

  rule(): RuleJson {
    const conditions: ConditionJson[] = [];
    let join: string | undefined;
    do {
      const { conditions: read, isEither } = this.#condition();
      conditions.push(...read);
      join ??= isEither ? '|' : undefined;
      if (this.#peek() === '&' || this.#peek() === '|') join = this.#next();
      else break;
      if (isEither && join === '&') throw new Unsayable();
    } while (true);
    const [first] = conditions;
    if (first === undefined) throw new Unsayable();
    const when = conditions.length === 1 ? first : join === '|' ? { any: conditions } : { all: conditions };
    return { when, ...this.#parts(first), do: this.#action() };
  }

  #condition(): { conditions: readonly ConditionJson[]; isEither: boolean } {
    const metric = this.#metric();
    const word = this.#next();
    if (word === 'on' || word === 'off') return one({ metric: metric.name, op: '==', value: word === 'on' });
    if (word === 'stale') return one({ metric: metric.name, staleFor: this.#duration() });
    if (CHANGES.some((change) => change === word)) return this.#change(metric, word);
    return one({ metric: metric.name, op: word === '=' ? '==' : word, value: this.#value(metric) });
  }

  #change(metric: MetricWords, change: string): { conditions: readonly ConditionJson[]; isEither: boolean } {
    const sign = this.#next();
    const amount = Math.abs(this.#number(metric.unit));
    const fallSign = sign === '>' ? '<' : '<=';
    if (this.#take('per')) {
      const rate = amount / (this.#duration() / 1000);
      return one(
        change === 'up'
          ? { metric: metric.name, op: sign, rate }
          : { metric: metric.name, op: fallSign, rate: -rate },
      );
    }
    const within = this.#take('in') ? { withinMs: this.#duration() } : {};
    const up = { metric: metric.name, op: sign, delta: amount, ...within };
    const down = { metric: metric.name, op: fallSign, delta: -amount, ...within };
    if (change === 'move') return { conditions: [up, down], isEither: true };
    return one(change === 'up' ? up : down);
  }

  #parts(first: ConditionJson): Partial<RuleJson> {
    const parts: { forMs?: number; hysteresis?: number; between?: string[]; days?: readonly string[] } = {};
    if (this.#take('for')) parts.forMs = this.#duration();
    const unit = this.#scope.device.metrics.find(({ name }) => name === first.metric)?.unit;
    if (this.#take('hy')) parts.hysteresis = Math.abs(this.#number(unit));
    else if (this.#take('back')) parts.hysteresis = distance(first, this.#number(unit));
    if (this.#take('win')) parts.between = this.#between();
    if (this.#take('day')) parts.days = this.#scope.spans.days[this.#index()]?.days ?? [];
    return parts;
  }

  #between(): string[] {
    const { windows, times } = this.#scope.spans;
    if (this.#peek()[0] === 'W') return [...(windows[this.#index()]?.between ?? [])];
    return [times[this.#index()]?.time ?? '', times[this.#index()]?.time ?? ''];
  }

  #action(): ActionJson {
    if (this.#next() !== 'do') throw new Unsayable();
    const kind = this.#next();
    if (kind === 'alert' || kind === 'notify') {
      return this.#peek() === END ? { kind } : { kind, text: this.#text() };
    }
    const command = this.#scope.device.commands[indexOf(kind)];
    if (command === undefined) throw new Unsayable();
    const { name, argument } = command;
    if (argument === null) return { kind: 'command', name };
    switch (argument.kind) {
      case 'numeric':
        return { kind: 'command', name, argument: this.#argument(argument.unit) };
      case 'enumeration':
        return { kind: 'command', name, argument: command.values[this.#index()] ?? '' };
      case 'binary':
        return { kind: 'command', name, argument: this.#next() === 'on' };
      case 'text':
        return { kind: 'command', name, argument: this.#text() };
    }
  }

  #argument(unit: string | undefined): number {
    return this.#peek()[0] === 'D' ? inLengths(this.#duration(), unit) : this.#number(unit);
  }

  #value(metric: MetricWords): ValueJson {
    if (metric.kind === 'enumeration') return metric.values[this.#index()] ?? '';
    return metric.kind === 'text' ? this.#text() : this.#number(metric.unit);
  }

  #metric(): MetricWords {
    return this.#scope.device.metrics[this.#index()] ?? unsayable();
  }

  #number(unit: string | undefined): number {
    const span = this.#scope.spans.numbers[this.#index()] ?? unsayable();
    return inUnit(span.value, span.unit, unit) ?? unsayable();
  }

  #duration(): number {
    return this.#scope.spans.durations[this.#index()]?.ms ?? unsayable();
  }

  #text(): string {
    return this.#scope.spans.texts[this.#index()] ?? unsayable();
  }

  #index(): number {
    return indexOf(this.#next());
  }

  #take(word: string): boolean {
    if (this.#peek() !== word) return false;
    this.#at += 1;
    return true;
  }

  #peek(): string {
    return this.#words[this.#at] ?? END;
  }

  #next(): string {
    this.#at += 1;
    return this.#words[this.#at - 1] ?? unsayable();
  }
}

function one(condition: ConditionJson): { conditions: readonly ConditionJson[]; isEither: boolean } {
  return { conditions: [condition], isEither: false };
}

function unsayable(): never {
  throw new Unsayable();
}

/** How far a value must come back from the threshold. */
function distance({ op = '', value }: ConditionJson, back: number): number {
  if (typeof value !== 'number') return unsayable();
  const way = op.startsWith('>') ? value - back : back - value;
  return way > 0 ? Number(way.toPrecision(12)) : unsayable();
}

const LENGTH_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration as the argument of a command that takes seconds, minutes, ... */
function inLengths(ms: number, unit: string | undefined): number {
  const length = LENGTH_MS[unit ?? ''];
  return length === undefined ? unsayable() : ms / length;
}

/** Key order and a description's defaults do not matter for what a rule means. */
export function canonical(rule: RuleJson): unknown {
  const { when, forMs = 0, hysteresis = 0, between = null, days = null } = rule;
  const group =
    'all' in when
      ? ['all', ...sorted(when.all)]
      : 'any' in when
        ? ['any', ...sorted(when.any)]
        : sorted([when]);
  const action =
    rule.do.kind === 'command' ? [rule.do.name, rule.do.argument ?? null] : [rule.do.text ?? null];
  return [group, forMs, hysteresis, between, days, rule.do.kind, ...action];
}

function sorted(conditions: readonly ConditionJson[]): readonly string[] {
  return conditions
    .map(({ metric, op, value, delta, withinMs, rate, staleFor }) =>
      JSON.stringify([metric, op, value, delta, withinMs, rate && Number(rate.toPrecision(9)), staleFor]),
    )
    .sort();
}
