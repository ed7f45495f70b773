/** Which MQTT connections speak for which agents, as the main thread knows it: a restarted shard must hear it again. */
import { KIND, type AttachBody } from './messages.ts';
import type { CodecName, ListenChannels } from './port.ts';
import type { ShardClient } from './shard-client.ts';

interface Attached {
  readonly codec: CodecName | null;
  listens: ListenChannels | null;
}

const NO_BYTES = new Uint8Array(0);

export class AttachedDevices {
  readonly #attached = new Map<number, Map<string, Attached>>();
  readonly #shardOf: (key: string) => ShardClient;

  constructor(shardOf: (key: string) => ShardClient) {
    this.#shardOf = shardOf;
  }

  attach(key: string, connection: number, codec: CodecName | null): void {
    let attached = this.#attached.get(connection);
    if (attached === undefined) this.#attached.set(connection, (attached = new Map()));
    attached.set(key, { codec, listens: null });
    this.#writeAttach(key, connection, codec);
  }

  detach(key: string, connection: number, reason: string): void {
    const attached = this.#attached.get(connection);
    attached?.delete(key);
    if (attached?.size === 0) this.#attached.delete(connection);
    this.#shardOf(key).write(KIND.detach, 0, key, reason, connection, 0, NO_BYTES, undefined);
  }

  listen(key: string, connection: number, channels: ListenChannels): void {
    const attached = this.#attached.get(connection)?.get(key);
    if (attached !== undefined) {
      const { command = false, desired = false } = attached.listens ?? {};
      attached.listens = { command: command || channels.command, desired: desired || channels.desired };
    }
    this.#writeListen(key, connection, channels);
  }

  /** Tells a restarted shard all of it again. */
  reintroduce(shard: ShardClient): void {
    for (const [connection, attached] of this.#attached) {
      for (const [key, { codec, listens }] of attached) {
        if (this.#shardOf(key) !== shard) continue;
        this.#writeAttach(key, connection, codec);
        // What was sent to it and not answered may never have left.
        if (listens !== null) this.#writeListen(key, connection, listens);
      }
    }
  }

  #writeAttach(key: string, connection: number, codec: CodecName | null): void {
    const body: AttachBody = { codec };
    this.#shardOf(key).write(KIND.attach, 0, key, '', connection, 0, json(body), undefined);
  }

  #writeListen(key: string, connection: number, channels: ListenChannels): void {
    this.#shardOf(key).write(KIND.listen, 0, key, '', connection, 0, json(channels), undefined);
  }
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
