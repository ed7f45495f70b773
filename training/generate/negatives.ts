/** Sentences that are no rule for the device: questions, orders for now or later, halves, and what the device does not have. */
import { wordsOfName } from '../../src/agent/rules/translator/device-words.ts';
import { sayNumber, someDuration, someNumber, someTime } from './amounts.ts';
import { makeCondition, rangeOf, sayMetric } from './conditions.ts';
import { makeDevice } from './devices.ts';
import { Maker } from './maker.ts';
import { list } from './phrases.ts';
import { expand } from './random.ts';
import { makeAction, sayCommand, type MadeSentence } from './sentences.ts';

/** Each kind with how often it comes. Undefined: the device has nothing to make one of. */
const KINDS: readonly (readonly [number, (maker: Maker) => string | undefined])[] = [
  [10, question],
  [8, order],
  [8, orderForLater],
  [6, halfCondition],
  [6, halfSentence],
  [10, foreignMetric],
  [9, foreignCommand],
  [14, tooMuch],
  [8, vague],
  [9, chat],
  [4, withoutArgument],
  [4, management],
  [4, mixedGroup],
  [4, statement],
  [4, ambiguous],
];
const TOTAL = KINDS.reduce((sum, [weight]) => sum + weight, 0);

export function makeNegative(maker: Maker): MadeSentence {
  for (;;) {
    let left = maker.random.next() * TOTAL;
    const made = KINDS.find(([weight]) => (left -= weight) < 0)?.[1](maker);
    if (made !== undefined) return { sentence: made, rule: undefined };
  }
}

function question(maker: Maker): string {
  const { random, device } = maker;
  const metric = random.pick(device.metrics);
  const command = device.commands.length > 0 ? random.pick(device.commands) : undefined;
  const slots = {
    b: sayMetric(maker, metric, true),
    d: someDuration(random).text,
    c: command === undefined ? 'rule' : wordsOfName(command.name).join(' '),
    n: sayNumber(someNumber(rangeOf(metric), random), metric.unit, random),
    t: someTime(random).text,
  };
  return maker.say(list('NOT QUESTION'), slots);
}

function order(maker: Maker): string | undefined {
  const { device, random } = maker;
  if (device.commands.length === 0) return undefined;
  const { text } = sayCommand(maker, random.pick(device.commands));
  return maker.say(list('NOT ORDER'), { A: text });
}

function orderForLater(maker: Maker): string | undefined {
  const { device, random } = maker;
  const action =
    device.commands.length > 0
      ? sayCommand(maker, random.pick(device.commands)).text
      : makeAction(maker).text;
  const slots = {
    A: action,
    t: someTime(random).text,
    d: someDuration(random).text,
    y: random.pick(['monday', 'sunday', 'weekday', 'friday', 'saturday']),
    s: someTime(random).text,
  };
  return maker.say(list('NOT LATER'), slots);
}

function halfCondition(maker: Maker): string {
  const { text } = makeCondition(maker);
  return maker.say(list('NOT HALF CONDITION'), { C: text });
}

/** Cut before its last part. */
function halfSentence(maker: Maker): string | undefined {
  const { random } = maker;
  const action = makeAction(maker);
  const metric = random.pick(maker.device.metrics);
  return maker.say(list('NOT HALF SENTENCE'), { A: action.text, b: sayMetric(maker, metric, true) });
}

function foreignMetric(maker: Maker): string | undefined {
  const other = foreign(maker);
  const { text } = makeCondition(other);
  if (isKnown(maker, text)) return undefined;
  const action = makeAction(maker);
  const own = maker.random.chance(0.25) ? makeCondition(maker).text : undefined;
  const join = maker.random.pick(['and', 'or']);
  const condition =
    own === undefined ? text : maker.random.chance(0.5) ? `${text} ${join} ${own}` : `${own} ${join} ${text}`;
  return maker.say(list('NOT FOREIGN'), { C: condition, A: action.text });
}

function foreignCommand(maker: Maker): string | undefined {
  const other = foreign(maker);
  if (other.device.commands.length === 0) return undefined;
  const { text } = sayCommand(other, maker.random.pick(other.device.commands));
  if (isKnown(maker, text)) return undefined;
  return maker.say(list('NOT FOREIGN'), { C: makeCondition(maker).text, A: text });
}

/** A maker for another device. */
function foreign(maker: Maker): Maker {
  const other = new Maker(
    maker.random,
    { ...makeDevice(maker.random, false), model: maker.device.model },
    'train',
    maker.usesLater,
  );
  return other;
}

