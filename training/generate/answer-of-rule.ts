/** The answer the model should give for a rule: the inverse of ruleOfAnswer, for one sentence and device. */
import type { AnswerScope } from '../../src/agent/rules/translator/answer-grammar.ts';
import {
  canonical,
  ruleOfAnswer,
  type ActionJson,
  type ConditionJson,
  type RuleJson,
} from '../../src/agent/rules/translator/answer-rule.ts';
import { pointer } from '../../src/agent/rules/translator/device-words.ts';
import { inUnit } from '../../src/agent/rules/translator/numbers.ts';

/** Undefined when the sentence holds no span for something the rule says. */
export function answerOfRule(rule: RuleJson | undefined, scope: AnswerScope): readonly string[] | undefined {
  if (rule === undefined) return ['no'];
  const answer = new Writer(scope).write(rule);
  if (answer.includes(MISSING)) return undefined;
  const made = ruleOfAnswer(answer, scope);
  return made !== undefined && isSame(made, rule) ? answer : undefined;
}

/** Texts in capitals are the same texts. */
export function isSame(one: RuleJson, other: RuleJson): boolean {
  return JSON.stringify(canonical(one)).toLowerCase() === JSON.stringify(canonical(other)).toLowerCase();
}

const MISSING = 'missing';
const LENGTH_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

class Writer {
  readonly #scope: AnswerScope;
  readonly #used = new Set<string>();

  constructor(scope: AnswerScope) {
    this.#scope = scope;
  }

