/** Agents for what users of the Agents SDK count on (docs/parity.md) and no other test's agents show. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  Agent,
  DeviceAgent,
  type AgentClasses,
  type AgentConnection,
  type ConnectContext,
  type ConnectionCapability,
  type ProtocolDecision,
  type StreamingResponse,
  type TelemetryEvent,
} from '../../src/agent/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

/** What happened to agents in this thread, by their name. */
const heard = new Map<string, string[]>();

export function heardBy(name: string): readonly string[] {
  return heard.get(name) ?? [];
}

function hear(agent: Agent, what: string): void {
  const list = heard.get(agent.name);
  if (list === undefined) heard.set(agent.name, [what]);
  else list.push(what);
}

/** Says which hook runs, and its own words; the hooks that decide are of both kinds, sync and async. */
class ProbeAgent extends Agent {
  static callables = { shout: {}, known: {}, set: {} };

  override initialState: unknown = { n: 0 };

  override onStart(): void {
    hear(this, 'onStart');
    if (this.name === 'bad-start') throw new Error('onStart');
  }

  override async getConnectionTags(connection: AgentConnection, { uri }: ConnectContext): Promise<string[]> {
    connection.send('too early'); // nobody is told anything before it is decided what it gets
    await breathe();
    hear(this, 'getConnectionTags');
    return [uri];
  }

  override shouldConnectionBeReadonly({ tags }: AgentConnection): boolean {
    hear(this, `shouldConnectionBeReadonly ${tags.length}`);
    return false;
  }

  override async getConnectionCapabilities(
    connection: AgentConnection,
    context: ConnectContext,
  ): Promise<readonly ConnectionCapability[]> {
    await breathe();
    hear(this, 'getConnectionCapabilities');
    return super.getConnectionCapabilities(connection, context);
  }

  override async shouldSendProtocolMessages(): Promise<ProtocolDecision> {
    await breathe();
    hear(this, 'shouldSendProtocolMessages');
    return true;
  }

  override onConnect(connection: AgentConnection): void {
    hear(this, 'onConnect');
    connection.send('hello');
  }

  override onMessage(_connection: AgentConnection, message: unknown): void {
    hear(this, `onMessage ${String(message)}`);
  }

  override onClose({ id, tags }: AgentConnection): void {
    const others = this.getConnections().map((other) => other.id);
    hear(this, `onClose ${tags.length} ${others.includes(id)} ${others.length}`);
  }

  override validateStateChange(next: unknown, source: 'server' | AgentConnection): void {
    hear(this, `validate ${this.#about(next, source)}`);
  }

  override onStateChanged(state: unknown, source: 'server' | AgentConnection): void {
    hear(this, `changed ${this.#about(state, source)}`);
  }

  /** What the hook got, and what the agent's state is meanwhile. */
  #about(given: unknown, source: 'server' | AgentConnection): string {
    const by = source === 'server' ? source : source.tags[0];
    return `${JSON.stringify(given)} by ${by}, is ${JSON.stringify(this.state)}`;
  }

  override onError(...args: unknown[]): void {
    hear(this, `onError ${String(args.at(-1))}`);
  }

  shout(text: string, exceptIds?: string[]): string[] {
    this.broadcast(text, exceptIds);
    return this.getConnections().map(({ id }) => id);
  }

  set(state: unknown): void {
    this.setState(state);
  }

  known(id: string): boolean {
    return this.getConnection(id) !== undefined;
  }
}

/** Has a job that never ends. */
class StuckAgent extends Agent {
  static options = {
    hungScheduleTimeoutSeconds: 0.1,
    retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 2 },
  };
  static callables = { begin: {}, dead: {}, flow: { streaming: true } };

  begin(): void {
    for (const callback of ['hang', 'next'] as const) this.queue(callback);
  }

  hang(): Promise<never> {
    hear(this, 'hang');
    return new Promise(() => undefined);
  }

  next(): void {
    hear(this, 'next');
  }

  dead(): string[] {
    return this.deadJobs().map(({ callback, reason, error }) => `${callback}: ${reason}, ${error}`);
  }

  flow(stream: StreamingResponse): void {
    stream.end('flows');
  }

  override onError(): void {}
}

/** Keeps the order of what it hears; now and then it takes its time. */
class StormAgent extends DeviceAgent {
  override async onMessage(_connection: AgentConnection, message: unknown): Promise<void> {
    const text = String(message);
    if (text.endsWith('0')) await breathe();
    hear(this, text);
  }

  override async onTelemetry({ seq, boot }: TelemetryEvent): Promise<void> {
    if (Number(seq) % 10 === 0) await breathe();
    hear(this, `${boot} ${seq}`);
  }
}

export const definitions = [
  defineDevice({
    model: 'storm',
    vendor: 'Test',
    description: 'hears a lot',
    agent: 'storm-agent',
    metrics: [numeric('x', { min: 0, max: 1e6 })],
    commands: [],
    sample: { x: 1 },
  }),
];

export const agents: AgentClasses = { probe: ProbeAgent, stuck: StuckAgent, 'storm-agent': StormAgent };
