/** From words to what a rule does: tell people, ask the agent's model, or send a command. */
import type { Command, DeviceDefinition, MetricValue } from '../../../device/index.ts';
import { deedOf } from '../../device-tools/phrases.ts';
import type { RuleAction, Timing } from '../rule.ts';
import { spellingOf } from './comparisons.ts';
import { alt, map, meaning, opt, say, sayAny, seq, type Parser } from './parser.ts';
import { number, unit } from './quantities.ts';
import { writtenBetween, type Source } from './source.ts';
import { timing } from './times.ts';

export interface Deeds {
  readonly definition: DeviceDefinition;
  /** Of the device itself. */
  readonly names: readonly string[];
}

export interface Deed {
  readonly do: RuleAction;
  readonly timing?: Timing;
}

/** A command phrase has fewer words than this; what is longer is a text. */
const COMMAND_TOKENS_MAX = 16;

/** Every way to read the tokens as one action, and when. @param condition what is told when nothing else is said */
export function actionsIn(
  source: Source,
  from: number,
  to: number,
  condition: string,
  deeds: Deeds,
): readonly Deed[] {
  const spans: (readonly [end: number, timing?: Timing])[] = [[to]];
  for (let end = Math.max(from + 1, to - COMMAND_TOKENS_MAX); end < to; end += 1) {
    for (const [[, times], after] of seq(opt(say(',')), timing)(source, end))
      if (after === to) spans.push([end, times]);
  }
  return spans.flatMap(([end, times]) => {
    const isTimed = times !== undefined;
    const found = [
      ...toldIn(source, from, end, condition, deeds, isTimed),
      ...commandsIn(source, from, end, deeds),
    ];
    return found.map((action): Deed => ({ do: action, ...(isTimed ? { timing: times } : {}) }));
  });
}

const WHOM = opt(say('me|us|people|everybody|everyone|someone|them|the operator|the owner'));
const KIND = meaning<'alert' | 'notify' | 'ask'>(
  [
    'alert',
    'alert|warn|raise an alert|raise an alarm|raise the alarm|send an alert|send an alarm|' +
      'give an alert|sound an alarm|send me an alert|send us an alert|send out an alert|' +
      'create an alert|trigger an alert|give me an alert',
  ],
  [
    'notify',
    'notify|tell|inform|remind|message|let|send a notification|send me a notification|' +
      'send us a notification|send a notice|send me a notice|send a message|' +
      'send me a message|ping|send me a note|give me a notice',
  ],
  ['ask', 'ask'],
);
const TELL = seq(
  KIND,
  WHOM,
  opt(say('know')),
  opt(say('that|:|saying|saying that|with the text|with the message|to say|: that')),
);
/** What does not begin a text, but says under which condition, when or how: nothing that could be left out. */
const NO_TEXT = new Set(
  'unless until while but only if when whenever once and or then every each after before for between from during with without except not in at by via on as never always to'.split(
    ' ',
  ),
);

function toldIn(
  source: Source,
  from: number,
  to: number,
  condition: string,
  deeds: Deeds,
  isTimed: boolean,
): readonly RuleAction[] {
  // The longest of the ways: "alert me" is no alert with the text "me".
  const ways = TELL(source, from).filter(([, end]) => end <= to);
  const [way] = ways.toSorted(([, one], [, other]) => other - one);
  if (way === undefined) return [];
  const [[kind], end] = way;
  if (end === to) return kind === 'ask' ? [] : [{ kind, text: condition }];
  const written = writtenBetween(source, end, to);
  const quoted = /^"([^]*)"$/.exec(written)?.[1];
  if (quoted !== undefined) return quoted.trim() === '' ? [] : [{ kind, text: quoted }];
  return isTimed || !isText(source, end, to, deeds) ? [] : [{ kind, text: written }];
}

/** Whether words without quotes are only a text, and no second action or condition. */
function isText(source: Source, from: number, to: number, deeds: Deeds): boolean {
  const first = source.tokens[from];
  if (first === undefined || NO_TEXT.has(first.said)) return false;
  for (let at = from; at < to; at += 1) {
    const said = source.tokens[at]?.said;
    if (said !== 'and' && said !== 'then' && said !== ',') continue;
    const next = said === ',' && source.tokens[at + 1]?.said === 'and' ? at + 2 : at + 1;
    if (KIND(source, next).length > 0) return false;
    if (commandsIn(source, next, to, deeds).length > 0) return false;
  }
  return true;
}

function commandsIn(source: Source, from: number, to: number, deeds: Deeds): readonly RuleAction[] {
  if (to <= from || to - from > COMMAND_TOKENS_MAX) return [];
  const { definition, names } = deeds;
  const described = definition.commands.flatMap((command) => describedIn(source, from, to, command));
  if (described.length > 0) return described;
  const deed = deedOf(writtenBetween(source, from, to), definition, names);
  if (deed === undefined) return [];
  return [commandAction(deed.command, deed.value)];
}

function commandAction(name: string, value: MetricValue | null): RuleAction {
  return { kind: 'command', name, ...(value === null ? {} : { argument: value }) };
}

/** As rules are described: `send`, the name, the argument. */
function describedIn(source: Source, from: number, to: number, command: Command): readonly RuleAction[] {
  const name = spellingOf(command.name);
  const named = seq(opt(say('send')), sayAny([name]));
  return named(source, from).flatMap(([, end]) =>
    argumentOf(command)(source, end)
      .filter(([, after]) => after === to)
      .map(([value]) => commandAction(command.name, value)),
  );
}

function argumentOf({ argument }: Command): Parser<MetricValue | null> {
  if (argument === null) return map(seq(), () => null);
  switch (argument.kind) {
    case 'numeric':
      return map(seq(number, unit(argument.unit)), ([value]) => value);
    case 'binary':
      return meaning<MetricValue>([true, 'true'], [false, 'false']);
    case 'enumeration':
      return alt(...argument.values.map((value) => map(sayAny([spellingOf(value)]), () => value)));
    case 'text':
      return (source, at) => {
        const to = source.tokens.length;
        const written = writtenBetween(source, at, to).replace(/^"([^]*)"$/, '$1');
        return written === '' ? [] : [[written, to]];
      };
  }
}
