import type { ActorRuntime } from '../actor/index.ts';
import type { BrokerContext } from './context.ts';
import type { BrokerCounters } from './counters.ts';
import type { IngestHost, IngestQueue, Pending } from './ingest-queue.ts';
import type { Client, PublishCallback, PublishPacket } from './mqtt-server.ts';
import type { ClientSession } from './client-session.ts';

/** The connection, as far as its queue needs it. */
export interface QueueOwner {
  readonly number: number;
  readonly client: Client;
  readonly queue: IngestQueue;
  readonly session: ClientSession;
  destroy(reason: string): void;
}

/** A connection as its queue sees it: methods, where an object of closures would cost each connection 400 bytes. */
export class QueueHost implements IngestHost {
  readonly #context: BrokerContext;
  readonly #owner: QueueOwner;

  constructor(context: BrokerContext, owner: QueueOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  get connection(): number {
    return this.#owner.number;
  }

  get runtime(): ActorRuntime {
    return this.#context.runtime;
  }

  get counters(): BrokerCounters {
    return this.#context.counters;
  }

  findEarlier(packetId: number): Pending | null {
    return this.#context.findEarlier(this.#owner.client.id, packetId);
  }

  isAwaitingRelease({ messageId = 0 }: PublishPacket): boolean {
    return this.#owner.session.isAwaitingRelease(messageId);
  }

  pass(packet: PublishPacket, callback: PublishCallback | null): void {
    this.#owner.session.pass(packet, callback);
  }

  end(reason: string): void {
    this.#owner.destroy(reason);
  }

  drained(): void {
    this.#context.drained(this.#owner.client.id, this.#owner.queue);
  }
}
