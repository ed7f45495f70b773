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
   * Sends a message of the author's own: bytes as they are (binary), a string as it is (text, as the
   * Agents SDK does), or any other JSON value in the connection's codec. A string on a CBOR connection is
   * a CBOR text string, never a text frame.
   * A connection that must not see JSON text (`shouldSendProtocolMessages` said false) gets bytes only,
   * one that is not decided yet gets nothing.
   */
  send(message: unknown): void {
    const isBytes = message instanceof Uint8Array;
    const { decision } = attachmentOf(this.#connection);
    if (decision.kind === 'open' || (decision.mask.isSilent && !isBytes)) return;
    const isText = !isBytes && this.codec === 'json';
    const isPlain = isText && typeof message === 'string';
    const bytes = isBytes ? message : isPlain ? Buffer.from(message) : encodePayload(message, this.codec);
    this.#context.send([this.#connection.id], bytes, isText);
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
