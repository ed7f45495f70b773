/**
 * Checks a call's arguments against the tool's JSON Schema. Schemas come from MCP servers as well, so they are
 * hostile: the number of steps is bounded, references stay inside the schema, and `pattern` is not evaluated
 * (a server and a program together could hang the host with one regular expression). Keywords it does not know
 * are ignored, as JSON Schema asks. The tool checks its arguments itself too; this finds a model's mistakes early.
 */
import { limits } from '../../base/limits.ts';
import { canonicalJson, type Json } from './hostile-json.ts';

/** A JSON Schema as tools publish it: an object, or true and false. */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean;

/** What is wrong with `value`, one line each and at most ten: `hours: expected integer, got string`. */
export function checkAgainstSchema(value: Json, schema: JsonSchema): string[] {
  const check = new SchemaCheck(schema);
  check.value(value, schema, '', 0);
  return check.isExhausted
    ? ['the arguments: the schema is too complex to check']
    : check.problems.slice(0, 10);
}

type JsonObject = { readonly [key: string]: Json };

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isObject(value);
}

const REFERENCES_MAX = 32;

class SchemaCheck {
  readonly problems: string[] = [];
  readonly #root: JsonSchema;
  #steps = 0;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  /** Whether it gave up; then nothing it found or did not find counts. */
  get isExhausted(): boolean {
    return this.#steps > limits.schemaStepsMax;
  }

  value(value: Json, schema: JsonSchema, path: string, references: number): void {
    if (schema === true) return;
    if (schema === false) return this.#add(path, 'is not allowed');
    if (++this.#steps > limits.schemaStepsMax) return;
    if (typeof schema['$ref'] === 'string') this.#reference(value, schema['$ref'], path, references);
    if (!this.#type(value, schema, path)) return;
    this.#choice(value, schema, path);
    if (typeof value === 'string') this.#text(value, schema, path);
    else if (typeof value === 'number') this.#number(value, schema, path);
    else if (Array.isArray(value)) this.#array(value, schema, path, references);
    else if (isObject(value)) this.#object(value as JsonObject, schema, path, references); // an object of Json
    this.#combined(value, schema, path, references);
  }

  #add(path: string, what: string): void {
    if (this.problems.length < 100)
      this.problems.push(path === '' ? `the arguments: ${what}` : `${path}: ${what}`);
  }

  #reference(value: Json, reference: string, path: string, references: number): void {
    if (references >= REFERENCES_MAX) return this.#add(path, 'its schema refers to itself without end');
    const target = resolveReference(this.#root, reference);
    if (target !== undefined) this.value(value, target, path, references + 1);
  }

  #type(value: Json, schema: Exclude<JsonSchema, boolean>, path: string): boolean {
    const types = (Array.isArray(schema['type']) ? schema['type'] : [schema['type']]).filter(
      (type) => typeof type === 'string',
    );
    if (types.length === 0) return true;
    if (value === null && schema['nullable'] === true) return true; // OpenAPI 3.0
    if (types.some((type) => isOfType(value, type))) return true;
    this.#add(path, `expected ${types.join(' or ')}, got ${typeName(value)}`);
    return false;
  }

