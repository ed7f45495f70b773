/** A valve whose agent runs its own tools for tests, beside its device lane (`tool`) or within a turn of it (`toolInTurn`). */
import {
  DeviceAgent,
  deviceTools,
  type DeviceAgentClass,
  type StreamingResponse,
} from '../../src/agent/index.ts';
import { PARTS } from '../../src/agent/agent-parts.ts';
import { sha256Of } from '../../src/agent/device-tools/binding.ts';
import type { JsonObject } from '../../src/agent/merge-patch.ts';
import type { Json } from '../../src/tools/index.ts';
import {
  binary,
  command,
  defineDevice,
  enumeration,
  numeric,
  type DevicePolicy,
} from '../../src/device/index.ts';

class Valve extends DeviceAgent {
  static policy: DevicePolicy = {
    commands: {
      start: { allow: true },
      stop: { allow: true },
      beep: { allow: true, rate: { max: 2, perSeconds: 3600 } },
      purge: { never: true },
    },
    desired: { target: { allow: { min: 18, max: 22 } } },
  };
  static callables = {
    tool: { streaming: true, deadlineMs: 120_000 },
    toolInTurn: { deadlineMs: 60_000 },
    decide: {},
    catalog: {},
    dead: {},
    question: {},
    grow: {},
  };

  async tool(
    stream: StreamingResponse,
    name: string,
    input: unknown,
    approval?: { binding: string; by: string; askedAtMs?: number },
  ) {
    try {
      const options = { signal: stream.signal, ...(approval == null ? {} : { approval }) };
      stream.end(await this.#find(name).run(input, options));
    } catch (error) {
      stream.end({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  toolInTurn(name: string, input: unknown): Promise<unknown> {
    return this.#find(name).execute(input, { signal: AbortSignal.timeout(60_000) });
  }

  decide(name: string, input: unknown): unknown {
    return this.#find(name).decide(input);
  }

  catalog(): unknown {
    return deviceTools(this).map(({ name, description, inputSchema, outputSchema, isActing }) => {
      return { name, description, inputSchema, outputSchema, isActing };
    });
  }

  dead(): unknown {
    return this.deadJobs();
  }

  /** Asks people about a call of a tool. */
  question(tool: string, input: JsonObject, needed: 1 | 2 = 1): string {
    const binding = sha256Of({ tool, arguments: input } as Json);
    const about = {
      tool,
      arguments: input,
      binding,
      explanation: `${tool} acts`,
      requestedBy: 'test',
      needed,
    };
    return this[PARTS].approvals.ask({ ...about, origin: { kind: 'tool' } }).id;
  }

  /** Gives the agent a file of its own. */
  grow(): void {
    this.sql`CREATE TABLE IF NOT EXISTS t(x)`;
  }

  #find(name: string) {
    const tool = deviceTools(this).find((one) => one.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    return tool;
  }
}

export const definitions = [
  defineDevice({
    model: 'valve',
    vendor: 'Test',
    description: 'a valve for tests',
    agent: 'valve',
    metrics: [
      numeric('position', { unit: '%', min: 0, max: 100, precision: 1 }),
      numeric('target', { unit: '°C', min: 5, max: 35, precision: 0.1, access: 'readwrite' }),
      binary('running'),
      enumeration('mode', { values: ['eco', 'comfort'] }),
    ],
    commands: [
      command('move', {
        argument: { kind: 'numeric', unit: '%', min: 0, max: 100, precision: 1 },
        effect: { metric: 'position', value: 'argument' },
      }),
      command('start', { effect: { metric: 'running', value: true } }),
      command('stop', { effect: { metric: 'running', value: false } }),
      command('beep'),
      command('purge'),
    ],
    policy: { commands: { move: { allow: { min: 0, max: 50 }, only: { min: 0, max: 90 } } } },
    sample: { position: 10, target: 20, running: true, mode: 'eco' },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { valve: Valve };