const COMMON = new Set(
  'set the to is a an of at or and in on off open closed close shut above below over under more less than it level value for turn switch no not has been'.split(
    ' ',
  ),
);

/** Whether a sentence about another device could be about this one. */
function isKnown({ device }: Maker, text: string): boolean {
  const own = new Set<string>();
  for (const { name } of [...device.metrics, ...device.commands])
    for (const word of wordsOfName(name)) own.add(word.slice(0, 4));
  const words = text
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => !COMMON.has(word));
  const isSemantic =
    /temp|°|degree|hot|warm|cold|cool|it (?:is|goes|gets)|we are|^(?:above|below|over|under|more|less|at) |turn|switch|start|stop|power|shut|halt|kill/.test(
      text.toLowerCase(),
    );
  return isSemantic || words.some((word) => own.has(word.slice(0, 4)));
}

/** A rule and something a rule cannot say. */
function tooMuch(maker: Maker): string | undefined {
  const { random } = maker;
  const action = makeAction(maker).text;
  const other = makeAction(maker).text;
  if (action === other) return undefined;
  const { text: condition, metric } = makeCondition(maker);
  const slots = {
    C: condition,
    A: action,
    B: other,
    d: someDuration(random).text,
    b: sayMetric(maker, metric, true),
    t: someTime(random).text,
  };
  return maker.say(list('NOT TOO MUCH'), slots);
}

function vague(maker: Maker): string {
  const { random, device } = maker;
  const metric = random.pick(device.metrics);
  const quality = maker.known(metric)?.quality;
  const slots = {
    A: makeAction(maker).text,
    b: sayMetric(maker, metric, true),
    more: quality?.more ?? 'worse',
    less: quality?.less ?? 'better',
    q: random.pick(['hot', 'cold', 'high', 'low', 'wet', 'fast', 'loud', 'dark']),
    d: someDuration(random).text,
  };
  const templates = list('NOT VAGUE');
  const text = maker.say(templates, slots);
  return /rain|data comes/.test(text) && device.metrics.some(({ name }) => /rain|data/.test(name))
    ? chat(maker)
    : text;
}

const CHATS = list('NOT CHAT');

function chat(maker: Maker): string {
  return maker.say(CHATS);
}

function withoutArgument(maker: Maker): string | undefined {
  const { device, random } = maker;
  const commands = device.commands.filter(({ argument }) => argument !== null);
  if (commands.length === 0) return undefined;
  const c = wordsOfName(random.pick(commands).name).join(' ').replace(/^set /, '');
  return maker.say(list('NOT WITHOUT ARGUMENT'), {
    C: makeCondition(maker).text,
    c,
    A: random.pick(['raise', 'lower', 'use']),
  });
}

function management(maker: Maker): string {
  const { random, device } = maker;
  const metric = random.pick(device.metrics);
  return maker.say(list('NOT MANAGEMENT'), {
    b: sayMetric(maker, metric, true),
    n: sayNumber(someNumber(rangeOf(metric), random), metric.unit, random),
  });
}

/** "a and b or c" has no one meaning. */
function mixedGroup(maker: Maker): string | undefined {
  const { random, device } = maker;
  const [one, two, three] = random.some(device.metrics, 3).map((metric) => makeCondition(maker, metric).text);
  if (three === undefined) return undefined;
  const joined = expand(
    '(if|when) {1} (and {2} or|or {2} and) {3}',
    { 1: one ?? '', 2: two ?? '', 3: three },
    random,
  );
  return `${joined}, ${makeAction(maker).text}`;
}

function statement(maker: Maker): string {
  const { random, device } = maker;
  const metric = random.pick(device.metrics);
  return maker.say(list('NOT STATEMENT'), {
    b: sayMetric(maker, metric, true),
    n: sayNumber(someNumber(rangeOf(metric), random), metric.unit, random),
  });
}

/** A word that is in the names of two metrics. */
function ambiguous(maker: Maker): string | undefined {
  const { device, random } = maker;
  for (const metric of device.metrics) {
    const words = wordsOfName(metric.name);
    const last = words.at(-1) ?? '';
    const like = device.metrics.filter(
      (one) => one.kind === 'numeric' && wordsOfName(one.name).includes(last),
    );
    if (words.length < 2 || like.length < 2 || like.some(({ name }) => name === last)) continue;
    const n = sayNumber(someNumber(rangeOf(metric), random), metric.unit, random);
    return maker.say(list('NOT AMBIGUOUS'), { b: last, n, A: makeAction(maker).text });
  }
  return undefined;
}
