import { limits } from '../base/limits.ts';
import { parseAddress, addressKey, type AgentAddress } from '../base/address.ts';
import type { ConnectBody, InboundRecord } from './messages.ts';
import type { CodecName } from './port.ts';
import { formerConnection } from './standing.ts';

/** A protocol connection of an agent. It outlives the agent's time in memory. */
export interface Connection extends Omit<ConnectBody, 'codec'> {
  readonly id: number;
  /** Chosen by the agent on connect when the connection itself chose none. */
  codec: CodecName;
  readonly isCodecChosen: boolean;
  readonly address: AgentAddress;
  /** What the agent room remembers with the connection (mask, tags); opaque here. */
  attachment: unknown;
  /** What a replay needs to know of it, as its frames bring it to the journal; empty: not known there (yet). */
  standing: string;
  /** What the agent room said is to be remembered of it; undefined unless a replay made it of a frame. */
  readonly remembered: unknown;
}

interface Former {
  readonly connection: Connection;
  /** Of the last frame that was replayed. */
  readonly standing: string;
}

const NONE: readonly never[] = Object.freeze([]);

/** Who is connected to whom in one shard: protocol connections, and devices' MQTT connections. */
export class ConnectionTable {
  readonly #byId = new Map<number, Connection>();
  readonly #byKey = new Map<string, Connection[]>();
  readonly #devices = new Map<string, number[]>();
  /** Connections of a run that ended, by frames that are replayed. Nobody is at their other end, and they are in no list. */
  readonly #former = new Map<number, Former>();
  #isReplaying = true;

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
    const connection: Connection = {
      ...body,
      codec,
      isCodecChosen,
      id,
      address,
      attachment: undefined,
      standing: '',
      remembered: undefined,
    };
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

  /**
   * A frame is about to be handled. Where its connection is gone, one is made of what the frame says of it.
   * False: its connection is not as the frame says, so that a replay would not do what is done now.
   */
  recall(frame: InboundRecord): boolean {
    const { connection: id, subject: standing } = frame;
    const known = this.#byId.get(id);
    if (known !== undefined) return standing !== '' && known.standing === standing;
    if (standing === '') this.#former.delete(id);
    // Turns that were replayed may have changed it since.
    else if (this.#former.get(id)?.standing !== standing) {
      const connection = formerConnection(frame);
      if (connection !== undefined) this.#former.set(id, { connection, standing });
    }
    return true;
  }

  /** A frame was handled. */
  handled(frame: InboundRecord): void {
    if (!this.#isReplaying) this.#former.delete(frame.connection);
  }

  /** All of the journal was given to its agents. */
  replayed(): void {
    this.#isReplaying = false;
    this.#former.clear();
  }

  /** Undefined when it is not one of this agent. */
  get(id: number, key: string): Connection | undefined {
    const connection = this.#byId.get(id) ?? this.#former.get(id)?.connection;
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
