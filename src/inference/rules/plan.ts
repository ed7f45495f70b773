/**
 * From what is wanted to what can be done with the tools offered.
 * I1 A tool that acts is called only if every word of the sentence has its place: in the tool's name, in one
 *    of its arguments, or as a name of this agent.
 * I2 Every argument fits the tool's schema, and every required one is there; nothing is made up.
 */
import type { LanguageModelV4FunctionTool } from '../language-model.ts';
import { FLEET_HELP, isFleet } from './fleet-plan.ts';
import { planAct } from './plan-act.ts';
import { planRead } from './plan-read.ts';
import type { Knowledge } from './facts.ts';
import { misfit, propertiesOf, requiredOf } from './schema-fit.ts';
import type { Intent } from './sentence.ts';
import { wordsOf } from './words.ts';

export type Tool = LanguageModelV4FunctionTool;

/** What comes of it: a call, or what to say. */
export type Plan =
  | { readonly kind: 'call'; readonly tool: string; readonly input: Readonly<Record<string, unknown>> }
  | { readonly kind: 'say'; readonly text: string };

export interface PlanContext {
  readonly tools: readonly Tool[];
  readonly knowledge: Knowledge;
  readonly nowMs: number;
}

export function planFor(intent: Intent, context: PlanContext): Plan {
  switch (intent.kind) {
    case 'read':
      return planQuestion(intent, context);
    case 'act':
      return planAct(intent, context);
    case 'list':
      return planList(intent, context);
    case 'later':
      return planLater(intent, context);
    case 'call':
      return planCall(intent, context);
    case 'help':
      return { kind: 'say', text: help(context) };
    case 'unclear':
      return { kind: 'say', text: `Not understood: ${intent.why}.` };
  }
}

/** What the rules can do with these tools, for people. */
function help({ tools, knowledge }: PlanContext): string {
  if (isFleet(tools)) return FLEET_HELP;
  const names = [...knowledge.facts.keys()].slice(0, 10);
  const known = names.length === 0 ? '' : ` Known here: ${names.join(', ')}.`;
  const offered = tools.slice(0, 20).map(({ name, inputSchema }) => {
    const properties = propertiesOf(inputSchema).map(([property]) => `${property}=...`);
    return `call ${[name, ...properties].join(' ')}`;
  });
  const direct = offered.length === 0 ? '' : ` Tools, called directly: ${offered.join('; ')}.`;
  return (
    'Understood are sentences such as "what is the temperature", "average temperature of the last hour", ' +
    `"turn on the pump", "set target to 21", "list rules", one thing at a time.${known}${direct}`
  );
}

/** "Show me the rules" is a list of something, or the value of something. */
function planQuestion(intent: Intent & { kind: 'read' }, context: PlanContext): Plan {
  const list = planList({ kind: 'list', words: intent.words }, context);
  return intent.windowMs === undefined && list.kind === 'call' ? list : planRead(intent, context);
}

function planList({ words }: Intent & { kind: 'list' }, { tools }: PlanContext): Plan {
  const singular = words.map((word) => word.replace(/s$/, ''));
  const found = tools.find(({ name, inputSchema }) => {
    const parts = wordsOf(name).map((part) => part.replace(/s$/, ''));
    const isListing = parts.some((part) => ['list', 'show', 'find', 'search'].includes(part));
    return (
      isListing && requiredOf(inputSchema).length === 0 && singular.every((word) => parts.includes(word))
    );
  });
  if (found !== undefined) return { kind: 'call', tool: found.name, input: {} };
  return { kind: 'say', text: `No tool offered here lists ${words.join(' ')}.` };
}

const SENTENCE_NAMES = ['text', 'sentence', 'rule', 'request', 'instruction'];

/** A request for later goes, as it was said, to a tool that understands sentences; never to one that acts now. */
function planLater({ text, isCondition }: Intent & { kind: 'later' }, { tools }: PlanContext): Plan {
  const wanted = isCondition ? ['rule', 'automation'] : ['schedule', 'timer', 'later', 'reminder'];
  for (const { name, inputSchema } of tools) {
    if (!wordsOf(name).some((part) => wanted.includes(part.replace(/s$/, '')))) continue;
    const property = propertiesOf(inputSchema).find(([key]) => SENTENCE_NAMES.includes(key));
    if (property === undefined || misfit(property[1], text) !== undefined) continue;
    if (requiredOf(inputSchema).every((key) => key === property[0]))
      return { kind: 'call', tool: name, input: { [property[0]]: text } };
  }
  const what = isCondition ? 'depends on a condition' : 'is for another time';
  return {
    kind: 'say',
    text: `Not done: this ${what}, and no tool offered here takes such a sentence. Nothing was started now.`,
  };
}

/** `call tool name=value other="two words" patch={"target": 21}` */
function planCall({ tool: wanted, text }: Intent & { kind: 'call' }, { tools }: PlanContext): Plan {
  const tool = tools.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (tool === undefined) {
    const names = tools.map(({ name }) => name).join(', ') || 'none';
    return { kind: 'say', text: `There is no tool "${wanted}" here; offered are: ${names}.` };
  }
  const properties = new Map(propertiesOf(tool.inputSchema));
  const input: Record<string, unknown> = {};
  const rest = text.replace(
    /([\w-]+) ?= ?(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}|"(?:[^"\\]|\\.)*"|[^\s,]+),?/g,
    (_, name: string, raw: string) => {
      input[name] = literal(raw);
      return '';
    },
  );
  if (rest.trim() !== '')
    return { kind: 'say', text: `Not understood: "${rest.trim()}" is not of the form name=value.` };
  for (const [name, value] of Object.entries(input)) {
    const schema = properties.get(name);
    const why = schema === undefined ? `${tool.name} has no argument of this name` : misfit(schema, value);
    if (why !== undefined) return { kind: 'say', text: `${name}=${String(value)} does not fit: ${why}.` };
  }
  const missing = requiredOf(tool.inputSchema).filter((name) => !Object.hasOwn(input, name));
  if (missing.length > 0) return { kind: 'say', text: `${tool.name} needs ${missing.join(', ')} as well.` };
  return { kind: 'call', tool: tool.name, input };
}

function literal(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw; // a bare word is a text
  }
}
