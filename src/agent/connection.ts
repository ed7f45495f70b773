import type { ActorContext, Connection } from '../actor/index.ts';
import { encodePayload, type Codec, type Frame } from '../wire/index.ts';
import { attachmentOf, maskFor, type ProtocolDecision } from './attachment.ts';
import type { Outbound } from './outbound.ts';

/** A connection as an author sees it. Made anew in each turn; what must last lives in `state`. */
export class AgentConnection {
  readonly id: string;
  readonly #connection: Connection;
  readonly #context: ActorContext;
  readonly #outbound: Outbound;

  constructor(connection: Connection, context: ActorContext, outbound: Outbound) {
    this.id = String(connection.id);
    this.#connection = connection;
    this.#context = context;
    this.#outbound = outbound;
  }

  get codec(): Codec {
    return this.#connection.codec;
  }

  get transport(): 'websocket' | 'mqtt' {
    return this.#connection.transport;
  }

  /** Request target of the upgrade. */
  get uri(): string {
    return this.#connection.uri;
  }

  /** Any JSON value of the author's; it survives the agent's sleep, not the connection. */
  get state(): unknown {
    return attachmentOf(this.#connection).state;
  }

  setState(state: unknown): void {
    attachmentOf(this.#connection).state = state;
  }

  /**
   * Sends a message of the author's own: bytes as they are (binary), or a JSON value in the
   * connection's codec. Text on a CBOR connection is therefore a CBOR text string, never a text frame.
   */
  send(message: unknown): void {
    const isBytes = message instanceof Uint8Array;
    const bytes = isBytes ? message : encodePayload(message, this.codec);
    this.#context.send([this.#connection.id], bytes, !isBytes && this.codec === 'json');
  }

  /** Sends a protocol frame, if the connection's mask lets it through. */
  sendFrame(frame: Frame): boolean {
    return this.#outbound.send(this.#connection, frame);
  }

  /** Changes which protocol frames this connection gets, from now on. */
  setProtocol(decision: ProtocolDecision): void {
    attachmentOf(this.#connection).decision = { kind: 'decided', mask: maskFor(this.#connection, decision) };
  }

  /** Ends the connection (RFC 6455 section 7.4.1: 1000, or 3000 to 4999 for own reasons). */
  close(code = 1000, reason = ''): void {
    this.#context.close(this.#connection.id, code, reason);
  }
}
