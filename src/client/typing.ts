/** What TypeScript knows of an agent from its class, its instance type or an interface of its methods. */

type AnyFunction = (...args: never[]) => unknown;
/** The first parameter of a streaming method; the client does not pass it. */
interface StreamParameter {
  send(chunk: never): unknown;
  end(final?: never): unknown;
}

type MethodsOf<T> = { [K in keyof T as T[K] extends AnyFunction ? K : never]: T[K] };

/**
 * The callable methods of `A`: of a class with `static callables` those it names; of another class (decorators leave
 * no trace in a type), an instance type or an interface all its methods; of `unknown` any name.
 */
export type CallablesOf<A> = unknown extends A
  ? Record<string, (...args: unknown[]) => unknown>
  : A extends { callables: infer C; prototype: infer P }
    ? { [K in keyof C & string]: C[K] extends AnyFunction ? C[K] : K extends keyof P ? P[K] : never }
    : A extends { prototype: infer P }
      ? MethodsOf<P>
      : MethodsOf<A>;

/** The names of the callable methods. */
export type MethodOf<A> = keyof CallablesOf<A> & string;

/** The arguments a client passes. */
export type ArgumentsOf<A, M extends MethodOf<A>> = CallablesOf<A>[M] extends (...args: infer P) => unknown
  ? P extends [infer First, ...infer Rest]
    ? First extends StreamParameter
      ? Rest
      : P
    : P
  : unknown[];

/** What a call resolves to. */
export type ResultOf<A, M extends MethodOf<A>> = CallablesOf<A>[M] extends (...args: never[]) => infer R
  ? Awaited<R>
  : unknown;

/** The state of the agent. */
export type StateOf<A> = A extends { prototype: { state: infer S } }
  ? Exclude<S, undefined>
  : A extends { state: infer S }
    ? Exclude<S, undefined>
    : unknown;

/** One async function per callable method. */
export type Stub<A> = {
  readonly [M in MethodOf<A>]: (...args: ArgumentsOf<A, M>) => Promise<ResultOf<A, M>>;
};
