/**
 * Which methods of an agent may be called from outside. Two ways to say it, with the same meaning: the
 * decorator `@callable()` for compiled code, and `static callables = { name: {...} }` for TypeScript that
 * Node runs directly (type stripping knows no decorators).
 */
import type { Agent } from '../agent.ts';

/** A schema that can check a value: the part of Standard Schema v1 that is used (standardschema.dev). */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** How a method may be called: the argument of `@callable()`, or an entry of `static callables`. */
export interface CallableOptions {
  /** For people and for models. */
  readonly description?: string;
  /** The method gets a `StreamingResponse` before its arguments. */
  readonly streaming?: boolean;
  /** Checks the array of arguments; the method gets what the schema makes of it. */
  readonly args?: StandardSchema<readonly unknown[]>;
  /** Time a call may take, in ms; default `limits.callDeadlineMs`. */
  readonly deadlineMs?: number;
}

type Method = (...args: never[]) => unknown;

const decorated = new WeakMap<object, CallableOptions>();

/** Lets a method be called from outside (TC39 decorator). */
export function callable(options: CallableOptions = {}) {
  return <T extends Method>(method: T, _context: ClassMethodDecoratorContext): T => {
    decorated.set(method, options);
    return method;
  };
}

/** How a method may be called; undefined when it may not. */
export function callableOptions(agent: Agent, name: string): CallableOptions | undefined {
  const method = authorMethod(agent, name);
  if (method === undefined) return undefined;
  const options = decorated.get(method);
  if (options !== undefined) return options;
  for (
    let type: unknown = agent.constructor;
    typeof type === 'function';
    type = Object.getPrototypeOf(type)
  ) {
    const listed = Object.hasOwn(type, 'callables') ? (type as { callables?: unknown }).callables : undefined;
    if (typeof listed !== 'object' || listed === null || !Object.hasOwn(listed, name)) continue;
    return (listed as Record<string, CallableOptions>)[name]; // the author declares it as such
  }
  return undefined;
}

/** A method the author's classes define: not of Object, not of the classes this package brings. */
export function authorMethod(agent: Agent, name: string): Method | undefined {
  for (const type of authorPrototypes(agent)) {
    const method: unknown = Object.getOwnPropertyDescriptor(type, name)?.value;
    if (typeof method === 'function' && name !== 'constructor') return method as Method; // checked: a function
  }
  return undefined;
}

/** Every callable method, the class's own before those it inherits. */
export function callableMethods(agent: Agent): Map<string, CallableOptions> {
  const methods = new Map<string, CallableOptions>();
  for (const type of authorPrototypes(agent)) {
    for (const name of Object.getOwnPropertyNames(type)) {
      const options = methods.has(name) ? undefined : callableOptions(agent, name);
      if (options !== undefined) methods.set(name, options);
    }
  }
  return methods;
}

/** What an author's class extends. */
export type BaseClass = 'agent' | 'device';

/** Marks the classes an author starts from. The same symbol in every copy of this package. */
export const BASE_CLASS: unique symbol = Symbol.for('mooring.base-class');

function* authorPrototypes(agent: Agent): Generator<object> {
  let type: unknown = Object.getPrototypeOf(agent);
  while (typeof type === 'object' && type !== null && type !== Object.prototype) {
    if (Object.hasOwn(type.constructor, BASE_CLASS)) return;
    yield type;
    type = Object.getPrototypeOf(type);
  }
}
