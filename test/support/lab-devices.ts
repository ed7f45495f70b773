/** Models for tests: `lab` has an agent that does what tests tell it, `plain` is data only. */
import { existsSync, writeFileSync } from 'node:fs';
import {
  DeviceAgent,
  type AgentConnection,
  type CommandRecord,
  type ConnectContext,
  type DeviceAgentClass,
  type ProtocolDecision,
  type TelemetryEvent,
} from '../../src/agent/index.ts';
import { PARTS } from '../../src/agent/agent-parts.ts';
import { command, defineDevice, numeric, text } from '../../src/device/index.ts';
import { FRAMES, type FieldSpec, type Frame, type FrameSpec } from '../../src/wire/frames.ts';

const shape = {
  vendor: 'Test',
  description: 'a model for tests',
  metrics: [numeric('x', { min: -1e6, max: 1e6 }), text('note', { bytesMax: 64 })],
  commands: [command('ping'), command('set', { argument: { kind: 'numeric', min: 0, max: 100 } })],
  sample: { x: 1, note: 'fine' },
};

/** Frames an agent may send, one of each type, every optional field there. */
export function everyOutboundFrame(): Frame[] {
  return FRAMES.filter(({ direction }) => direction !== 'in').map((row: FrameSpec) => {
    const fields = Object.entries(row.fields).filter(([, field]) => field.only !== 'in');
    return { type: row.type, ...Object.fromEntries(fields.map(sampleField)) } as Frame; // made from its row
  });
}

function sampleField([name, { type }]: [string, FieldSpec]): [string, unknown] {
  const samples = {
    string: `${name} äö€`,
    number: 1234.5,
    boolean: true,
    array: [1, 'two', { three: null }],
    object: { list: [1, -2, 3.5], text: 'x' },
    any: { deep: { deeper: [true, null, 'x', 2 ** 40] } },
    'text-or-map': { type: 'text-delta', id: '1', delta: 'ä' },
  };
  return [name, samples[type]];
}

/** Where hooks of agents in this thread leave their traces. */
export const calls: string[] = [];

class LabAgent extends DeviceAgent {
  #note(call: string): void {
    calls.push(`${this.name} ${call}`);
  }

  /** `?mode=` says what to answer; over MQTT the user's name does. */
  override shouldSendProtocolMessages(
    _connection: AgentConnection,
    { uri, user }: ConnectContext,
  ): ProtocolDecision | Promise<ProtocolDecision> {
    const mode = new URL(uri, 'ws://x').searchParams.get('mode') ?? user ?? 'all';
    const only = /^only-(.*)$/.exec(mode)?.[1];
    if (only !== undefined) return Object.fromEntries(only.split('-').map((name) => [name, true]));
    switch (mode) {
      case 'none':
        return false;
      case 'later':
        return new Promise((resolve) => setImmediate(() => resolve(true)));
      case 'rejects':
        return Promise.reject(new Error('no decision'));
      case 'hangs':
        return new Promise(() => undefined);
      case 'throws':
        throw new Error('no decision');
      default:
        return true;
    }
  }

  override onStart(): void {
    this.#note('onStart');
  }

  override onConnect(connection: AgentConnection): void {
    this.#note('onConnect');
    connection.setState({ greeted: true });
  }

  override onClose(_connection: AgentConnection, code: number): void {
    this.#note(`onClose ${code}`);
  }

  override onStateChanged(state: unknown, source: 'server' | AgentConnection): void {
    this.#note(`onStateChanged ${JSON.stringify(state)} by ${source === 'server' ? source : 'client'}`);
  }

  override async onTelemetry({ values }: TelemetryEvent): Promise<void> {
    this.#note(`onTelemetry ${JSON.stringify(values)}`);
    const { note } = values;
    if (typeof note !== 'string') return;
    if (note === 'throw') throw new Error('hook');
    if (note === 'slow') await new Promise((resume) => setTimeout(resume, 50));
    if (note === 'alert') this.alert('careful');
    if (note.startsWith('crash')) crash(note);
  }

  override onReported(patch: unknown): void {
    this.#note(`onReported ${JSON.stringify(patch)}`);
  }

  override onOnline(): void {
    this.#note('onOnline');
  }

  override onOffline(reason: string): void {
    this.#note(`onOffline ${reason}`);
  }

  override onResult({ name, status }: CommandRecord): void {
    this.#note(`onResult ${name} ${status}`);
  }

  override onError(error: unknown): void {
    this.#note(`onError ${String(error)}`);
    throw error; // as the default of the Agents SDK does
  }

  override onMessage(connection: AgentConnection, message: unknown): void {
    const order = typeof message === 'string' ? parsed(message) : message;
    if (typeof order !== 'object' || order === null || !('do' in order)) {
      this.#note(`onMessage ${JSON.stringify(order)}`);
      return;
    }
    switch (order.do) {
      case 'frames':
        for (const frame of everyOutboundFrame()) {
          for (const each of this.getConnections()) each.sendFrame(frame);
        }
        return;
      case 'broadcast-frames':
        for (const frame of everyOutboundFrame()) this[PARTS].outbound.broadcast(frame);
        return;
      case 'messages':
        this.broadcast('plain text');
        this.broadcast({ own: ['message', 1] });
        this.broadcast(new Uint8Array([1, 2, 3]));
        return;
      case 'state':
        this.setState({ x: 77 });
        return;
      case 'deep': {
        let value: unknown = 1;
        for (let i = 0; i < 40; i++) value = { value };
        this.setState(value as { x: number }); // deeper than CBOR clients accept
        return;
      }
      case 'foreign':
        this.getConnection(String((order as { id?: unknown }).id))?.send('not yours');
        return;
      case 'connection-state':
        connection.send({ state: connection.state, id: connection.id });
    }
  }
}

/** `crash-exit`, `crash-async`: once for each LAB_CRASH_MARKER; `crash-always`: every time. */
function crash(note: string): void {
  const marker = process.env['LAB_CRASH_MARKER'] ?? '';
  if (note !== 'crash-always') {
    if (existsSync(marker)) return;
    writeFileSync(marker, '');
  }
  if (note !== 'crash-async') process.exit(3); // ends the thread at once, in the middle of the turn
  void Promise.reject(new Error('nobody caught this'));
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message) as unknown;
  } catch {
    return message;
  }
}

class BrokenAgent extends DeviceAgent {
  readonly broken = fail();
}

function fail(): never {
  throw new Error('no such file');
}

export const definitions = [
  defineDevice({ ...shape, model: 'lab', agent: 'lab-agent' }),
  defineDevice({ ...shape, model: 'plain', agent: 'device-agent' }),
  defineDevice({ ...shape, model: 'broken', agent: 'broken-agent' }),
];

export const agents: Record<string, DeviceAgentClass> = {
  'lab-agent': LabAgent,
  'broken-agent': BrokenAgent,
};
