/**
 * TypeScript declarations of the tools, for the model that writes against them. Names, descriptions and schemas may come
 * from servers elsewhere: nothing of them leaves its comment, its string or its place in the type, and everything has a
 * limit. A type is a help, never a check: arguments are held against the schema when a call is made.
 */
import { limits } from '../../base/limits.ts';
import { resolveReference, type JsonSchema } from './schema-check.ts';
import type { ToolBinding } from './tool-host.ts';

/** What a declaration needs to know of a tool. */
export type DeclaredTool = Pick<
  ToolBinding,
  'namespace' | 'name' | 'description' | 'inputSchema' | 'outputSchema'
>;

/** `declare const env: { ... }` with all the tools given, grouped by namespace; answers that recur are declared once. */
export function declareTools(tools: readonly DeclaredTool[]): string {
  const written = tools.map((tool) => ({ tool, answer: answerOf(tool, UNKNOWN) }));
  const shared = sharedTypes(written.map(({ answer }) => answer));
  const groups = Map.groupBy(written, ({ tool: { namespace } }) => namespace);
  const parts = [...groups].map(([namespace, members]) => {
    const lines = members.map(({ tool, answer }) => {
      const { description } = tool;
      return indent(
        `${comment(description)}${memberOf(tool, shared.get(answer) ?? answer, UNKNOWN)}`,
        '    ',
      );
    });
    return `  ${propertyName(namespace)}: {\n${lines.join('\n')}\n  };`;
  });
  const types = [...shared].map(([type, name]) => `type ${name} = ${type};\n`);
  return `${types.join('')}declare const env: {\n${parts.join('\n')}\n};\n`;
}

/**
 * The type of `env` for a checker: without comments, and what a schema does not say is `any`, so that a program is free
 * to know more than the schema.
 */
export function envType(tools: readonly DeclaredTool[]): string {
  const groups = Map.groupBy(tools, ({ namespace }) => namespace);
  const parts = [...groups].map(([namespace, members]) => {
    const lines = members.map((tool) => memberOf(tool, answerOf(tool, 'any'), 'any'));
    return `${propertyName(namespace)}: {\n${lines.join('\n')}\n};`;
  });
  return `{\n${parts.join('\n')}\n}`;
}

/** What stands where a schema says nothing. */
type Unsaid = 'unknown' | 'any';

const UNKNOWN = 'unknown';

/** Characters from which a type that recurs has a name of its own. */
const SHARED_CHARACTERS_MIN = 40;

