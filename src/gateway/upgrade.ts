/**
 * WebSocket upgrades: `/mqtt` goes to the broker, `/agents/{model}/{id}` to an agent. Whatever is wrong is
 * answered in HTTP, before the upgrade, with the same problem documents as everywhere else.
 */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { BUILT_IN_MODELS, type AgentAddress } from '../base/address.ts';
import type { CodecName } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/index.ts';
import { negotiateSubprotocol, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from '../wire/index.ts';
import type { AccessPolicy } from './access.ts';
import { authorize, checkReach, checkScope, checkUnbound } from './access.ts';
import type { AgentSocketContext } from './agent-socket.ts';
import { AgentSocket } from './agent-socket.ts';
import { problemAnswer } from './problem.ts';
import { agentPath, checkAddress, parseTarget } from './target.ts';
import type { RequestTarget } from './target.ts';

interface UpgradeContext extends AgentSocketContext {
  readonly policy: AccessPolicy;
  /** Device models and built-in ones. */
  readonly modelNames: ReadonlySet<string>;
  readonly connectionsMax: number;
  readonly pingMs: number;
  onMqttUpgrade(socket: Duplex, request: IncomingMessage, head: Buffer): void;
  isStopping(): boolean;
}

/** What an upgrade to an agent was granted. */
interface Grant {
  readonly address: AgentAddress;
  readonly codec: CodecName;
  readonly user: string | null;
  readonly caller: Caller | null;
}

export class AgentSockets {
  readonly #context: UpgradeContext;
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<AgentSocket>();
  #cancelPing: () => void;
  /** Tokens end in their own time. */
  readonly #expiry: NodeJS.Timeout;

  constructor(context: UpgradeContext) {
    this.#context = context;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false, // 300 KiB a connection, and CBOR is small already
      maxPayload: limits.frameBytesMax,
      // Only asked when there is an offer; `#grant` has refused what this would not accept.
      handleProtocols: (offered) => negotiateSubprotocol([...offered])?.subprotocol ?? false,
    });
    this.#cancelPing = this.#schedulePing();
    this.#expiry = setInterval(() => this.#checkExpiry(), limits.callerCheckMs).unref();
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Takes over the socket of an upgrade request. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore); // a reset while we answer; ws adds its own listener after the upgrade
    void this.#admit(request, socket, head).catch((error: unknown) =>
      refuse(socket, error, this.#context.log),
    );
  }

  /** Nothing reads the socket meanwhile: what comes behind the request waits in it. */
  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = parseTarget(request.url ?? '/');
    const caller = await authorize(this.#context.policy, request, target, true);
    if (this.#context.isStopping()) throw new BridgeError('BRG_STOPPING', 'the bridge is stopping');
    if (target.path === '/mqtt') {
      this.#context.onMqttUpgrade(socket, request, head);
      return;
    }
    const grant = this.#grant(request, target, caller);
    if (caller !== null) await this.#checkGrant(grant.address, caller);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off('error', ignore);
      this.#add(
        new AgentSocket(webSocket, socket, connectionDetails(grant, target), this.#context),
        webSocket,
      );
    });
  }

  /** Who does what a person does may connect, and who may read may listen: where there is something to hear. */
  async #checkGrant(address: AgentAddress, caller: Caller): Promise<void> {
    if (BUILT_IN_MODELS.includes(address.model)) checkUnbound(caller);
    else checkReach(caller, address);
    if (caller.may('approve')) return;
    checkScope(caller, 'read');
    // A connection brings its agent into being, which is more than reading. Rejects with BRG_UNKNOWN_AGENT.
    if (!BUILT_IN_MODELS.includes(address.model))
      await this.#context.runtime.request(address, 'describe', {});
  }

  #grant(request: IncomingMessage, target: RequestTarget, caller: Caller | null): Grant {
    const path = agentPath(target.path);
    if (path === null) throw new BridgeError('BRG_NOT_FOUND', `there is no WebSocket at ${target.path}`);
    const address = checkAddress(path.model, path.id, this.#context.modelNames);
    const offered = splitList(request.headers['sec-websocket-protocol']);
    const negotiated = negotiateSubprotocol(offered);
    if (negotiated === null) {
      throw new BridgeError(
        'BRG_SUBPROTOCOL',
        `offer ${SUBPROTOCOL_CBOR}, ${SUBPROTOCOL_JSON}, or none for JSON`,
        {
          details: { offered },
        },
      );
    }
    if (this.#sockets.size >= this.#context.connectionsMax) {
      throw new BridgeError('BRG_BUSY', 'there are as many WebSocket connections as allowed');
    }
    return { address, codec: negotiated.codec, user: caller?.label ?? null, caller };
  }

  #add(agentSocket: AgentSocket, webSocket: { once(event: 'close', listener: () => void): unknown }): void {
    this.#sockets.add(agentSocket);
    webSocket.once('close', () => this.#sockets.delete(agentSocket));
  }

  #schedulePing(): () => void {
    return this.#context.clock.after(this.#context.pingMs, () => {
      for (const socket of this.#sockets) socket.checkAlive();
      this.#cancelPing = this.#schedulePing();
    });
  }

  #checkExpiry(): void {
    const nowMs = Date.now();
    for (const socket of this.#sockets) socket.checkExpiry(nowMs);
  }

  /** Ends the connections of those who may no more; a database that fails ends none. */
  recheck(): void {
    try {
      for (const socket of this.#sockets) socket.checkCaller();
    } catch (error) {
      this.#context.log.error({ err: error }, 'who is connected could not be checked');
    }
  }

  /** Says goodbye to every client with 1001. */
  closeAll(): void {
    this.#cancelPing();
    clearInterval(this.#expiry);
    for (const socket of this.#sockets) socket.close(1001, 'the bridge is stopping');
  }

  terminateAll(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

/** The target without the token: what agents get to see, they may store. */
function connectionDetails(grant: Grant, target: RequestTarget) {
  const query = new URLSearchParams(target.query);
  query.delete('token');
  const uri = query.size === 0 ? target.path : `${target.path}?${query.toString()}`;
  return { ...grant, transport: 'websocket' as const, uri };
}

function splitList(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function ignore(): void {}

/** Answers on the bare socket: there is no ServerResponse for an upgrade. */
function refuse(socket: Duplex, error: unknown, log: Log): void {
  const answer = problemAnswer(error, log);
  const headers = {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`, ...lines, '', ''].join('\r\n');
  socket.end(Buffer.concat([Buffer.from(head), Buffer.from(answer.body)]), () => socket.destroy());
}
