/** From the add form to a rule as the bridge's engine takes it; the engine has the last word on it. */
import type { CommandDescription, MetricDescription, ModelDescription } from './api-types.ts';

const RULE_OPS = ['>', '>=', '<', '<=', '==', '!='] as const;

const ACTION_KINDS = ['alert', 'notify', 'ask', 'command'] as const;
export type RuleActionKind = (typeof ACTION_KINDS)[number];

/** What a rule of this model may do. */
export function actionsFor({ commands }: ModelDescription): readonly RuleActionKind[] {
  return commands.length > 0 ? ACTION_KINDS : ACTION_KINDS.filter((kind) => kind !== 'command');
}

/** The fields of the add form as typed. */
export interface RuleDraft {
  readonly metric: string;
  readonly condition: 'value' | 'staleFor';
  readonly op: string;
  readonly value: string;
  readonly staleSeconds: string;
  readonly forSeconds: string;
  readonly hysteresis: string;
  readonly action: RuleActionKind;
  readonly text: string;
  readonly command: string;
  readonly argument: string;
}

export type DraftedRule =
  | { readonly kind: 'rule'; readonly rule: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly message: string };

type ValueKind = MetricDescription['kind'];

/** A draft with sensible first choices for a model. */
export function firstDraft(model: ModelDescription): RuleDraft {
  const metric = model.metrics[0];
  return {
    metric: metric?.name ?? '',
    condition: 'value',
    op: operatorsFor(metric?.kind)[0],
    value: '',
    staleSeconds: '300',
    forSeconds: '',
    hysteresis: '',
    action: 'alert',
    text: '',
    command: model.commands[0]?.name ?? '',
    argument: '',
  };
}

/** Only numbers have an order. */
export function operatorsFor(kind: ValueKind | undefined): readonly [string, ...string[]] {
  return kind === 'numeric' ? RULE_OPS : ['==', '!='];
}

/** The rule of a draft, or what is missing in it. */
export function ruleFromDraft(draft: RuleDraft, model: ModelDescription): DraftedRule {
  const metric = model.metrics.find((one) => one.name === draft.metric);
  if (metric === undefined) return invalid('Choose a metric.');
  const action = actionOf(draft, model.commands);
  if (typeof action === 'string') return invalid(action);
  if (draft.condition === 'staleFor') {
    const staleFor = milliseconds(draft.staleSeconds);
    if (staleFor === null || staleFor === 0) return invalid('Silence is a number of seconds above 0.');
    return { kind: 'rule', rule: { when: { metric: metric.name, staleFor }, do: action } };
  }
  const value = typedValue(draft.value, metric.kind);
  if (value === null)
    return invalid(`Give a value for ${metric.name}${metric.kind === 'numeric' ? ', a number' : ''}.`);
  const forMs = milliseconds(draft.forSeconds);
  if (forMs === null) return invalid('“For” is a number of seconds.');
  const hysteresis = draft.hysteresis.trim() === '' ? 0 : Number(draft.hysteresis);
  if (!(hysteresis >= 0)) return invalid('Hysteresis is a number, 0 or more.');
  return {
    kind: 'rule',
    rule: {
      when: { metric: metric.name, op: draft.op, value },
      ...(forMs > 0 && { forMs }),
      ...(hysteresis > 0 && { hysteresis }),
      do: action,
    },
  };
}

/** Form text as its type; null when it is empty or no such value. */
function typedValue(text: string, kind: ValueKind): number | boolean | string | null {
  if (text.trim() === '') return null;
  if (kind === 'numeric') return Number.isFinite(Number(text)) ? Number(text) : null;
  return kind === 'binary' ? text === 'true' : text;
}

function actionOf(
  draft: RuleDraft,
  commands: readonly CommandDescription[],
): Record<string, unknown> | string {
  if (draft.action !== 'command') {
    const text = draft.text.trim();
    return text === '' ? 'Say what the message should read.' : { kind: draft.action, text };
  }
  const command = commands.find((one) => one.name === draft.command);
  if (command === undefined) return 'Choose a command.';
  if (command.argument === null) return { kind: 'command', name: command.name };
  const argument = typedValue(draft.argument, command.argument.kind);
  return argument === null
    ? `Give ${command.name} an argument${command.argument.kind === 'numeric' ? ', a number' : ''}.`
    : { kind: 'command', name: command.name, argument };
}

/** Seconds as typed, in ms; '' is 0; null when it is not a duration. */
function milliseconds(text: string): number | null {
  const seconds = Number(text);
  return seconds >= 0 && Number.isFinite(seconds) ? Math.round(seconds * 1000) : null;
}

function invalid(message: string): DraftedRule {
  return { kind: 'invalid', message };
}
