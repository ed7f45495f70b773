/** The agent that is measured against the Agents SDK: the same lines as its peer in `agents-sdk-peer.ts`. */
import { Agent, type AgentClasses, type AgentConnection } from '../../../src/index.ts';

interface Reading {
  readonly seq: number;
  readonly ts: number;
  readonly t: number;
  readonly h: number;
}

class Device extends Agent<{ n: number; last: Reading | null }> {
  override initialState = { n: 0, last: null };

  override onStart(): void {
    void this.sql`CREATE TABLE IF NOT EXISTS telemetry (ts INTEGER, t REAL, h REAL)`;
  }

  override onMessage(connection: AgentConnection, message: unknown): void {
    const reading = JSON.parse(String(message)) as Reading; // what ws-load.ts sends
    void this.sql`INSERT INTO telemetry VALUES (${reading.ts}, ${reading.t}, ${reading.h})`;
    this.setState({ n: (this.state?.n ?? 0) + 1, last: reading });
    connection.send(`{"ack":${reading.seq}}`);
  }
}

export const definitions = [];
export const agents: AgentClasses = { device: Device };
