/** Agents of the crash harness: each keeps book of what was applied to it, in the order in which it was. */
import {
  Agent,
  ChatAgent,
  command,
  defineDevice,
  DeviceAgent,
  numeric,
  type AgentClasses,
  type TelemetryEvent,
} from '../../src/index.ts';

/** A light agent: what it notes of each message is in its state. */
class Meter extends DeviceAgent {
  override onTelemetry({ values }: TelemetryEvent): void {
    // Messages applied here, the last one, and how often one did not follow the one before.
    const [n, last, broken] = [this.noted('n', 0), this.noted('last', -1), this.noted('broken', 0)];
    const x = Number(values['x']);
    this.setState({ ...this.state, n: n + 1, last: x, broken: broken + (x === last + 1 ? 0 : 1) });
  }

  private noted(name: string, initial: number): number {
    return Number(this.state?.[name] ?? initial);
  }
}

/** A heavy agent: each message is a row. */
class Ledger extends DeviceAgent {
  static readonly callables = { entries: {} };

  override onStart(): void {
    this.sql`CREATE TABLE IF NOT EXISTS entries(n INTEGER PRIMARY KEY AUTOINCREMENT, x INTEGER NOT NULL)`;
  }

  override onTelemetry({ values }: TelemetryEvent): void {
    this.sql`INSERT INTO entries(x) VALUES(${Number(values['x'])})`;
  }

  /** How many there are, how many different ones, and how many do not follow the one before. */
  entries(): unknown {
    return this.sql`SELECT count(*) AS rows, count(DISTINCT x) AS different, max(x) AS last,
      (SELECT count(*) FROM (SELECT x, lag(x, 1, -1) OVER (ORDER BY n) AS previous FROM entries) WHERE x <> previous + 1) AS broken
      FROM entries`[0];
  }
}

type Done = Readonly<Record<string, readonly number[]>>;
interface Report {
  readonly done: Done;
  readonly waiting: Done;
}
interface LightState {
  readonly done?: Done;
}

const JOBS = { put: {}, later: {}, push: {}, report: {} };

interface Job {
  readonly k: number;
  readonly kind: 'fire' | 'work';
}

/** Keys of the jobs that an agent has still to do. */
function waiting(agent: Pick<DeviceAgent, 'getSchedules' | 'getQueues'>): Record<string, number[]> {
  const keys = (payloads: readonly unknown[]): number[] => payloads.map((payload) => (payload as Job).k);
  return {
    fire: keys(agent.getSchedules().map(({ payload }) => payload)),
    work: keys(agent.getQueues('kind', 'work').map(({ payload }) => payload)),
  };
}

/** Does jobs, in a file of its own. */
class HeavyWorker extends DeviceAgent {
  static readonly callables = JOBS;

  override onStart(): void {
    this
      .sql`CREATE TABLE IF NOT EXISTS done(n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, k INTEGER NOT NULL)`;
  }

  put(k: number): void {
    this.note('put', k);
  }

  later(k: number, seconds: number): void {
    this.schedule(seconds, 'fire', { k, kind: 'fire' });
  }

  push(k: number): void {
    this.queue('work', { k, kind: 'work' });
  }

  fire({ k }: Job): void {
    this.note('fire', k);
  }

  work({ k }: Job): void {
    this.note('work', k);
  }

  /** What was done, by kind, in its order, and what is still to be done. */
  report(): Report {
    const rows = this.sql<{ kind: string; k: number }>`SELECT kind, k FROM done ORDER BY n`;
    const of = (kind: string): number[] => rows.filter((row) => row.kind === kind).map(({ k }) => k);
    return { done: { put: of('put'), fire: of('fire'), work: of('work') }, waiting: waiting(this) };
  }

  private note(kind: string, k: number): void {
    this.sql`INSERT INTO done(kind, k) VALUES(${kind}, ${k})`;
  }
}

/** The same in the state of an agent that is no device. */
class LightWorker extends Agent<LightState> {
  static readonly callables = JOBS;

  put(k: number): void {
    this.note('put', k);
  }

  later(k: number, seconds: number): void {
    this.schedule(seconds, 'fire', { k, kind: 'fire' });
  }

  push(k: number): void {
    this.queue('work', { k, kind: 'work' });
  }

  fire({ k }: Job): void {
    this.note('fire', k);
  }

  work({ k }: Job): void {
    this.note('work', k);
  }

  report(): Report {
    return { done: { put: [], fire: [], work: [], ...this.state?.done }, waiting: waiting(this) };
  }

  private note(kind: string, k: number): void {
    const done = this.state?.done ?? {};
    this.setState({ ...this.state, done: { ...done, [kind]: [...(done[kind] ?? []), k] } });
  }
}

/** Its model says the question again, in some pieces. */
class Echo extends ChatAgent {
  static readonly callables = { hello: {} };

  hello(): void {}

  override onChatMessage(): Response {
    const last = this.messages.at(-1);
    const said = (last?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
    const chunks = [
      { type: 'start' },
      { type: 'text-start', id: 't' },
      ...['re: ', said].map((delta) => ({ type: 'text-delta', id: 't', delta })),
      { type: 'text-end', id: 't' },
      { type: 'finish' },
    ];
    const body = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + 'data: [DONE]\n\n';
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }
}

const shape = {
  metrics: [numeric('x', { min: 0, max: 1e9 })],
  commands: [command('ping', { argument: { kind: 'numeric', min: 0, max: 1e9, precision: 1 } })],
  sample: { x: 1 },
};

export const definitions = [
  defineDevice({ ...shape, model: 'crash-meter', description: 'counts in its state', agent: 'meter' }),
  defineDevice({ ...shape, model: 'crash-ledger', description: 'counts in its file', agent: 'ledger' }),
  defineDevice({
    ...shape,
    model: 'crash-heavy',
    description: 'does jobs in its file',
    agent: 'heavy-worker',
  }),
];

export const agents: AgentClasses = {
  meter: Meter,
  ledger: Ledger,
  'heavy-worker': HeavyWorker,
  'crash-light': LightWorker,
  'crash-chat': Echo,
};