  write(rule: RuleJson): readonly string[] {
    const { when } = rule;
    const group = 'all' in when ? when.all : 'any' in when ? when.any : [when];
    const isMove = 'any' in when && isPair(when.any);
    const conditions = (isMove ? group.slice(0, 1) : group).flatMap((condition, at) => [
      ...(at === 0 ? [] : ['all' in when ? '&' : '|']),
      ...this.#condition(condition, isMove),
    ]);
    const first = group[0];
    return [
      ...conditions,
      ...(rule.forMs === undefined ? [] : ['for', this.#duration(rule.forMs)]),
      ...(rule.hysteresis === undefined || first === undefined
        ? []
        : this.#hysteresis(rule.hysteresis, first)),
      ...(rule.between === undefined ? [] : ['win', ...this.#between(rule.between)]),
      ...(rule.days === undefined ? [] : ['day', this.#days(rule.days)]),
      'do',
      ...this.#action(rule.do),
    ];
  }

  #condition(
    { metric: name, op = '', value, delta, withinMs, rate, staleFor }: ConditionJson,
    isMove: boolean,
  ): string[] {
    const at = this.#scope.device.metrics.findIndex((one) => one.name === name);
    const metric = this.#scope.device.metrics[at];
    if (metric === undefined) return [MISSING];
    const start = pointer('M', at);
    if (staleFor !== undefined) return [start, 'stale', this.#duration(staleFor)];
    if (typeof value === 'boolean') return [start, value === (op === '==') ? 'on' : 'off'];
    const sign = op === '==' ? '=' : op;
    if (typeof value === 'number') return [start, sign, this.#number(value, metric.unit)];
    if (value !== undefined) {
      return [
        start,
        sign,
        metric.kind === 'text' ? this.#text(value) : this.#nth('V', metric.values.indexOf(value)),
      ];
    }
    const change = delta ?? rate ?? 0;
    const way = isMove ? 'move' : change > 0 ? 'up' : 'down';
    const head = [start, way, sign.length === 2 ? '>=' : '>'];
    if (rate !== undefined) return [...head, ...this.#rate(Math.abs(rate), metric.unit)];
    const amount = this.#number(Math.abs(change), metric.unit);
    return [...head, amount, ...(withinMs === undefined ? [] : ['in', this.#duration(withinMs)])];
  }

  #rate(rate: number, unit: string | undefined): string[] {
    const { numbers, durations } = this.#scope.spans;
    for (const [d, { ms }] of durations.entries()) {
      for (const [n, span] of numbers.entries()) {
        const amount = inUnit(Math.abs(span.value), span.unit, unit);
        if (amount !== undefined && Math.abs(amount / (ms / 1000) / rate - 1) < 1e-9) {
          return [this.#use(pointer('N', n)), 'per', this.#use(pointer('D', d))];
        }
      }
    }
    return [MISSING];
  }

  #hysteresis(amount: number, first: ConditionJson): string[] {
    const unit = this.#scope.device.metrics.find(({ name }) => name === first.metric)?.unit;
    const direct = this.#number(amount, unit, true);
    if (direct !== MISSING) return ['hy', direct];
    if (typeof first.value !== 'number') return [MISSING];
    const back = first.op?.startsWith('>') === true ? first.value - amount : first.value + amount;
    return ['back', this.#number(Number(back.toPrecision(12)), unit, true)];
  }

  #between([from = '', to = '']: readonly string[]): string[] {
    const { times, windows } = this.#scope.spans;
    const first = times.findIndex(({ time }) => time === from);
    const second = times.findIndex(({ time }, at) => time === to && at !== first);
    if (first >= 0 && second >= 0) return [pointer('T', first), pointer('T', second)];
    return [
      this.#nth(
        'W',
        windows.findIndex(({ between }) => between[0] === from && between[1] === to),
      ),
    ];
  }

  #days(days: readonly string[]): string {
    return this.#nth(
      'Y',
      this.#scope.spans.days.findIndex((one) => one.days.join() === days.join()),
    );
  }

  #action(action: ActionJson): string[] {
    if (action.kind !== 'command') {
      return action.text === undefined ? [action.kind] : [action.kind, this.#text(action.text)];
    }
    const at = this.#scope.device.commands.findIndex(({ name }) => name === action.name);
    const command = this.#scope.device.commands[at];
    if (command === undefined) return [MISSING];
    const start = pointer('C', at);
    const { argument } = action;
    if (argument === undefined) return [start];
    if (typeof argument === 'boolean') return [start, argument ? 'on' : 'off'];
    if (typeof argument === 'string') {
      return [
        start,
        command.argument?.kind === 'text'
          ? this.#text(argument)
          : this.#nth('V', command.values.indexOf(argument)),
      ];
    }
    const unit = command.argument?.kind === 'numeric' ? command.argument.unit : undefined;
    const number = this.#number(argument, unit, true);
    if (number !== MISSING) return [start, number];
    return [start, this.#duration(argument * (LENGTH_MS[unit ?? ''] ?? 0))];
  }

  /** A span nothing pointed at yet, else (unless it must be an unused one) any of that value. */
  #number(value: number, unit: string | undefined, isUnusedOnly = false): string {
    const fitting = this.#scope.spans.numbers.flatMap((span, at) =>
      [value, -value].includes(inUnit(span.value, span.unit, unit) ?? NaN) &&
      inUnit(span.value, span.unit, unit) === value
        ? [pointer('N', at)]
        : [],
    );
    return this.#choose(fitting, isUnusedOnly);
  }

  #duration(ms: number): string {
    return this.#choose(
      this.#scope.spans.durations.flatMap((span, at) => (span.ms === ms ? [pointer('D', at)] : [])),
    );
  }

  #text(text: string): string {
    const wanted = text.toLowerCase();
    return this.#nth(
      'Q',
      this.#scope.spans.texts.findIndex((one) => one.toLowerCase() === wanted),
    );
  }

  #nth(prefix: string, at: number): string {
    return at < 0 ? MISSING : this.#use(pointer(prefix, at));
  }

  #choose(fitting: readonly string[], isUnusedOnly = false): string {
    const free = fitting.find((one) => !this.#used.has(one)) ?? (isUnusedOnly ? undefined : fitting[0]);
    return free === undefined ? MISSING : this.#use(free);
  }

  #use(word: string): string {
    this.#used.add(word);
    return word;
  }
}

function isPair([first, second, third]: readonly ConditionJson[]): boolean {
  return (
    third === undefined &&
    first?.delta !== undefined &&
    first.delta > 0 &&
    second?.delta === -first.delta &&
    first.metric === second.metric
  );
}
