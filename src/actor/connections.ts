import { limits } from '../base/limits.ts';
import { parseAddress, addressKey, type AgentAddress } from '../base/address.ts';
import type { ConnectBody } from './messages.ts';
import type { CodecName } from './port.ts';

/** A protocol connection of an agent. It outlives the agent's time in memory. */
export interface Connection extends Omit<ConnectBody, 'codec'> {
  readonly id: number;
  /** Chosen by the agent on connect when the connection itself chose none. */
  codec: CodecName;
  readonly isCodecChosen: boolean;
  readonly address: AgentAddress;
  /** What the agent room remembers with the connection (mask, tags); opaque here. */
  attachment: unknown;
}

const NONE: readonly never[] = Object.freeze([]);

/** Who is connected to whom in one shard: protocol connections, and devices' MQTT connections. */
export class ConnectionTable {
  readonly #byId = new Map<number, Connection>();
  readonly #byKey = new Map<string, Connection[]>();
  readonly #devices = new Map<string, number[]>();

  get size(): number {
    return this.#byId.size;
  }

  /** Undefined when the agent has as many connections as it may have. An id known already stays what it is. */
  open(id: number, key: string, body: ConnectBody): Connection | undefined {
    const address = parseAddress(key);
    // After a restart of the shard a connection may be introduced and its first batch come again.
    const known = this.get(id, key);
    if (known !== undefined) return known;
    const existing = this.#byKey.get(key);
    if (address === undefined || (existing?.length ?? 0) >= limits.connectionsPerAgentMax) return undefined;
    const isCodecChosen = body.codec !== null;
    const codec = body.codec ?? 'json';
    const connection: Connection = { ...body, codec, isCodecChosen, id, address, attachment: undefined };
    this.#byId.set(id, connection);
    if (existing === undefined) this.#byKey.set(key, [connection]);
    else existing.push(connection);
    return connection;
  }

  /** The connection has ended: no more frames for it; `get` finds it until `forget`. */
  close(id: number): Connection | undefined {
    const connection = this.#byId.get(id);
    if (connection === undefined) return undefined;
    const key = addressKey(connection.address);
    const rest = (this.#byKey.get(key) ?? []).filter((other) => other.id !== id);
    if (rest.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, rest);
    return connection;
  }

  /** Its close was handled. */
  forget(id: number): void {
    this.#byId.delete(id);
  }

  /** Undefined when it is not one of this agent. */
  get(id: number, key: string): Connection | undefined {
    const connection = this.#byId.get(id);
    return connection !== undefined && addressKey(connection.address) === key ? connection : undefined;
  }

  of(key: string): readonly Connection[] {
    return this.#byKey.get(key) ?? NONE;
  }

  attachDevice(key: string, connection: number): void {
    const attached = this.#devices.get(key);
    if (attached === undefined) this.#devices.set(key, [connection]);
    else if (!attached.includes(connection)) attached.push(connection);
  }

  detachDevice(key: string, connection: number): void {
    const rest = (this.#devices.get(key) ?? []).filter((other) => other !== connection);
    if (rest.length === 0) this.#devices.delete(key);
    else this.#devices.set(key, rest);
  }

  devicesOf(key: string): readonly number[] {
    return this.#devices.get(key) ?? NONE;
  }
}
