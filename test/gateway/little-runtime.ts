/**
 * A small runtime in memory for the gateway's tests: it answers requests with what it was asked, echoes
 * frames, and lets a test hold its connections, readiness and congestion in the hand.
 */
import type {
  ActorRuntime,
  ConnectionDetails,
  ConnectionHandle,
  ConnectionSink,
  Readiness,
  RequestOptions,
} from '../../src/actor/port.ts';
import type { AgentAddress } from '../../src/base/address.ts';
import { BridgeError } from '../../src/base/errors.ts';

export interface Asked {
  address: AgentAddress | null;
  name: string;
  body: unknown;
  options: RequestOptions | undefined;
}

export interface LittleConnection {
  details: ConnectionDetails;
  sink: ConnectionSink;
  received: { frame: Uint8Array; isText: boolean }[];
  closed: { code: number; reason: string; wasClean: boolean }[];
}

export class LittleRuntime implements ActorRuntime {
  readonly asked: Asked[] = [];
  readonly connections: LittleConnection[] = [];
  /** Thrown by the next requests when set. */
  failure: unknown = null;
  /** What requests wait for before they answer. */
  gate: Promise<unknown> = Promise.resolve();
  now: Readiness = { kind: 'ready' };
  congested = false;
  /** Thrown by `openConnection` when set. */
  openFailure: unknown = null;
  #connection = 0;

  openConnectionId(): number {
    return ++this.#connection;
  }

  openConnection(details: ConnectionDetails, sink: ConnectionSink): ConnectionHandle {
    if (this.openFailure !== null) throw this.openFailure;
    const connection: LittleConnection = { details, sink, received: [], closed: [] };
    this.connections.push(connection);
    return {
      connection: this.openConnectionId(),
      receive: (frame, isText) => {
        connection.received.push({ frame, isText });
        sink.send(frame, isText);
      },
      closed: (code, reason, wasClean) => connection.closed.push({ code, reason, wasClean }),
    };
  }

  async request(
    address: AgentAddress | null,
    name: string,
    body: unknown,
    options?: RequestOptions,
  ): Promise<unknown> {
    this.asked.push({ address, name, body, options });
    await this.gate;
    if (this.failure !== null) throw this.failure;
    if (address?.id === 'nobody') throw new BridgeError('BRG_UNKNOWN_AGENT', 'no agent pump/nobody');
    return { address, name, body };
  }

  readiness(): Readiness {
    return this.now;
  }
  isCongested(): boolean {
    return this.congested;
  }
  deliver(): void {}
  fence(done: () => void): void {
    done();
  }
  attachDevice(): void {}
  detachDevice(): void {}
  deviceListening(): void {}
  onPublish(): void {}
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
