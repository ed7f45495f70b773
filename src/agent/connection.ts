import type { ActorContext, Connection } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { encodePayload, type Codec, type Frame } from '../wire/index.ts';
import { attachmentOf, decide, remember, type ProtocolDecision } from './attachment.ts';
import { checkedCapabilities, may, type ConnectionCapability } from './capabilities.ts';
import type { Outbound } from './outbound.ts';

/**
 * A connection as an author sees it. Made anew in each turn; what must last lives in `state`.
 * What changes it throws BridgeError BRG_AGENT_RESTARTED in code that still runs for an agent that was given up.
 */
export class AgentConnection {
  /** Its name among the connections of the bridge. */
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

  /** What frames and values to it are encoded in. */
  get codec(): Codec {
    return this.#connection.codec;
  }

  /** A WebSocket, or an MQTT client that has subscribed to the frames of its device. */
  get transport(): 'websocket' | 'mqtt' {
    return this.#connection.transport;
  }

  /** Request target of the upgrade. */
  get uri(): string {
    return this.#connection.uri;
  }

  /** Authenticated identity, null without authentication. */
  get user(): string | null {
    return this.#connection.user;
  }

  /** What `getConnectionTags` said. */
  get tags(): readonly string[] {
    return attachmentOf(this.#connection).tags;
  }

  /** Any JSON value of the author's; it survives the agent's sleep, not the connection. */
  get state(): unknown {
    return attachmentOf(this.#connection).state;
  }

  /**
   * Replaces the state by a copy of this JSON value, or by what a function makes of the present one;
   * undefined becomes null. Returns the new state.
   * @throws BridgeError BRG_STATE_TOO_LARGE; TypeError for what JSON cannot say
   */
  setState(state: unknown): unknown {
    this.#context.turn.assertPresent();
    const attachment = attachmentOf(this.#connection);
    const next: unknown = typeof state === 'function' ? state(attachment.state) : state;
    const text = JSON.stringify(next ?? null);
    const bytes = Buffer.byteLength(text);
    if (bytes > limits.connectionStateBytesMax) {
      const message = `the connection’s state is ${bytes} bytes, the limit is ${limits.connectionStateBytesMax}`;
      throw new BridgeError('BRG_STATE_TOO_LARGE', message);
    }
    attachment.state = JSON.parse(text) as unknown;
    remember(this.#context, this.#connection);
    return attachment.state;
  }

  /** Whether it may do this: what `getConnectionCapabilities` granted and readonly does not take away. */
  can(capability: ConnectionCapability): boolean {
    return may(attachmentOf(this.#connection), capability);
  }

  /** What it may do from now on. @throws BridgeError BRG_BAD_REQUEST for what is no capability */
  setCapabilities(capabilities: readonly ConnectionCapability[]): void {
    this.#context.turn.assertPresent();
    attachmentOf(this.#connection).capabilities = checkedCapabilities(capabilities);
    remember(this.#context, this.#connection);
  }

  /** Takes away everything but calls, or gives it back; it never gets more than its capabilities. */
  setReadonly(isReadonly = true): void {
    this.#context.turn.assertPresent();
    attachmentOf(this.#connection).isReadonly = isReadonly;
    remember(this.#context, this.#connection);
  }

  /** Whether it gets any protocol frames at all. */
  get isProtocolEnabled(): boolean {
    const { decision } = attachmentOf(this.#connection);
    return decision.kind === 'decided' && decision.mask.classes.size > 0;
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
    this.#context.turn.assertPresent();
    decide(this.#connection, decision);
    remember(this.#context, this.#connection);
  }

  /** Ends the connection (RFC 6455 section 7.4.1: 1000, or 3000 to 4999 for own reasons). */
  close(code = 1000, reason = ''): void {
    this.#context.close(this.#connection.id, code, reason);
  }
}
