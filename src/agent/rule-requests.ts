/** Rules that are asked for: as data or as a sentence, to be kept or only to be shown. */
import { BridgeError } from '../base/errors.ts';
import type { DeviceDesk } from './device-desk.ts';
import { notUnderstood, ruleFromSentence } from './device-tools/rule-sentence.ts';
import { LATER } from './later.ts';
import type { Proposal } from './rule-proposals.ts';
import { dryRun, parseRule, understandExactly, type DryRun, type Rule } from './rules/index.ts';

/** As data, or as a sentence. */
export type NewRule = { readonly rule: unknown } | NewText;

interface NewText {
  readonly text: string;
  /** Where whoever said it is, for times of day. */
  readonly zone?: string;
}

/** Which tier understood a sentence, and how sure it is. */
interface Tier {
  readonly tier: 'grammar' | 'model';
  readonly confidence: number;
}

/** What `add` would keep, and what it would have done. @throws BridgeError BRG_RULE, BRG_RULES_FULL */
export function previewRule(desk: DeviceDesk, body: NewRule, request: number): unknown {
  if (!('text' in body)) return previewOf(desk, body.rule);
  const found = exactly(desk, body);
  if (found !== undefined) return previewOf(desk, found, { tier: 'grammar', confidence: 1 });
  return propose(desk, body, request, ({ rule, confidence }) =>
    previewOf(desk, timed(withoutId(rule), body.zone), { tier: 'model', confidence }),
  );
}

/** @throws BridgeError BRG_RULE, BRG_RULES_FULL */
export function addRule(
  desk: DeviceDesk,
  { by, ...body }: NewRule & { by?: string },
  request: number,
): unknown {
  const rule = 'text' in body ? exactly(desk, body) : body.rule;
  if (rule === undefined && 'text' in body) {
    // Shown, and not kept: a person confirms it by giving it as data.
    return propose(desk, body, request, ({ rule: made, confidence }) => {
      const { description, ...data } = desk.rules.preview(timed(withoutId(made), body.zone));
      const message = `a model understood it as "${description}"; give rule as data to confirm it`;
      const { source: _, ...proposed } = data;
      throw new BridgeError('BRG_RULE_UNCONFIRMED', message, {
        details: { rule: proposed, description, confidence },
      });
    });
  }
  const stored = desk.rules.add(rule);
  desk.tookOverRule(stored.id);
  note(desk, 'rule', 'added', stored.id, by, { description: stored.description });
  return stored;
}

/** After the change, which may throw and takes its ids first: they are the same whether something is noted or not. */
export function note(
  { context }: DeviceDesk,
  kind: 'desired' | 'rule',
  event: string,
  subject: string,
  by: string | undefined,
  detail: unknown,
): void {
  context.audit({ id: context.effectId(), kind, event, subject, by: by ?? 'api', detail });
}

/** What the grammar understands; undefined when only a model could. @throws BridgeError BRG_RULE when there is none */
function exactly(desk: DeviceDesk, { text, zone }: NewText): object | undefined {
  const { context, definition, parts } = desk;
  const names = [context.address.model, context.address.id];
  const found = understandExactly(text, { definition, names });
  if (found.kind === 'not-understood' && parts.models?.translator !== undefined) return undefined;
  return timed(ruleFromSentence(text, definition, names), zone);
}

function propose(
  desk: DeviceDesk,
  { text }: NewText,
  request: number,
  answerOf: (proposal: Proposal) => unknown,
): typeof LATER {
  const { definition, parts } = desk;
  const translator = parts.models?.translator;
  const failure = notUnderstood(definition);
  if (translator === undefined) throw failure;
  desk.tools.proposals.ask(request, text, translator, answerOf, failure);
  return LATER;
}

/** Times of day that a sentence gives no zone are those of whoever said it. */
function timed(rule: object, zone: string | undefined): object {
  const isTimed = 'between' in rule || 'days' in rule;
  return zone === undefined || !isTimed || 'zone' in rule ? rule : { ...rule, zone };
}

function withoutId({ id: _, ...rule }: Rule): object {
  return rule;
}

function previewOf(desk: DeviceDesk, input: unknown, tier?: Tier): object {
  const preview = desk.rules.preview(input);
  return { ...preview, ...tier, wouldHaveFired: wouldHaveFired(desk, input) };
}

function wouldHaveFired({ context, definition }: DeviceDesk, input: unknown): DryRun {
  const rule = parseRule(input, definition, () => 'dry-run');
  return dryRun(rule, definition, (query) => context.queryHistory(query), context.now());
}
