/**
 * The protocol of a client over its link: identity, state, calls, probes; typed by nobody (agent-client.ts is).
 *
 * Each connection starts with a probe, a call of a method no agent has: its answer comes after the agent's first
 * frames, so that `ready` means the state is here, also on connections that are spared the identity frame.
 */
import { BridgeError, type ErrorCode, ERRORS } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { type Codec, type Frame, type InboundFrame, SUBPROTOCOL_CBOR } from '../wire/index.ts';
import { agentUrl } from './address.ts';
import { type CallOptions, Calls, type Packet, type Send } from './calls.ts';
import { type ClientEvents, type ClientStatus, Emitter, emitFrame } from './events.ts';
import { Link } from './link.ts';
import { type AgentClientOptions, type Settings, timingsOf } from './options.ts';
import { framePacket, messagePacket, read } from './packets.ts';
import { globalSocket } from './socket.ts';
import { StateSync } from './state-sync.ts';

type Handled = Exclude<Frame, { type: 'rpc' }>;
type RpcReply = Extract<Frame, { type: 'rpc' }>;
type ErrorFrame = Extract<Frame, { type: 'mooring_error' }>;

/** Reserved: no agent has a method of this name, and none may. Ids of probes begin so too. */
const PING = '$ping';

export class Session {
  readonly emitter = new Emitter<ClientEvents<unknown>>();
  readonly #codec: Codec;
  readonly #callTimeoutMs: number;
  readonly #calls = new Calls((id) => this.#cancel(id));
  readonly #sync: StateSync;
  readonly #link: Link;
  readonly #send: Send = (packet) => this.#link.send(packet);
  /** Distinguishes this client's request ids from those of others. */
  readonly #prefix = randomPrefix();
  #sequence = 0;
  #status: ClientStatus = 'connecting';
  #ready = newReady();
  #identity: { readonly agent: string; readonly name: string } | undefined;

  /** @throws BridgeError BRG_ADDRESS, BRG_CONFIG (no WebSocket here) */
  constructor(options: AgentClientOptions) {
    this.#codec = options.codec ?? 'cbor';
    this.#callTimeoutMs = options.callTimeoutMs ?? limits.requestTimeoutMs;
    this.#sync = this.#newSync();
    this.#link = this.#newLink(options);
  }

