/** Sentences that are no rule for the device: questions, orders for now or later, halves, and what the device does not have. */
import { wordsOfName } from '../../src/agent/rules/translator/device-words.ts';
import { sayNumber, someDuration, someNumber, someTime } from './amounts.ts';
import { makeCondition, rangeOf, sayMetric } from './conditions.ts';
import { makeDevice } from './devices.ts';
import { Maker } from './maker.ts';
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
  return maker.say(
    [
      'what is the {b} [right now|now|today]?',
      'how (high|low|much) is the {b}?',
      'what was the (highest|lowest|average) {b} (today|yesterday|last week|in the last {d})?',
      'show me the {b}',
      'is the {b} (above|below|over) {n}?',
      'tell me the {b} [now|please]',
      'is the {c} on?',
      'why did the {c} (go off|start|open|trigger)?',
      'when did the {b} last (change|rise|fall)?',
      'who (opened|changed|started) the {c}?',
      'did the {b} (exceed|pass|reach) {n} (today|yesterday)?',
      'how long has the {b} been (above|below) {n}?',
      'what happens (when|if) the {b} is (above|below) {n}?',
      'can you tell me the {b}?',
      'do you know the {b}',
      '{b}?',
      'give me the {b} of the last {d}',
      'how often was the {b} (above|below) {n}?',
      'is it (ok|bad|normal) (if|when) the {b} is {n}?',
      'what can you do?',
      'was the {c} on at {t}?',
      'what is the {c} set to',
      'how is the {model}',
      'is the {c} working?',
      'where is the {model}?',
      'tell me (when|why) the {b} was {n}',
    ],
    slots,
  );
}

function order(maker: Maker): string | undefined {
  const { device, random } = maker;
  if (device.commands.length === 0) return undefined;
  const { text } = sayCommand(maker, random.pick(device.commands));
  return maker.say(
    [
      '{A}',
      '{A} (now|please|immediately|right now)',
      'please {A}',
      'can you {A}?',
      'I want you to {A}',
      '{A} for me',
      'go ahead and {A}',
      'could you {A} please',
      '{A}!',
      'hey {A}',
    ],
    { A: text },
  );
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
  return maker.say(
    [
      '{A} at {t}',
      '{A} in {d}',
      '{A} every day at {t}',
      'at {t} {A}',
      'every {y} at {t} {A}',
      '{A} (tomorrow|tonight|later|every morning|every evening|daily|every hour|at sunset|at sunrise|at night)',
      'every {d} {A}',
      '{A} for {d}',
      'in {d} {A}',
      'when it is {t}, {A}',
      '{A} every {y}',
      '{A} after {d}',
      'each day at {t} {A}',
      '{A} from {t} to {s}',
      '{A} between {t} and {s}',
      'on {y} {A}',
      '{A} until {t}',
      'wait {d} and {A}',
    ],
    slots,
  );
}

function halfCondition(maker: Maker): string {
  const { text } = makeCondition(maker);
  return maker.say(
    [
      'if {C}',
      'when {C}',
      '{C}',
      'whenever {C},',
      'once {C}',
      'as soon as {C}',
      '{C} ...',
      'only if {C}',
      'if {C} then',
      'when {C} please',
    ],
    { C: text },
  );
}

/** Cut before its last part. */
function halfSentence(maker: Maker): string | undefined {
  const { random } = maker;
  const action = makeAction(maker);
  const metric = random.pick(maker.device.metrics);
  return maker.say(
    [
      '{A} if',
      '{A} when the {b}',
      '{A} when the {b} is',
      '{A} if {b} (above|below|over)',
      'if the {b}',
      'when {b} is above',
      'if {b} is below then {A}',
      '{A} as soon as',
      'whenever the {b} (rises|falls) {A}',
      '{A} if the {b} is more than',
      'if {A}',
      'when',
      'if the {b} is',
      '{A} when it is',
      'when the {b} changes {A}',
      '{A} or when',
      'if, {A}',
    ],
    { A: action.text, b: sayMetric(maker, metric, true) },
  );
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
  return maker.say(
    [
      'if {C}, {A}',
      '{A} when {C}',
      'when {C} {A}',
      '{A} if {C}',
      'once {C}, {A}',
      '{C}: {A}',
      'whenever {C}, {A}',
      '{A} as soon as {C}',
    ],
    { C: condition, A: action.text },
  );
}

function foreignCommand(maker: Maker): string | undefined {
  const other = foreign(maker);
  if (other.device.commands.length === 0) return undefined;
  const { text } = sayCommand(other, maker.random.pick(other.device.commands));
  if (isKnown(maker, text)) return undefined;
  return maker.say(
    [
      'if {C}, {A}',
      '{A} when {C}',
      'when {C} {A}',
      '{A} if {C}',
      'once {C}, {A}',
      '{C}: {A}',
      'whenever {C}, {A}',
      '{A} as soon as {C}',
    ],
    { C: makeCondition(maker).text, A: text },
  );
}

