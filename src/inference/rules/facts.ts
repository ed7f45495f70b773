/** What the system prompt states: numbers, words and truths by name, from JSON in it and from lines `name: value`. */
import type { LanguageModelV4Prompt } from '../language-model.ts';
import { limits } from '../../base/limits.ts';

export type Fact = string | number | boolean;

export interface Knowledge {
  readonly facts: ReadonlyMap<string, Fact>;
  /** Words for this agent, from "You are ..." and facts such as `device`: whoever says one speaks of it. */
  readonly words: ReadonlySet<string>;
}

/** The knowledge in `prompt`; nothing that users or tools said is taken for a fact. */
export function knowledgeOf(prompt: LanguageModelV4Prompt): Knowledge {
  const text = prompt
    .flatMap((message) => (message.role === 'system' ? [message.content] : []))
    .join('\n')
    .slice(0, limits.modelRulesPromptCharactersMax);
  const facts = new Map<string, Fact>();
  let rest = text;
  for (const { object, json } of objectsIn(text)) {
    collect(object, '', facts, 0);
    rest = rest.replace(json, '');
  }
  for (const [, name = '', value = ''] of rest.matchAll(
    /^[\t *-]*([\p{L}][\p{L}\p{N} _.-]{0,63}?) *[:=] *(\S.{0,199})$/gmu,
  ))
    add(facts, name, scalar(value.trim()));
  return { facts, words: namesIn(text, facts) };
}

const IDENTITY = /(?:^|\.)(?:agent|device|model|id|name|label|location|room|vendor)$/i;
/** Never a name: each changes what a sentence means. */
const NO_NAMES =
  /^(?:not?|never|none|nor|dont|cannot|without|except|but|instead|other|another|others|all|every|each|any|both|only|if|when|unless|until|while|once|then|after|before|later|soon|in|at|on|off|by|or|and|than|over|under|again|do|does|did|should|would|could|must|may|might|why|how|who|where|maybe|stop|start|undo|avoid|prevent|wait|cancel)$/;

function namesIn(text: string, facts: ReadonlyMap<string, Fact>): Set<string> {
  const [, self = ''] = /\byou are ([^.\n]{1,200})/i.exec(text) ?? [];
  const named = [...facts].flatMap(([path, value]) => (IDENTITY.test(path) ? [String(value)] : []));
  const words =
    [self, ...named]
      .join(' ')
      .toLowerCase()
      .match(/[\p{L}\p{N}_~-]+/gu) ?? [];
  return new Set(
    words.flatMap((word) => [word, ...word.split(/[-_~]+/)]).filter((word) => !NO_NAMES.test(word)),
  );
}

/** Top-level JSON objects in a text, found by their braces. */
function* objectsIn(text: string): Generator<{ object: object; json: string }> {
  for (let start = text.indexOf('{'); start >= 0;) {
    const end = closingBrace(text, start);
    if (end === undefined) return;
    const json = text.slice(start, end + 1);
    const object = parsed(json);
    if (object !== undefined) yield { object, json };
    start = text.indexOf('{', end + 1);
  }
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 0;
  let isText = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (isText && character === '\\') at++;
    else if (character === '"') isText = !isText;
    else if (!isText && character === '{') depth++;
    else if (!isText && character === '}' && --depth === 0) return at;
  }
  return undefined;
}

function parsed(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // braces in prose
  }
}

function collect(object: object, path: string, facts: Map<string, Fact>, depth: number): void {
  for (const [key, value] of Object.entries(object)) {
    const name = path === '' ? key : `${path}.${key}`;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      add(facts, name, value);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 4)
      collect(value as object, name, facts, depth + 1); // checked just before
  }
}

function add(facts: Map<string, Fact>, name: string, value: Fact): void {
  if (facts.size < limits.modelRulesFactsMax) facts.set(name, value);
}

function scalar(text: string): Fact {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