  #newSync(): StateSync {
    return new StateSync({
      onChange: (state, source) => this.emitter.emit('state', state, source),
      onRefused: (message) => this.emitter.emit('stateError', message),
      onGap: () =>
        this.#link.restart(
          new BridgeError('BRG_CONNECTION_CLOSED', 'Connection closed: changes of the state were lost'),
        ),
    });
  }

  #newLink(options: AgentClientOptions): Link {
    const url = agentUrl(options);
    if (options.statePatches !== false) url.searchParams.set('state', 'patch');
    return new Link(
      {
        ...timingsOf(options),
        socket: options.WebSocket ?? globalSocket(),
        // JSON without a subprotocol is what every server of the Agents SDK speaks.
        subprotocols: this.#codec === 'cbor' ? [SUBPROTOCOL_CBOR] : [],
        attemptsMax: options.attemptsMax ?? Infinity,
        url: () => withToken(url, options.token),
      },
      {
        onConnecting: () => this.#become('connecting'),
        onOpen: () => this.#opened(),
        onMessage: (data) => this.#received(data),
        onProbe: () => this.#probe(),
        onLost: (error) => this.#lost(error),
        onClosed: (error, isOwn) => this.#closed(error, isOwn),
      },
    );
  }

  open(): void {
    this.#link.open();
  }

  close(): void {
    this.#link.close();
  }

  get identity(): { readonly agent: string; readonly name: string } | undefined {
    return this.#identity;
  }

  get status(): ClientStatus {
    return this.#status;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get state(): unknown {
    return this.#sync.state;
  }

  get stateVersion(): number | null {
    return this.#sync.version;
  }

  // Async, so that what cannot be encoded rejects as well.
  async setState(state: unknown): Promise<void> {
    this.#assertOpen();
    const id = this.#nextId(PING);
    const packets = [framePacket({ type: 'cf_agent_state', state }, this.#codec), this.#pingPacket(id)];
    await this.#sync.set(id, state, packets, this.#sender());
  }

  // Async, so that what cannot be encoded rejects as well.
  async call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    this.#assertOpen();
    const id = this.#nextId(this.#prefix);
    const packet = framePacket({ type: 'rpc', id, method, args }, this.#codec);
    const { timeoutMs = this.#callTimeoutMs } = options;
    return this.#calls.start(id, method, packet, { ...options, timeoutMs }, this.#sender());
  }

  sendFrame(frame: InboundFrame): void {
    this.#link.send(framePacket(frame, this.#codec));
  }

  sendMessage(message: unknown): void {
    this.#link.send(messagePacket(message, this.#codec));
  }

  #assertOpen(): void {
    if (this.#status === 'closed') throw new BridgeError('BRG_CONNECTION_CLOSED', 'Connection closed');
  }

  #sender(): Send | null {
    return this.#link.isOpen ? this.#send : null;
  }

  #nextId(prefix: string): string {
    return `${prefix}-${++this.#sequence}`;
  }

  #pingPacket(id: string): Packet {
    return framePacket({ type: 'rpc', id, method: PING, args: [] }, this.#codec);
  }

  /** A connection that takes no frame takes no answer either: its end cancels the call. */
  #cancel(id: string): void {
    try {
      this.#link.send(framePacket({ type: 'mooring_cancel', id }, this.#codec));
    } catch {
      // Nothing to do: see above.
    }
  }

  #probe(): void {
    try {
      this.#link.send(this.#pingPacket(this.#nextId(PING)));
    } catch {
      // The send buffer is full: if nothing comes either, the link gives the connection up.
    }
  }

  #opened(): void {
    this.#probe();
    this.#sync.connected(this.#send);
    this.#calls.connected(this.#send);
  }

  #received(data: string | Uint8Array): void {
    const found = read(data, this.#codec);
    if (found === null) return;
    if ('message' in found) this.emitter.emit('message', found.message);
    else if (found.frame.type === 'rpc') this.#answered(found.frame);
    else this.#handle(found.frame);
  }

  #answered(reply: RpcReply): void {
    if (!reply.id.startsWith(PING)) {
      this.#calls.answered(reply);
      return;
    }
    this.#sync.probed(reply.id);
    if (this.#status === 'live') return;
    this.#become('live');
    this.#ready.resolve();
  }

  #handle(frame: Handled): void {
    switch (frame.type) {
      case 'cf_agent_identity':
        this.#identity = { agent: frame.agent, name: frame.name };
        break;
      case 'cf_agent_state':
        this.#sync.replaced(frame.state, frame.version ?? null);
        break;
      case 'mooring_state_patch':
        this.#sync.patched(frame.patch, frame.version);
        break;
      case 'cf_agent_state_error':
        this.#sync.refused(frame.error);
        break;
      case 'mooring_error':
        this.emitter.emit('error', remoteError(frame));
        break;
      default: // the rest is for listeners
    }
    emitFrame(this.emitter, frame);
  }

  #lost(error: BridgeError): void {
    this.#notLive();
    this.#sync.disconnected(error);
    this.#calls.disconnected(error);
    this.#become('waiting');
    this.emitter.emit('error', error);
  }

  #closed(error: BridgeError, isOwn: boolean): void {
    this.#notLive();
    this.#become('closed');
    this.#sync.closed(error);
    this.#calls.closed(error);
    this.#ready.reject(error);
    if (!isOwn) this.emitter.emit('error', error);
  }

  #notLive(): void {
    if (this.#status === 'live') this.#ready = newReady();
  }

  #become(status: ClientStatus): void {
    this.#status = status;
    this.emitter.emit('status', status);
  }
}

/** Nobody has to wait for it. */
function newReady(): PromiseWithResolvers<void> {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  return ready;
}

/** 64 random bits in hex. `crypto.randomUUID` exists in secure contexts only; bridges are reached by http as well. */
function randomPrefix(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

async function withToken(url: URL, token: Settings<unknown>['token']): Promise<string> {
  const value = typeof token === 'function' ? await token() : token;
  if (value === undefined) return url.href;
  const full = new URL(url);
  full.searchParams.set('token', value);
  return full.href;
}

/** The code is the bridge's, which may be newer and know more of them. */
function remoteError({ code, error }: ErrorFrame): BridgeError {
  if (Object.hasOwn(ERRORS, code)) return new BridgeError(code as ErrorCode, error); // just looked up
  return new BridgeError('BRG_INTERNAL', error, { details: { code } });
}
