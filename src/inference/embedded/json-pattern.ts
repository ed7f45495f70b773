/**
 * The pattern of the JSON texts that fit a JSON Schema, written without spaces and with the properties in the order of
 * the schema. The subset that tools need; what a pattern cannot say (formats, ranges of numbers) is for whoever reads
 * the answer to check, as always. https://json-schema.org/draft/2020-12
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { optional, type Pattern } from './pattern.ts';

const DIGIT: Pattern = { from: '0', to: '9' };
const HEX: Pattern = { oneOf: [DIGIT, { from: 'a', to: 'f' }] };
const INTEGER: Pattern = {
  sequence: [
    optional('-'),
    {
      oneOf: [
        '0',
        {
          sequence: [
            { from: '1', to: '9' },
            { repeat: DIGIT, min: 0, max: 15 },
          ],
        },
      ],
    },
  ],
};
const NUMBER: Pattern = {
  sequence: [INTEGER, optional({ sequence: ['.', { repeat: DIGIT, min: 1, max: 15 }] })],
};
/** RFC 8259 section 7. */
const CHARACTER: Pattern = {
  oneOf: [
    { from: ' ', to: '!' },
    { from: '#', to: '[' },
    { from: ']', to: '~' },
    { kind: 'beyond-ascii' },
    { sequence: ['\\', { oneOf: ['"', '\\', '/', 'b', 'f', 'n', 'r', 't'] }] },
    { sequence: ['\\u00', HEX, HEX] },
  ],
};

/** Longer limits are not counted: an automaton has a state for each character. */
const COUNTED_CHARACTERS_MAX = 64;

type Schema = Readonly<Record<string, unknown>>;

/** @throws BridgeError BRG_MODEL_PATTERN for what no pattern can be made of: recursion, `not`, `$ref` outside of it */
export function jsonPattern(schema: unknown): Pattern {
  return patternOf(schema, schema, 0);
}

