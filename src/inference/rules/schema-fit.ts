/** The part of JSON Schema (draft 7) that tools use for arguments: whether a value fits, and what would. */
import type { LanguageModelV4FunctionTool } from '../language-model.ts';

type Schema = LanguageModelV4FunctionTool['inputSchema'];
/** A property's schema may be `true` or `false`. */
type Property = Schema | boolean;

/** Properties of an object schema, by name. */
export function propertiesOf(schema: Property): [name: string, property: Schema][] {
  if (typeof schema === 'boolean' || schema.properties === undefined) return [];
  return Object.entries(schema.properties).map(([name, property]) => [
    name,
    typeof property === 'boolean' ? {} : property,
  ]);
}

export function requiredOf(schema: Schema): readonly string[] {
  return schema.required ?? [];
}

/** The values a schema lists; undefined when it lists none. */
export function listedIn(schema: Schema): readonly unknown[] | undefined {
  if (schema.enum !== undefined) return schema.enum;
  if (schema.const !== undefined) return [schema.const];
  const options = schema.anyOf ?? schema.oneOf;
  if (options === undefined) return undefined;
  const listed = options.map((option) => (typeof option === 'boolean' ? undefined : listedIn(option)));
  return listed.some((values) => values === undefined)
    ? undefined
    : listed.flatMap((values) => [...(values ?? [])]);
}

/** Why `value` does not fit; undefined when it does. */
export function misfit(schema: Property, value: unknown): string | undefined {
  if (schema === true) return undefined;
  if (schema === false) return 'nothing is allowed';
  const listed = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (listed !== undefined && !listed.includes(value as never))
    return `allowed are ${listed.map(String).join(', ')}`; // compared, not used
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    const reasons = options.map((option) => misfit(option, value));
    if (!reasons.includes(undefined)) return reasons[0];
  }
  if (!isOfType(schema.type, value)) return `it must be ${[schema.type].flat().join(' or ')}`;
  return typeof value === 'number' ? outOfRange(schema, value) : tooLong(schema, value);
}

function outOfRange(schema: Schema, value: number): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (minimum !== undefined && value < minimum) return `the least is ${minimum}`;
  if (maximum !== undefined && value > maximum) return `the most is ${maximum}`;
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    return `it must be above ${exclusiveMinimum}`;
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    return `it must be below ${exclusiveMaximum}`;
  return undefined;
}

function tooLong(schema: Schema, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (schema.maxLength !== undefined && value.length > schema.maxLength)
    return `at most ${schema.maxLength} characters`;
  return undefined;
}

function isOfType(type: Schema['type'], value: unknown): boolean {
  if (type === undefined) return true;
  return [type].flat().some((name) => {
    switch (name) {
      case 'integer':
        return Number.isInteger(value);
      case 'array':
        return Array.isArray(value);
      case 'null':
        return value === null;
      case 'object':
        return typeof value === 'object' && value !== null && !Array.isArray(value);
      default:
        return typeof value === name;
    }
  });
}
