import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { onTestFinished, vi } from 'vitest';
import { createLog } from '../../src/base/log.ts';
import type { DeniedReason } from '../../src/broker/counters.ts';
import { createBroker, type Broker, type BrokerOptions } from '../../src/broker/index.ts';
import { Registry } from '../../src/device/index.ts';
import { definitions } from '../../devices/index.ts';
import { MemoryRuntime } from './memory-runtime.ts';
import { connect, packet, text } from './packets.ts';

export interface Setup {
  readonly broker: Broker;
  readonly runtime: MemoryRuntime;
  readonly counts: {
    unmapped: number;
    messages: number;
    dropped: number;
    throttled: number;
    bytes: number;
    denied: DeniedReason[];
    latencies: number;
  };
  client(options?: IClientOptions): Promise<MqttClient>;
  socket(): Promise<Raw>;
}

/** A broker on a free port with a memory runtime; all of it ends with the test. */
export async function start(
  options: Pick<
    BrokerOptions,
    | 'edge'
    | 'sessionBounds'
    | 'packetBytesMax'
    | 'identities'
    | 'sessionStore'
    | 'sessionExpiryMs'
    | 'willGraceMs'
  > = {},
): Promise<Setup> {
  const runtime = new MemoryRuntime();
  const counts: Setup['counts'] = {
    unmapped: 0,
    messages: 0,
    dropped: 0,
    throttled: 0,
    bytes: 0,
    denied: [],
    latencies: 0,
  };
  const broker = await createBroker({
    runtime,
    registry: new Registry(definitions),
    host: '127.0.0.1',
    port: 0,
    ...options,
    log: createLog({ level: 'silent', format: 'json' }),
    counters: {
      messagesIn: () => void (counts.messages += 1),
      bytesIn: (bytes) => void (counts.bytes += bytes),
      unmapped: () => void (counts.unmapped += 1),
      queueDropped: () => void (counts.dropped += 1),
      throttled: () => void (counts.throttled += 1),
      denied: (reason) => void counts.denied.push(reason),
      pubackLatencyMs: () => void (counts.latencies += 1),
    },
  });
  onTestFinished(() => broker.stop());
  const { host, port } = broker.address;
  return {
    broker,
    runtime,
    counts,
    async client(options = {}) {
      const client = await connectAsync(`mqtt://${host}:${port}`, { reconnectPeriod: 0, ...options });
      client.on('error', () => undefined);
      onTestFinished(() => void client.end(true));
      return client;
    },
    async socket() {
      const socket = connectSocket(port, host);
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return new Raw(socket);
    },
  };
}

export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 4000, interval: 5 });
}

/** A client of raw bytes, for what a well-behaved one never sends. */
export class Raw {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => (this.#received = Buffer.concat([this.#received, chunk])));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  async connect(clientId: string, options: { isClean?: boolean } = {}): Promise<void> {
    this.socket.write(connect({ clientId, flags: (options.isClean ?? true) ? 2 : 0 }));
    await until(() => this.packets(2).length === 1);
  }

  publish(topic: string, payload: string, qos: 0 | 1 | 2, packetId = 0, isDup = false): void {
    const id = qos === 0 ? [] : [packetId >> 8, packetId & 255];
    const body = Buffer.concat([text(topic), Buffer.from(id), Buffer.from(payload)]);
    this.socket.write(packet(0x30 | (isDup ? 8 : 0) | (qos << 1), body));
  }

  /** Another packet as it stands. */
  send(...packets: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(packets));
  }

  /** PUBACK 4, PUBREC 5, PUBREL 6, PUBCOMP 7. */
  acknowledge(type: 4 | 5 | 6 | 7, packetId: number): void {
    this.socket.write(packet((type << 4) | (type === 6 ? 2 : 0), [packetId >> 8, packetId & 255]));
  }

  subscribe(packetId: number, filters: readonly string[], qos = 1): void {
    const entries = filters.map((filter) => Buffer.concat([text(filter), Buffer.from([qos])]));
    this.socket.write(
      packet(0x82, Buffer.concat([Buffer.from([packetId >> 8, packetId & 255]), ...entries])),
    );
  }

  /** Bodies of the packets of this type so far; all the tests' packets are shorter than 128 bytes. */
  packets(type: number): Buffer[] {
    return this.#packets()
      .filter(({ first }) => first >> 4 === type)
      .map(({ body }) => body);
  }

  /** Types of all packets so far, in order. */
  types(): number[] {
    return this.#packets().map(({ first }) => first >> 4);
  }

  /** The PUBLISH packets so far, as `topic payload` and what of `q1`, `q2`, `dup` and `retain` they have. */
  published(): string[] {
    return this.#packets()
      .filter(({ first }) => first >> 4 === 3)
      .map(({ first, body }) => {
        const topicEnd = 2 + body.readUInt16BE(0);
        const qos = (first >> 1) & 3;
        const payload = body.subarray(topicEnd + (qos === 0 ? 0 : 2)).toString();
        const flags = [
          qos > 0 ? `q${qos}` : '',
          (first & 8) > 0 ? 'dup' : '',
          (first & 1) > 0 ? 'retain' : '',
        ];
        return [body.subarray(2, topicEnd).toString(), payload, ...flags]
          .filter((word) => word !== '')
          .join(' ');
      });
  }

  /** Packet ids of the PUBLISH packets with QoS 1 and 2 so far. */
  packetIds(): number[] {
    return this.#packets()
      .filter(({ first }) => first >> 4 === 3 && (first & 6) > 0)
      .map(({ body }) => body.readUInt16BE(2 + body.readUInt16BE(0)));
  }

  #packets(): { first: number; body: Buffer }[] {
    const found: { first: number; body: Buffer }[] = [];
    for (let at = 0; at + 1 < this.#received.length;) {
      const length = this.#received[at + 1] ?? 0;
      found.push({ first: this.#received[at] ?? 0, body: this.#received.subarray(at + 2, at + 2 + length) });
      at += 2 + length;
    }
    return found;
  }

  /** Packet ids of the PUBACKs so far. */
  pubacks(): number[] {
    return this.packets(4).map((body) => body.readUInt16BE(0));
  }
}
