/**
 * WebSocket upgrades: `/mqtt` goes to the broker, `/agents/{model}/{id}` to an agent. Whatever is wrong is
 * answered in HTTP, before the upgrade, with the same problem documents as everywhere else.
 */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { AgentAddress } from '../base/address.ts';
import type { CodecName } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { negotiateSubprotocol, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from '../wire/index.ts';
import type { AccessPolicy } from './access.ts';
import { authorize } from './access.ts';
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
}

export class AgentSockets {
  readonly #context: UpgradeContext;
  readonly #server: WebSocketServer;
  readonly #sockets = new Set<AgentSocket>();
  #cancelPing: () => void;

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
  }

  get count(): number {
    return this.#sockets.size;
  }

  /** Takes over the socket of an upgrade request. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore); // a reset while we answer; ws adds its own listener after the upgrade
    const target = parseTarget(request.url ?? '/');
    try {
      const user = authorize(this.#context.policy, request, target, true);
      if (this.#context.isStopping()) throw new BridgeError('BRG_STOPPING', 'the bridge is stopping');
      if (target.path === '/mqtt') {
        this.#context.onMqttUpgrade(socket, request, head);
        return;
      }
      const grant = this.#grant(request, target, user);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', ignore);
        const details = connectionDetails(grant, target);
        this.#add(new AgentSocket(webSocket, socket, details, this.#context), webSocket);
      });
    } catch (error) {
      refuse(socket, error, this.#context.log);
    }
  }

  #grant(request: IncomingMessage, target: RequestTarget, user: string | null): Grant {
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
    return { address, codec: negotiated.codec, user };
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

  /** Says goodbye to every client with 1001. */
  closeAll(): void {
    this.#cancelPing();
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
