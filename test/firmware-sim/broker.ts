import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Aedes } from 'aedes';

/** What a device said, as the broker saw it. */
export interface Seen {
  readonly client: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

export interface TestBroker {
  readonly url: string;
  readonly seen: Seen[];
  /** Messages on a topic that ends with `channel`. */
  on(channel: string): Seen[];
  publish(topic: string, payload: string | Buffer): Promise<void>;
  /** While true no PUBACK goes out: publishes wait in the broker. */
  holdAcknowledgements(isHeld: boolean): void;
  /** Breaks all connections at once. */
  breakConnections(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A plain MQTT broker on a free port of this machine. */
export async function startBroker(port = 0): Promise<TestBroker> {
  const aedes = await Aedes.createBroker();
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let isHeld = false;
  const held: (() => void)[] = [];
  aedes.authorizePublish = (client, packet, done) => {
    seen.push({
      client: client?.id ?? '',
      topic: packet.topic,
      payload: Buffer.from(packet.payload),
      qos: packet.qos,
      retain: packet.retain,
    });
    if (isHeld) held.push(() => done());
    else done();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    seen,
    on: (channel) => seen.filter(({ topic }) => topic.endsWith(channel)),
    publish: (topic, payload) =>
      new Promise((resolve, reject) =>
        aedes.publish(
          { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false },
          (error?: Error | null) => (error == null ? resolve() : reject(error)),
        ),
      ),
    holdAcknowledgements: (hold) => {
      isHeld = hold;
      if (!hold) for (const release of held.splice(0)) release();
    },
    breakConnections,
    [Symbol.asyncDispose]: async () => {
      breakConnections();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Waits until a condition holds; fails the test after `withinMs`. */
export async function until(what: string, holds: () => boolean, withinMs = 5000): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