/** A maker for another device. */
function foreign(maker: Maker): Maker {
  const other = new Maker(
    maker.random,
    { ...makeDevice(maker.random, false), model: maker.device.model },
    'train',
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
  return maker.say(
    [
      'if {C}, {A} and {B}',
      'when {C}, {A}, otherwise {B}',
      'if {C} {A}, else {B}',
      '{A} and then {B} when {C}',
      '{A} when {C} and {B} when it is over',
      'if {C} do not {A}',
      'do not {A} when {C}',
      'never {A} if {C}',
      '{A} unless {C}',
      'unless {C}, {A}',
      'if {C}, wait {d} and then {A}',
      '{A} {d} after {C}',
      'if {C}, {A} for {d}',
      '{A} until {C}',
      'if {C}, {A} and after {d} {B}',
      '{A} if {C}, and {B}',
      'when {C} {A} and also {B}',
      '{A}, then {B}, if {C}',
      'if {C} {A} at {t}',
      'keep the {b} (at|below|above) 20',
      'if {C} stop watching',
      '{A} before {C}',
      'if {C}, ask me whether to {A}',
      'only {A} once a day if {C}',
      'if {C}, {A} every {d}',
      'if {C} twice in {d}, {A}',
      'do not {A}, even if {C}',
      '{A} except when {C}',
      'if {C} {A} or {B}',
      'if not, {A}',
      '{A} when {C}, but not if it was so yesterday',
      'when {C}, {A} and tell my neighbour to {B}',
    ],
    slots,
  );
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
  const templates = [
    'when the {b} is too (high|low), {A}',
    '{A} if {b} (gets|is) (high|low)',
    'if it gets too {q}, {A}',
    'when it is {q} {A}',
    '{A} when it gets {q}',
    '{A} when the {b} is (bad|strange|unusual|good|critical)',
    'if the {b} doubles {A}',
    '{A} if something is wrong',
    '{A} when necessary',
    'if {b} looks odd, {A}',
    '{A} when the {b} is normal again',
    '{A} if the weather is bad',
    'when I come home {A}',
    'if nobody is at home {A}',
    'make it {q}',
    'I am {q}',
    '{A} when I say so',
    'if {b} is above average {A}',
    '{A} if it is (raining|snowing|sunny)',
    'when my car is full {A}',
    'if {b} is higher than usual, {A}',
    '{A} soon',
    'if no data comes for {d} {A}',
  ];
  const text = maker.say(templates, slots);
  return /rain|data comes/.test(text) && device.metrics.some(({ name }) => /rain|data/.test(name))
    ? chat(maker)
    : text;
}

const CHATS =
  "hello|hi there|good morning|thanks|thank you very much|how are you|who are you?|what is this|tell me a joke|ok|okay great|yes|no|never mind|forget it|help|help me please|stop it|cancel that|what do you mean|I do not understand|you are great|this does not work|the weather is nice|I like turtles|test|testing 1 2 3|asdf|lorem ipsum|do it|do that again|what time is it|it is 5 o'clock|see you tomorrow|my name is Bob|the door is red|it broke|oh no|please|can you help me with something?|buy milk|call me at 7|where am I|why|sure|nice work|undo|go on|again|the same as yesterday|what a day|I will be back in 10 minutes|everything is fine|make my life easier|turn it up|are you there?|how does this work|read me the news|play some music|the {model} is broken|I bought a new {model}|the {model} is 5 years old|is the {model} yours?|clean the {model}|paint the {model} red|my {model} likes me|sell the {model}|the {model} was made in 2019|how much is a new {model}|nothing|wait 5 minutes|good night|come back at 10:00|the number is 42|add 3 and 4|30|above 30|for 5 minutes|between 8:00 and 9:00|now|on|off|the".split(
    '|',
  );

function chat(maker: Maker): string {
  return maker.say(CHATS);
}

function withoutArgument(maker: Maker): string | undefined {
  const { device, random } = maker;
  const commands = device.commands.filter(({ argument }) => argument !== null);
  if (commands.length === 0) return undefined;
  const c = wordsOfName(random.pick(commands).name).join(' ').replace(/^set /, '');
  return maker.say(
    [
      'if {C}, change the {c}',
      'when {C} set the {c}',
      '{c} if {C}',
      'if {C}, do something with the {c}',
      'adjust the {c} when {C}',
      'flip the {c} when {C}',
      'toggle the {c} if {C}',
      'when {C}, {c}',
      '{A} the {c} when {C}',
    ],
    { C: makeCondition(maker).text, c, A: random.pick(['raise', 'lower', 'use']) },
  );
}

function management(maker: Maker): string {
  const { random, device } = maker;
  const metric = random.pick(device.metrics);
  return maker.say(
    [
      'delete the rule about {b}',
      'remove all rules',
      'show me the rules',
      'list my rules',
      'which rules are there for {b}?',
      'change the rule for {b} to {n}',
      'disable the {b} rule',
      'undo the last rule',
      'rename the rule',
      'what rules do you have',
      'stop alerting me about {b}',
      'no more alerts when {b} is above {n}',
      'forget what I said about {b}',
      'edit rule 3',
      'the rule for {b} is wrong',
      'copy the rule',
    ],
    {
      b: sayMetric(maker, metric, true),
      n: sayNumber(someNumber(rangeOf(metric), random), metric.unit, random),
    },
  );
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
  return maker.say(
    [
      'the {b} is {n}',
      'the {b} was {n} yesterday',
      'the {b} has been {n} all day',
      'yesterday the {b} was above {n} and nothing happened',
      'I think the {b} is too high',
      '{b} {n}',
      'the {b} should be {n}',
      'the {b} rose to {n} and then it stopped',
      'I read that {b} must not be above {n}',
      'it was {n} this morning',
      'we had {n} last night',
      'the {b} never goes above {n}',
      'the {b} sensor is broken',
      'my {b} is better than yours',
      'the {b} must stay (above|below) {n}',
    ],
    {
      b: sayMetric(maker, metric, true),
      n: sayNumber(someNumber(rangeOf(metric), random), metric.unit, random),
    },
  );
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
    return maker.say(
      [
        'if the {b} is above {n}, {A}',
        '{A} when {b} is below {n}',
        'when {b} exceeds {n} {A}',
        '{A} if the {b} drops under {n}',
      ],
      { b: last, n, A: makeAction(maker).text },
    );
  }
  return undefined;
}
