/** Doing something: by the one tool in which every word said has its place. */
import type { Knowledge } from './facts.ts';
import { isReading } from './plan-read.ts';
import type { Plan, PlanContext, Tool } from './plan.ts';
import { listedIn, misfit, propertiesOf, requiredOf } from './schema-fit.ts';
import type { Intent } from './sentence.ts';
import { findName, wordsOf } from './words.ts';

type Act = Intent & { readonly kind: 'act' };
type Schema = Tool['inputSchema'];
type Input = Record<string, unknown>;

/** Words of tool names that say that it acts, not on what. */
const VERBS = [
  'set',
  'send',
  'command',
  'turn',
  'switch',
  'do',
  'control',
  'write',
  'update',
  'change',
  'desired',
  'device',
  'actuator',
  'put',
];
const COMMAND_NAMES = [
  'command',
  'name',
  'key',
  'property',
  'target',
  'setting',
  'actuator',
  'field',
  'metric',
];
const VALUE_NAMES = [
  'value',
  'argument',
  'arguments',
  'args',
  'to',
  'state',
  'payload',
  'level',
  'on',
  'enabled',
  'position',
];
const PATCH_NAMES = ['patch', 'desired', 'state', 'values'];
/** What people call a state of a switch, and what tools do. */
const SAME_VALUE: Readonly<Record<string, readonly unknown[]>> = {
  on: ['on', true, 'start', 'open', 'enabled', 'enable'],
  off: ['off', false, 'stop', 'close', 'closed', 'disabled', 'disable'],
  open: ['open', 'opened', true],
  close: ['close', 'closed', false],
  closed: ['closed', 'close', false],
  true: [true],
  false: [false],
};

/** A way to do it; or why it nearly was one. */
type Way = { readonly input: Input; readonly score: number } | { readonly why: string };

export function planAct(intent: Act, context: PlanContext): Plan {
  const ways = context.tools
    .filter((tool) => !isReading(tool))
    .flatMap((tool) => waysOf(tool, intent, context.knowledge).map((way) => ({ tool: tool.name, ...way })));
  const calls = ways.filter((way) => 'input' in way).sort((a, b) => b.score - a.score);
  const [best, second] = calls;
  // A tool that knows what is allowed and refuses is believed before one that takes anything.
  const refusal = ways.find((way) => 'why' in way);
  if (refusal !== undefined) return { kind: 'say', text: `Not done: ${refusal.why}.` };
  if (best === undefined) return { kind: 'say', text: notUnderstood(intent, context) };
  // Two ways that are as good mean two different things: nobody but the person knows which.
  if (second?.score === best.score)
    return {
      kind: 'say',
      text: `Not done: this may mean ${best.tool} or ${second.tool}. Say "call ${best.tool} ..." to choose.`,
    };
  return { kind: 'call', tool: best.tool, input: best.input };
}

function notUnderstood({ words, value }: Act, { tools }: PlanContext): string {
  const said = [...words, ...(value === undefined ? [] : [String(value)])].join(' ');
  const names = tools.filter((tool) => !isReading(tool)).map(({ name }) => name);
  const offered =
    names.length === 0 ? 'no tool that acts is offered here' : `tools that act here: ${names.join(', ')}`;
  return `Not understood: "${said}" fits no tool in all its words, so nothing was done; ${offered}.`;
}

function waysOf(tool: Tool, { words, value }: Act, knowledge: Knowledge): Way[] {
  const isPlaced = (rest: readonly string[]): boolean => rest.every((word) => knowledge.words.has(word));
  const properties = propertiesOf(tool.inputSchema);
  return [
    ...asItself(tool, properties, words, value, isPlaced),
    ...asCommand(tool, properties, words, value, isPlaced),
    ...asProperty(tool, properties, words, value, isPlaced),
  ];
}

type IsPlaced = (rest: readonly string[]) => boolean;
type Value = Act['value'];

/** The tool is named for it: `set_vent`, `start`. */
function asItself(
  tool: Tool,
  properties: [string, Schema][],
  words: readonly string[],
  value: Value,
  isPlaced: IsPlaced,
): Way[] {
  const parts = wordsOf(tool.name);
  const target = parts.filter((part) => !VERBS.includes(part)).join(' ');
  const required = requiredOf(tool.inputSchema);
  // "turn off the pump" with a tool named `stop`: the value itself is the name.
  const asVerb = value === undefined ? [] : (SAME_VALUE[String(value)] ?? [value]).map(String);
  if (required.length === 0 && asVerb.includes(target) && isPlaced(words)) return [{ input: {}, score: 3 }];
  const found = findName(words, [target]);
  if (target === '' || found === undefined) return [];
  if (value === undefined) {
    if (required.length === 0) return isPlaced(found.rest) ? [{ input: {}, score: 5 }] : [];
    return splitValue(tool, properties, found.rest, isPlaced, required);
  }
  if (!isPlaced(found.rest)) return [];
  const slots = properties.filter(([name]) => required.length === 0 || required.includes(name));
  const [slot] = slots;
  if (slot === undefined || required.length > 1) return [];
  return [fill(`${tool.name} ${slot[0]}`, slot[1], value, (fitting) => ({ [slot[0]]: fitting }), 6)];
}