  #choice(value: Json, schema: Exclude<JsonSchema, boolean>, path: string): void {
    const { enum: choices } = schema;
    const text = (): string => canonicalJson(value);
    if (
      Array.isArray(choices) &&
      !choices.some((choice: Json) => choice === value || canonicalJson(choice) === text())
    ) {
      this.#add(path, `expected one of ${JSON.stringify(choices).slice(0, 200)}`);
    }
    if ('const' in schema && JSON.stringify(schema['const']) !== JSON.stringify(value)) {
      this.#add(path, `expected ${JSON.stringify(schema['const']).slice(0, 200)}`);
    }
  }

  #text(value: string, schema: Exclude<JsonSchema, boolean>, path: string): void {
    const { minLength, maxLength } = schema;
    if (typeof minLength === 'number' && value.length < minLength)
      this.#add(path, `at least ${minLength} characters`);
    if (typeof maxLength === 'number' && value.length > maxLength)
      this.#add(path, `at most ${maxLength} characters`);
  }

  #number(value: number, schema: Exclude<JsonSchema, boolean>, path: string): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
    if (typeof minimum === 'number' && value < minimum) this.#add(path, `at least ${minimum}`);
    if (typeof maximum === 'number' && value > maximum) this.#add(path, `at most ${maximum}`);
    if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
      this.#add(path, `more than ${exclusiveMinimum}`);
    if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
      this.#add(path, `less than ${exclusiveMaximum}`);
    if (typeof multipleOf === 'number' && multipleOf > 0) {
      const times = value / multipleOf;
      if (Math.abs(times - Math.round(times)) > 1e-9 * Math.max(1, Math.abs(times)))
        this.#add(path, `a multiple of ${multipleOf}`);
    }
  }

  #array(
    value: readonly Json[],
    schema: Exclude<JsonSchema, boolean>,
    path: string,
    references: number,
  ): void {
    const { minItems, maxItems, items, uniqueItems } = schema;
    const prefix: readonly unknown[] = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
    if (typeof minItems === 'number' && value.length < minItems)
      this.#add(path, `at least ${minItems} items`);
    if (typeof maxItems === 'number' && value.length > maxItems) this.#add(path, `at most ${maxItems} items`);
    if (uniqueItems === true && new Set(value.map(canonicalJson)).size < value.length)
      this.#add(path, 'items must differ');
    for (const [i, item] of value.entries()) {
      const rule = i < prefix.length ? prefix[i] : items;
      if (isSchema(rule)) this.value(item, rule, `${path}[${i}]`, references);
    }
  }

  #object(value: JsonObject, schema: Exclude<JsonSchema, boolean>, path: string, references: number): void {
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const inside = (key: string): string => (path === '' ? key : `${path}.${key}`);
    const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
    for (const key of required)
      if (typeof key === 'string' && !Object.hasOwn(value, key)) this.#add(inside(key), 'is missing');
    for (const [key, item] of Object.entries(value)) {
      const rule = Object.hasOwn(properties, key) ? properties[key] : schema['additionalProperties'];
      if (rule === false)
        this.#add(
          inside(key),
          `is not known; there are ${Object.keys(properties).slice(0, 20).join(', ') || 'none'}`,
        );
      else if (isSchema(rule)) this.value(item, rule, inside(key), references);
    }
  }

  #combined(value: Json, schema: Exclude<JsonSchema, boolean>, path: string, references: number): void {
    for (const rule of schemas(schema['allOf'])) this.value(value, rule, path, references);
    const any = schemas(schema['anyOf']);
    if (any.length > 0 && !any.some((rule) => this.#fits(value, rule, references)))
      this.#add(path, 'fits none of its forms');
    const one = schemas(schema['oneOf']);
    if (one.length > 0 && one.filter((rule) => this.#fits(value, rule, references)).length !== 1) {
      this.#add(path, 'must fit exactly one of its forms');
    }
    const { not } = schema;
    if (isSchema(not) && this.#fits(value, not, references))
      this.#add(path, 'has a form that is not allowed');
  }

  #fits(value: Json, schema: JsonSchema, references: number): boolean {
    const before = this.problems.length;
    this.value(value, schema, '', references + 1 > REFERENCES_MAX ? references : references + 1);
    return this.problems.splice(before).length === 0;
  }
}

function schemas(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

/** `#/$defs/room` within `root`; other documents are not fetched. */
export function resolveReference(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let place: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~'); // RFC 6901 section 4
    if (!isObject(place) || !Object.hasOwn(place, key)) return undefined;
    place = place[key];
  }
  return isSchema(place) ? place : undefined;
}

function isOfType(value: Json, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'number') return typeof value === 'number';
  return typeName(value) === type;
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
