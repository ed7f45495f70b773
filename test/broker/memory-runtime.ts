import { addressKey, type AgentAddress } from '../../src/base/address.ts';
import type {
  ActorRuntime,
  CodecName,
  ConnectionDetails,
  ConnectionHandle,
  ConnectionSink,
  Delivery,
  DeviceMessage,
  ListenChannels,
  Publication,
  Readiness,
} from '../../src/actor/port.ts';

interface Held {
  readonly message: DeviceMessage;
  readonly done: (outcome: Delivery) => void;
}

export interface OpenedConnection {
  readonly details: ConnectionDetails;
  readonly sink: ConnectionSink;
  readonly closed: { code: number; reason: string }[];
}

/** A runtime that keeps what it is told and lets the test decide each outcome. */
export class MemoryRuntime implements ActorRuntime {
  /** `auto` accepts on the next turn of the event loop, in order; `hold` waits for `release`. */
  mode: 'auto' | 'hold' = 'auto';
  isCongestedNow = false;
  readonly delivered: DeviceMessage[] = [];
  readonly events: string[] = [];
  readonly opened: OpenedConnection[] = [];
  readonly held: Held[] = [];
  publish: (publication: Publication) => void = () => undefined;
  #connection = 0;

  openConnectionId(): number {
    this.#connection += 1;
    return this.#connection;
  }

  deliver(message: DeviceMessage, done: (outcome: Delivery) => void): void {
    this.delivered.push({ ...message, payload: Uint8Array.from(message.payload) });
    this.events.push(`deliver ${addressKey(message.address)} ${message.channel}`);
    if (this.mode === 'hold') this.held.push({ message, done });
    else setImmediate(() => done('accepted'));
  }

  /** Decides the first `count` deliveries that are held. */
  release(count = this.held.length, outcome: Delivery = 'accepted'): void {
    for (const { done } of this.held.splice(0, count)) done(outcome);
  }

  texts(): string[] {
    return this.delivered.map(({ payload }) => Buffer.from(payload).toString());
  }

  fence(done: () => void): void {
    setImmediate(done);
  }

  isCongested(): boolean {
    return this.isCongestedNow;
  }

  attachDevice(address: AgentAddress, connection: number, codec: CodecName | null): void {
    this.events.push(`attach ${addressKey(address)} ${connection} ${codec ?? 'null'}`);
  }

  detachDevice(address: AgentAddress, connection: number, reason: string): void {
    this.events.push(`detach ${addressKey(address)} ${connection} ${reason}`);
  }

  deviceListening(address: AgentAddress, connection: number, { command, desired }: ListenChannels): void {
    const channels = [command ? 'command' : '', desired ? 'desired' : ''].filter((name) => name !== '');
    this.events.push(`listening ${addressKey(address)} ${connection} ${channels.join('+')}`);
  }

  openConnection(details: ConnectionDetails, sink: ConnectionSink): ConnectionHandle {
    const closed: OpenedConnection['closed'] = [];
    this.opened.push({ details, sink, closed });
    return {
      connection: this.openConnectionId(),
      receive: () => undefined,
      closed: (code, reason) => void closed.push({ code, reason }),
    };
  }

  request(): Promise<unknown> {
    return Promise.reject(new Error('the broker asks nothing'));
  }

  onPublish(handler: (publication: Publication) => void): void {
    this.publish = handler;
  }

  readiness(): Readiness {
    return { kind: 'ready' };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
