/** Hostile connections against the broker as the bridge runs it, with agents that take everything. */
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { definitions } from '../../devices/index.ts';
import { createLog } from '../../src/base/log.ts';
import { createBroker, type Broker } from '../../src/broker/index.ts';
import { Registry } from '../../src/device/index.ts';
import { MemoryRuntime } from '../broker/memory-runtime.ts';
import { connect, packetTypes, PINGREQ, PINGRESP } from '../broker/packets.ts';
import { packetStream, type PacketStream } from './packets.ts';
import { Random } from './random.ts';

const SIDE_BY_SIDE = 32;
const ANSWER_MS = 10_000;

/** A runtime that takes everything and keeps nothing. */
class TakingRuntime extends MemoryRuntime {
  override deliver(...[, done]: Parameters<MemoryRuntime['deliver']>): void {
    setImmediate(() => done('accepted'));
  }

  override attachDevice(): void {}
  override detachDevice(): void {}
  override deviceListening(): void {}

  override openConnection(): ReturnType<MemoryRuntime['openConnection']> {
    return { connection: this.openConnectionId(), receive: () => undefined, closed: () => undefined };
  }
}

/** See the head of this file. */
export class BrokerFuzz {
  readonly #broker: Broker;
  readonly #random: Random;
  /** Sent to the end while their connection was open. */
  packets = 0;

  private constructor(broker: Broker, seed: number) {
    this.#broker = broker;
    this.#random = new Random(seed);
  }

  static async start(seed: number): Promise<BrokerFuzz> {
    const broker = await createBroker({
      runtime: new TakingRuntime(),
      registry: new Registry(definitions),
      host: '127.0.0.1',
      port: 0,
      log: createLog({ level: 'silent', format: 'json' }),
      edge: { connectsPerSecondMax: 1_000_000 },
      // Sessions whose client ids were mutated come back to nobody: what they keep is no leak, and is to go.
      sessionExpiryMs: 1000,
    });
    return new BrokerFuzz(broker, seed);
  }

  /**
   * Some connections side by side, then an honest one. Throws when a connection is not ended though its client has, or
   * the honest one gets no answer.
   */
  async round(): Promise<void> {
    const streams = Array.from({ length: SIDE_BY_SIDE }, () => packetStream(this.#random));
    await Promise.all(streams.map((stream) => this.#play(stream)));
    await this.#forget(streams.flatMap(({ persistent }) => persistent ?? []));
    await this.#isAlive();
  }

  async stop(): Promise<void> {
    await this.#broker.stop();
  }

  async #play({ packets }: PacketStream): Promise<void> {
    const [client, closed] = this.#open();
    client.resume();
    const bytes = Buffer.concat(packets);
    const ends = packetEnds(packets);
    for (let at = 0; at < bytes.length && !client.destroyed;) {
      const end = at + 1 + this.#random.below(this.#random.chance(0.3) ? 8 : 400);
      client.write(bytes.subarray(at, end));
      this.packets += ends.filter((one) => one > at && one <= end).length;
      at = end;
      if (this.#random.chance(0.5)) await tick();
    }
    client.end();
    await closed;
  }

  /** A stream to the broker, and when the broker has closed its end. */
  #open(): [Duplex, Promise<unknown>] {
    const [client, server] = duplexPair();
    client.on('error', () => undefined);
    server.once('close', () => client.destroy());
    const closed = once(server, 'close', { signal: AbortSignal.timeout(ANSWER_MS) });
    this.#broker.acceptStream(server, '127.0.0.1');
    return [client, closed];
  }

  /** Ends sessions that would keep messages for clients that never come back [MQTT-3.1.2-6]. */
  async #forget(clientIds: readonly string[]): Promise<void> {
    for (const clientId of clientIds) {
      const [client, closed] = this.#open();
      client.end(connect({ clientId }));
      client.resume();
      await closed;
    }
  }

  async #isAlive(): Promise<void> {
    const [client, closed] = this.#open();
    let received = Buffer.alloc(0);
    const answered = new Promise<void>((resolve) => {
      client.on('data', (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        if (packetTypes(received).includes(PINGRESP)) resolve();
      });
    });
    client.write(Buffer.concat([connect({ clientId: 'honest' }), PINGREQ]));
    await Promise.race([
      answered,
      closed.then(() => Promise.reject(new Error('an honest client was turned away'))),
    ]);
    client.end();
    await closed;
  }
}

function packetEnds(packets: readonly Buffer[]): number[] {
  let end = 0;
  return packets.map(({ length }) => (end += length));
}
