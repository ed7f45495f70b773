/** Agents that leave memory when they are told to. `awake` lives in memory only: it counts from 0 after each wake. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeviceAgent,
  type AgentConnection,
  type ConnectContext,
  type DeviceAgentClass,
  type ProtocolDecision,
  type StreamingResponse,
} from '../../src/agent/index.ts';
import { defineDevice, numeric } from '../../src/device/index.ts';

class SleeperAgent extends DeviceAgent {
  static callables = {
    nap: {},
    napThenWrite: {},
    napThenFail: {},
    slowNap: {},
    napInJob: {},
    calls: {},
    wait: {},
    napInStream: { streaming: true },
  };

  #calls = 0;

  override getConnectionTags(_connection: AgentConnection, { uri }: ConnectContext): string[] {
    return new URL(uri, 'ws://x').searchParams.getAll('tag');
  }

  override shouldSendProtocolMessages(
    _connection: AgentConnection,
    { uri, user }: ConnectContext,
  ): ProtocolDecision {
    return uri.includes('telemetry-only') || user === 'telemetry-only' ? { telemetry: true } : true;
  }

  override onConnect(connection: AgentConnection): void {
    connection.setState({ joined: true });
  }

  override onMessage(connection: AgentConnection): void {
    const tagged = this.getConnections('red').map(({ state }) => state);
    connection.send({ calls: ++this.#calls, state: connection.state, tagged });
  }

  /** How often it was called since it woke. */
  calls(): number {
    return ++this.#calls;
  }

  nap(): number {
    this.hibernateNow();
    return this.calls();
  }

  napThenWrite(x: number): void {
    this.hibernateNow();
    this.setState({ x });
  }

  napThenFail(): void {
    this.hibernateNow();
    throw new Error('no');
  }

  async slowNap(x: number): Promise<void> {
    this.hibernateNow();
    await sleep(60);
    this.setState({ x });
  }

  async napInStream(stream: StreamingResponse): Promise<void> {
    this.hibernateNow();
    stream.send(1);
    await sleep(60);
    stream.end(this.calls());
  }

  napInJob(): void {
    this.queue('job', { x: 7 });
  }

  job({ x }: { x: number }): void {
    this.hibernateNow();
    this.setState({ x });
  }

  async wait(ms: number): Promise<number> {
    await sleep(ms);
    this.setState({ x: ms });
    return ms;
  }
}

export const definitions = [
  defineDevice({
    vendor: 'Test',
    description: 'sleeps when it is told to',
    model: 'sleeper',
    agent: 'sleeper',
    metrics: [numeric('x', { min: -1e6, max: 1e6 })],
    commands: [],
    sample: { x: 1 },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { sleeper: SleeperAgent };