function patternOf(schema: unknown, root: unknown, depth: number): Pattern {
  if (depth > limits.engineSchemaDepthMax)
    throw notPossible(`more than ${limits.engineSchemaDepthMax} levels`);
  if (schema === true || schema === undefined) return anything(depth);
  if (!isSchema(schema)) throw notPossible('a schema that allows nothing');
  if (typeof schema.$ref === 'string') return patternOf(target(schema.$ref, root), root, depth + 1);
  if ('not' in schema) throw notPossible('`not`');
  if ('const' in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return { oneOf: schema.enum.map(literal) };
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return { oneOf: choices.map((part) => patternOf(part, root, depth + 1)) };
  if (Array.isArray(schema.allOf)) return patternOf(merged(schema), root, depth + 1);
  if (Array.isArray(schema.type))
    return { oneOf: schema.type.map((type: unknown) => patternOf({ ...schema, type }, root, depth)) };
  return ofType(schema, root, depth);
}

function ofType(schema: Schema, root: unknown, depth: number): Pattern {
  switch (schema.type ?? (isSchema(schema.properties) ? 'object' : undefined)) {
    case 'string':
      return stringPattern(schema);
    case 'number':
      return NUMBER;
    case 'integer':
      return INTEGER;
    case 'boolean':
      return { oneOf: ['true', 'false'] };
    case 'null':
      return 'null';
    case 'array':
      return arrayPattern(schema, root, depth);
    case 'object':
      return objectPattern(schema, root, depth);
    case undefined:
      return anything(depth);
    default:
      throw notPossible(`the type ${JSON.stringify(schema.type)}`);
  }
}

function stringPattern({ minLength, maxLength }: Schema): Pattern {
  const min = Math.min(count(minLength) ?? 0, COUNTED_CHARACTERS_MAX);
  const max = count(maxLength);
  const isCounted = max !== undefined && max <= COUNTED_CHARACTERS_MAX;
  return {
    sequence: ['"', { repeat: CHARACTER, min, ...(isCounted ? { max: Math.max(max, min) } : {}) }, '"'],
  };
}

function arrayPattern({ items, minItems, maxItems }: Schema, root: unknown, depth: number): Pattern {
  const item = patternOf(items, root, depth + 1);
  const min = Math.min(count(minItems) ?? 0, limits.engineSchemaItemsMax);
  const max = Math.max(min, Math.min(count(maxItems) ?? Infinity, limits.engineSchemaItemsMax));
  if (max === 0) return '[]';
  const rest: Pattern = { repeat: { sequence: [',', item] }, min: Math.max(min - 1, 0), max: max - 1 };
  const some: Pattern = { sequence: ['[', item, rest, ']'] };
  return min > 0 ? some : { oneOf: ['[]', some] };
}

function objectPattern(schema: Schema, root: unknown, depth: number): Pattern {
  const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : [];
  if (properties.length === 0)
    return schema.additionalProperties === false ? '{}' : freeObject(schema, root, depth);
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const members = properties.map(([name, value]) => ({
    isRequired: required.has(name),
    pattern: { sequence: [`${JSON.stringify(name)}:`, patternOf(value, root, depth + 1)] } as Pattern,
  }));
  return { sequence: ['{', membersFrom(members, 0, false), '}'] };
}

/** The members from `at` on; a comma stands before the first of them when there is one before it. */
function membersFrom(
  members: readonly { readonly isRequired: boolean; readonly pattern: Pattern }[],
  at: number,
  hasBefore: boolean,
): Pattern {
  const member = members[at];
  if (member === undefined) return '';
  const here: Pattern = hasBefore ? { sequence: [',', member.pattern] } : member.pattern;
  // Once there is a comma before all that follow, they no longer depend on what came: no need to branch.
  if (hasBefore)
    return { sequence: [member.isRequired ? here : optional(here), membersFrom(members, at + 1, true)] };
  const withIt: Pattern = { sequence: [here, membersFrom(members, at + 1, true)] };
  return member.isRequired ? withIt : { oneOf: [withIt, membersFrom(members, at + 1, false)] };
}

/** An object with names of the model's own. */
function freeObject({ additionalProperties }: Schema, root: unknown, depth: number): Pattern {
  const value = patternOf(additionalProperties, root, depth + 1);
  const member: Pattern = { sequence: [stringPattern({ minLength: 1 }), ':', value] };
  const rest: Pattern = { repeat: { sequence: [',', member] }, min: 0, max: limits.engineSchemaItemsMax - 1 };
  return { oneOf: ['{}', { sequence: ['{', member, rest, '}'] }] };
}

/** Any value of a bounded depth: flat ones below the first level. */
function anything(depth: number): Pattern {
  const flat: Pattern[] = [stringPattern({}), NUMBER, { oneOf: ['true', 'false', 'null'] }];
  if (depth > 1) return { oneOf: flat };
  const item: Pattern = { oneOf: flat };
  const list: Pattern = { repeat: { sequence: [',', item] }, min: 0 };
  const member: Pattern = { sequence: [stringPattern({}), ':', item] };
  const members: Pattern = { repeat: { sequence: [',', member] }, min: 0 };
  return {
    oneOf: [
      ...flat,
      '[]',
      { sequence: ['[', item, list, ']'] },
      '{}',
      { sequence: ['{', member, members, '}'] },
    ],
  };
}

function merged(schema: Schema): Schema {
  const { allOf, ...own } = schema;
  return (allOf as unknown[]).reduce<Schema>((all, part) => {
    // checked by the caller
    if (!isSchema(part)) throw notPossible('`allOf` of something else than objects');
    const properties = {
      ...(isSchema(all.properties) ? all.properties : {}),
      ...(isSchema(part.properties) ? part.properties : {}),
    };
    const required = [all.required, part.required].flatMap((names) =>
      Array.isArray(names) ? (names as unknown[]) : [],
    );
    return { ...all, ...part, ...(Object.keys(properties).length > 0 ? { properties, required } : {}) };
  }, own);
}

/** RFC 6901, within the schema itself. */
function target(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) throw notPossible('a `$ref` to another document');
  let at: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined;
  }
  if (at === undefined) throw notPossible(`the unknown \`$ref\` ${reference}`);
  return at;
}

function literal(value: unknown): Pattern {
  const text = JSON.stringify(value);
  if (text === undefined) throw notPossible('a value that is no JSON');
  return text;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notPossible(what: string): BridgeError {
  return new BridgeError('BRG_MODEL_PATTERN', `an answer cannot be held to a JSON Schema with ${what}`);
}
