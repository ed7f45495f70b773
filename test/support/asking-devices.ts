/** Agents that call each other. */
import { DeviceAgent, getAgentByName, type DeviceAgentClass } from '../../src/agent/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

class AskingAgent extends DeviceAgent {
  static readonly callables = {
    add: {},
    addAt: {},
    keep: {},
    remember: {},
    recall: {},
    fail: {},
    failAt: {},
    unknownAt: {},
  };
  #kept = '';

  add(a: number, b: number): number {
    return a + b;
  }

  addAt(id: string, a: number, b: number): Promise<number> {
    return getAgentByName<AskingAgent>('asking', id).add(a, b);
  }

  keep(text: string): string {
    this.#kept = text;
    return this.name;
  }

  remember(id: string, text: string): Promise<string> {
    return getAgentByName<AskingAgent>('asking', id).keep(text);
  }

  recall(): string {
    return this.#kept;
  }

  fail(): never {
    throw new Error('stuck');
  }

  failAt(id: string): Promise<never> {
    return getAgentByName<AskingAgent>('asking', id).fail();
  }

  unknownAt(id: string): Promise<unknown> {
    // Not callable from outside, so the type does not know it either.
    return getAgentByName<AskingAgent & { nobody(): unknown }>('asking', id).nobody();
  }
}

export const definitions = [
  defineDevice({
    model: 'asking',
    description: 'asks others',
    agent: 'asking-agent',
    metrics: [numeric('x', { min: 0, max: 10 })],
    sample: { x: 1 },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { 'asking-agent': AskingAgent };