/** "open the vent" with `set_vent {value: open | closed}`: one of the words left is the value. */
function splitValue(
  tool: Tool,
  properties: [string, Schema][],
  rest: readonly string[],
  isPlaced: IsPlaced,
  required: readonly string[],
): Way[] {
  const slot = properties.find(([name]) => name === required[0]);
  if (slot === undefined || required.length !== 1) return [];
  return rest.flatMap((word, index) => {
    if (!isPlaced(rest.toSpliced(index, 1))) return [];
    const way = fill(tool.name, slot[1], word, (fitting) => ({ [slot[0]]: fitting }), 5);
    return 'input' in way ? [way] : [];
  });
}

/** One tool for all commands: `send_command {name: 'vent' | 'stop', value?}`. */
function asCommand(
  tool: Tool,
  properties: [string, Schema][],
  words: readonly string[],
  value: Value,
  isPlaced: IsPlaced,
): Way[] {
  const slot = properties.find(
    ([name, schema]) => COMMAND_NAMES.includes(name.toLowerCase()) && listedIn(schema) !== undefined,
  );
  if (slot === undefined) return [];
  const names = (listedIn(slot[1]) ?? []).filter((name) => typeof name === 'string');
  const argument = properties.find(([name]) => name !== slot[0] && VALUE_NAMES.includes(name.toLowerCase()));
  const isComplete = (input: Input): boolean =>
    requiredOf(tool.inputSchema).every((name) => Object.hasOwn(input, name));
  const ways: Way[] = [];
  const asVerb =
    value === undefined
      ? undefined
      : (SAME_VALUE[String(value)] ?? []).find((name) => names.includes(String(name)));
  if (asVerb !== undefined && isPlaced(words)) ways.push({ input: { [slot[0]]: asVerb }, score: 3 });
  const found = findName(words, names);
  if (found !== undefined && value === undefined && isPlaced(found.rest))
    ways.push({ input: { [slot[0]]: found.name }, score: 5 });
  if (found !== undefined && argument !== undefined) {
    const put = (fitting: unknown): Input => ({ [slot[0]]: found.name, [argument[0]]: fitting });
    if (value !== undefined && isPlaced(found.rest))
      ways.push(fill(`${found.name} ${argument[0]}`, argument[1], value, put, 6));
    const [word] = found.rest;
    if (value === undefined && found.rest.length === 1 && word !== undefined && isValue(word, argument[1]))
      ways.push(fill(`${found.name} ${argument[0]}`, argument[1], word, put, 4));
  }
  return ways.filter((way) => 'why' in way || isComplete(way.input));
}

/** The tool has an argument named for it: `set_desired {target: number, vent: ...}`, flat or within `patch`. */
function asProperty(
  tool: Tool,
  properties: [string, Schema][],
  words: readonly string[],
  value: Value,
  isPlaced: IsPlaced,
): Way[] {
  if (value === undefined) return [];
  const patch = properties.find(
    ([name, schema]) => PATCH_NAMES.includes(name) && propertiesOf(schema).length > 0,
  );
  const inner = patch === undefined ? properties : propertiesOf(patch[1]);
  const open = inner.filter(
    ([name]) => ![...COMMAND_NAMES, ...VALUE_NAMES].includes(name) || patch !== undefined,
  );
  const found = findName(
    words,
    open.map(([name]) => name),
  );
  const slot = open.find(([name]) => name === found?.name);
  if (found === undefined || slot === undefined || !isPlaced(found.rest)) return [];
  const put = (fitting: unknown): Input =>
    patch === undefined ? { [slot[0]]: fitting } : { [patch[0]]: { [slot[0]]: fitting } };
  const way = fill(slot[0], slot[1], value, put, 6);
  if ('why' in way) return [way];
  return requiredOf(tool.inputSchema).every((name) => Object.hasOwn(way.input, name)) ? [way] : [];
}

/** Whether a word that is left over can only be the value: any other ("don't") would change what is meant. */
function isValue(word: string, schema: Schema): boolean {
  return listedIn(schema)?.includes(word) === true || Object.hasOwn(SAME_VALUE, word);
}

function fill(
  what: string,
  schema: Schema,
  value: string | number,
  put: (fitting: unknown) => Input,
  score: number,
): Way {
  const variants = [value, ...(SAME_VALUE[String(value)] ?? [])];
  // A schema that allows anything gets the word as it was said, not one we prefer.
  const fitting = variants.find((variant) => misfit(schema, variant) === undefined);
  if (fitting !== undefined) return { input: put(fitting), score };
  return { why: `${what} does not take ${String(value)}: ${misfit(schema, value) ?? ''}` };
}
