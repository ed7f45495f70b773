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

/** `declare const env: { ... }` with all the tools given, grouped by namespace. */
export function declareTools(tools: readonly DeclaredTool[]): string {
  const groups = Map.groupBy(tools, ({ namespace }) => namespace);
  const parts = [...groups].map(([namespace, members]) => {
    const lines = members.map((tool) => indent(declareTool(tool), '    '));
    return `  ${propertyName(namespace)}: {\n${lines.join('\n')}\n  };`;
  });
  return `declare const env: {\n${parts.join('\n')}\n};\n`;
}

/** One tool as a member of its namespace. */
export function declareTool({ name, description, inputSchema, outputSchema }: DeclaredTool): string {
  const input = new TypeWriter(inputSchema).write(inputSchema);
  const output = outputSchema === undefined ? 'unknown' : new TypeWriter(outputSchema).write(outputSchema);
  const mark = isOptional(inputSchema) ? '?' : '';
  return `${comment(description)}${propertyName(name)}(args${mark}: ${input}): Promise<${output}>;`;
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

/** Writes one schema's type; what recurs, is too deep or makes it too long is `unknown`. */
class TypeWriter {
  readonly #root: JsonSchema;
  readonly #open = new Set<JsonSchema>();
  #characters = 0;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  write(schema: unknown, depth = 0): string {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
      return schema === false ? 'never' : 'unknown';
    const known = schema as Exclude<JsonSchema, boolean>; // an object is a schema
    if (depth > limits.declarationDepthMax || this.#open.has(known)) return 'unknown';
    this.#open.add(known);
    const type = this.#type(known, depth);
    this.#open.delete(known);
    this.#characters += type.length;
    return this.#characters > limits.declarationTypeMax ? 'unknown' : type;
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
    if (typeof type === 'string' && Object.hasOwn(SIMPLE, type)) return SIMPLE[type] ?? 'unknown';
    if (type === 'array' || 'items' in schema) return this.#array(schema, depth);
    if (type === 'object' || 'properties' in schema) return this.#object(schema, depth);
    return 'unknown';
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
      return `${hint(member)}${propertyName(name)}${mark}: ${this.write(member, depth + 1)};`;
    });
    if (typeof additionalProperties === 'object' && additionalProperties !== null) {
      members.push(`[name: string]: ${this.write(additionalProperties, depth + 1)};`);
    }
    return members.length === 0 ? 'Record<string, unknown>' : `{ ${members.join(' ')} }`;
  }
}

/** What a type cannot say of a member: its description, unit, range and default. */
function hint(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return '';
  const facts = schema as Readonly<Record<string, unknown>>; // an object
  const number = (name: string, sign: string): string =>
    typeof facts[name] === 'number' ? `${sign} ${facts[name]}` : '';
  const initial = facts['default'] === undefined ? '' : `default ${literal(facts['default'])}`;
  const parts = [plain(facts['description'], 200), number('minimum', '>='), number('maximum', '<='), initial];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? '' : `/** ${text.replaceAll('*/', '*\\/')} */ `;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(plain(value, 200));
  return typeof value === 'number' || typeof value === 'boolean' || value === null
    ? String(value)
    : 'unknown';
}

function union(types: readonly string[]): string {
  const different = [...new Set(types)];
  return different.includes('unknown') ? 'unknown' : different.join(' | ');
}

function intersection(types: readonly string[]): string {
  return [...new Set(types)].map((type) => (type.includes('|') ? `(${type})` : type)).join(' & ');
}