/** Names of types that occur more than once, by their text. */
function sharedTypes(types: readonly string[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  const shared = [...counts].filter(([type, count]) => count > 1 && type.length >= SHARED_CHARACTERS_MIN);
  return new Map(shared.map(([type], i) => [type, `Answer${i + 1}`]));
}

function answerOf({ outputSchema }: DeclaredTool, unsaid: Unsaid): string {
  return outputSchema === undefined ? unsaid : new TypeWriter(outputSchema, unsaid).write(outputSchema);
}

function memberOf({ name, inputSchema }: DeclaredTool, answer: string, unsaid: Unsaid): string {
  const input = takesNothing(inputSchema) ? '{}' : new TypeWriter(inputSchema, unsaid).write(inputSchema);
  const mark = isOptional(inputSchema) ? '?' : '';
  return `${propertyName(name)}(args${mark}: ${input}): Promise<${answer}>;`;
}

function takesNothing(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return false;
  const { type, properties, additionalProperties } = schema;
  return type === 'object' && additionalProperties === false && Object.keys(properties ?? {}).length === 0;
}

function isOptional(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return true;
  const { required } = schema;
  return !Array.isArray(required) || required.length === 0;
}

/** A description as a comment that cannot be left: no control characters, no end of a comment, no line of its own. */
function comment(text: unknown): string {
  const clean = plain(text, limits.declarationTextMax);
  return clean === '' ? '' : `/** ${clean.replaceAll('*/', '*\\/')} */\n`;
}

/** One line: control, format (bidirectional) and separator characters become blanks. */
function plain(text: unknown, charactersMax: number): string {
  if (typeof text !== 'string') return '';
  const line = text
    .slice(0, charactersMax * 2)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return line.length <= charactersMax ? line : `${line.slice(0, charactersMax - 1).toWellFormed()}…`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : JSON.stringify(plain(name, 200));
}

function indent(text: string, by: string): string {
  return text.replace(/^/gm, by);
}

const SIMPLE: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** Writes one schema's type; what recurs, is too deep or makes it too long counts as not said. */
class TypeWriter {
  readonly #root: JsonSchema;
  readonly #unsaid: Unsaid;
  readonly #open = new Set<JsonSchema>();
  #characters = 0;

  constructor(root: JsonSchema, unsaid: Unsaid) {
    this.#root = root;
    this.#unsaid = unsaid;
  }

  write(schema: unknown, depth = 0): string {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
      return schema === false ? 'never' : this.#unsaid;
    const known = schema as Exclude<JsonSchema, boolean>; // an object is a schema
    if (depth > limits.declarationDepthMax || this.#open.has(known)) return this.#unsaid;
    this.#open.add(known);
    const type = this.#type(known, depth);
    this.#open.delete(known);
    this.#characters += type.length;
    return this.#characters > limits.declarationTypeMax ? this.#unsaid : type;
  }

  #type(schema: Exclude<JsonSchema, boolean>, depth: number): string {
    if (typeof schema['$ref'] === 'string')
      return this.write(resolveReference(this.#root, schema['$ref']), depth + 1);
    if ('const' in schema) return literal(schema['const']);
    if (Array.isArray(schema['enum'])) return union(schema['enum'].slice(0, 100).map(literal));
    for (const [keyword, join] of [
      ['anyOf', union],
      ['oneOf', union],
      ['allOf', intersection],
    ] as const) {
      const forms: unknown = schema[keyword];
      if (Array.isArray(forms) && forms.length > 0)
        return join(forms.slice(0, 50).map((form) => this.write(form, depth + 1)));
    }
    const types: readonly unknown[] = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
    const written = types.map((type) => this.#ofType(type, schema, depth));
    return union(schema['nullable'] === true ? [...written, 'null'] : written);
  }

  #ofType(type: unknown, schema: Exclude<JsonSchema, boolean>, depth: number): string {
    if (typeof type === 'string' && Object.hasOwn(SIMPLE, type)) return SIMPLE[type] ?? this.#unsaid;
    if (type === 'array' || 'items' in schema) return this.#array(schema, depth);
    if (type === 'object' || 'properties' in schema) return this.#object(schema, depth);
    return this.#unsaid;
  }

  #array(schema: Exclude<JsonSchema, boolean>, depth: number): string {
    const { prefixItems, items } = schema;
    if (Array.isArray(prefixItems))
      return `[${prefixItems
        .slice(0, 50)
        .map((item) => this.write(item, depth + 1))
        .join(', ')}]`;
    const item = this.write(items, depth + 1);
    return /[|&\s]/.test(item) ? `Array<${item}>` : `${item}[]`;
  }

  #object(schema: Exclude<JsonSchema, boolean>, depth: number): string {
    const { properties, required, additionalProperties } = schema;
    const needed = new Set<unknown>(Array.isArray(required) ? required : []);
    const entries =
      typeof properties === 'object' && properties !== null ? Object.entries(properties).slice(0, 200) : [];
    const members = entries.map(([name, member]: [string, unknown]) => {
      const mark = needed.has(name) ? '' : '?';
      const told = this.#unsaid === 'any' ? '' : hint(member);
      return `${told}${propertyName(name)}${mark}: ${this.write(member, depth + 1)}`;
    });
    if (typeof additionalProperties === 'object' && additionalProperties !== null) {
      members.push(`[name: string]: ${this.write(additionalProperties, depth + 1)}`);
    }
    return members.length === 0 ? `Record<string, ${this.#unsaid}>` : `{ ${members.join('; ')} }`;
  }
}

/** What a type cannot say of a member: its description, unit, range and default. */
function hint(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return '';
  const facts = schema as Readonly<Record<string, unknown>>; // an object
  const initial = facts['default'] === undefined ? '' : `default ${literal(facts['default'])}`;
  const parts = [plain(facts['description'], 200), range(facts['minimum'], facts['maximum']), initial];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? '' : `/** ${text.replaceAll('*/', '*\\/')} */ `;
}

function range(min: unknown, max: unknown): string {
  if (typeof min === 'number' && typeof max === 'number') return `${min}..${max}`;
  if (typeof min === 'number') return `>= ${min}`;
  return typeof max === 'number' ? `<= ${max}` : '';
}

function literal(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(plain(value, 200));
  return typeof value === 'number' || typeof value === 'boolean' || value === null
    ? String(value)
    : 'unknown';
}

function union(types: readonly string[]): string {
  const different = [...new Set(types)];
  const wide = different.find((type) => type === 'unknown' || type === 'any');
  return wide ?? different.join(' | ');
}

function intersection(types: readonly string[]): string {
  return [...new Set(types)].map((type) => (type.includes('|') ? `(${type})` : type)).join(' & ');
}
