import { expectTypeOf, it } from 'vitest';
import type { AgentClient, StateOf } from '../../src/client/index.ts';

interface Streaming {
  send(chunk: number): boolean;
  end(final?: number): boolean;
}

/** As an author writes an agent. */
export class Counter {
  static callables = { add: { description: 'adds' }, count: {} };
  state: { total: number } | undefined = undefined;
  add(a: number, b: number): number {
    return a + b;
  }
  async count(stream: Streaming, to: number): Promise<void> {
    await Promise.resolve(stream.end(to));
  }
  secret(): void {}
}

/** Decorated methods look like any other. */
export class Door {
  open(): boolean {
    return true;
  }
}

interface Pump {
  state: number;
  start(): Promise<'on'>;
}

it('knows the methods a class names in callables, without the stream parameter', () => {
  type Stub = AgentClient<typeof Counter>['stub'];
  expectTypeOf<keyof Stub>().toEqualTypeOf<'add' | 'count'>();
  expectTypeOf<Stub['add']>().toEqualTypeOf<(a: number, b: number) => Promise<number>>();
  expectTypeOf<Parameters<Stub['count']>>().toEqualTypeOf<[to: number]>();
  expectTypeOf<StateOf<typeof Counter>>().toEqualTypeOf<{ total: number }>();
});

it('knows all methods of a class without callables', () => {
  expectTypeOf<AgentClient<typeof Door>['stub']['open']>().toEqualTypeOf<() => Promise<boolean>>();
});

it('knows the methods of an interface, and nothing of an unknown agent', () => {
  expectTypeOf<AgentClient<Pump>['stub']['start']>().toEqualTypeOf<() => Promise<'on'>>();
  expectTypeOf<AgentClient<Pump>['state']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<AgentClient['call']>().parameter(0).toEqualTypeOf<string>();
  expectTypeOf<AgentClient['state']>().toEqualTypeOf<unknown>();
});
