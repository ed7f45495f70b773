/** What MCP servers ask people (elicitation), as forms: fields from a server's schema, and an answer from what was filled in. Pure. */
import { asText, isObject } from './twin.ts';

/** As the API has it. */
export interface McpQuestion {
  readonly id: string;
  readonly serverId: string;
  /** Words of the server: data of a stranger. */
  readonly message: string;
  readonly tool: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly ask:
    | { readonly mode: 'form'; readonly requestedSchema: unknown }
    | { readonly mode: 'url'; readonly url: string };
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'choice';
  /** Of a choice. */
  readonly values: readonly string[];
  readonly isRequired: boolean;
}

/** Texts as they were typed, by name; a boolean is `true` or `false`. */
export type Filled = Readonly<Record<string, string>>;

/** The fields of a form; the protocol has flat ones only. */
export function fieldsOf(schema: unknown): readonly Field[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, field]) => {
    const { type, title, description, enum: values } = isObject(field) ? field : {};
    const choices = Array.isArray(values) ? values.map(asText) : [];
    return {
      name,
      label: asText(title) || name,
      hint: asText(description),
      kind: choices.length > 0 ? 'choice' : kindOf(type),
      values: choices,
      isRequired: required.includes(name),
    };
  });
}

function kindOf(type: unknown): Field['kind'] {
  if (type === 'boolean') return 'boolean';
  return type === 'number' || type === 'integer' ? 'number' : 'text';
}

/** What is sent: fields that were left empty are left out; the bridge holds it against the schema. */
export function contentOf(fields: readonly Field[], filled: Filled): Record<string, unknown> {
  const entries = fields.flatMap(({ name, kind }): [string, unknown][] => {
    const said = filled[name] ?? '';
    if (kind === 'boolean') return [[name, said === 'true']];
    if (said === '') return [];
    return [[name, kind === 'number' ? Number(said) : said]];
  });
  return Object.fromEntries(entries);
}

/** The address a person is to open: only what a browser opens as a page. */
export function safeUrl(url: string): string | null {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}
