/** A WebSocket server that speaks the frames of an agent through the wire room, as a test scripts it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { AgentClient, type AgentClientOptions, type StateOf } from '../../src/client/index.ts';
import {
  type Codec,
  decodeFrame,
  encodeFrame,
  type Frame,
  type InboundFrame,
  negotiateSubprotocol,
} from '../../src/wire/index.ts';
import { until } from '../support/until.ts';

export type Call = Extract<InboundFrame, { type: 'rpc' }>;

/** One connection of a client. Probes are answered by the server, everything else by `onFrame`. */
export class Peer {
  readonly socket: WebSocket;
  readonly codec: Codec;
  /** Request target of the upgrade. */
  readonly target: string;
  /** All but probes. */
  readonly frames: InboundFrame[] = [];
  probes = 0;

  constructor(socket: WebSocket, codec: Codec, target: string) {
    this.socket = socket;
    this.codec = codec;
    this.target = target;
  }

  send(frame: Frame): void {
    this.socket.send(encodeFrame(frame, this.codec), { binary: this.codec === 'cbor' });
  }

  get calls(): Call[] {
    return this.frames.filter((frame) => frame.type === 'rpc');
  }

  /** The nth call, once it came. */
  call(n = 0): Promise<Call> {
    return until(() => this.calls[n], `call ${n} came`);
  }
}

export interface Script {
  /** Default: identity of greenhouse/g1. */
  onConnect?: (peer: Peer, n: number) => void;
  onFrame?: (frame: InboundFrame, peer: Peer) => void;
  /** Whether probes are answered. */
  answers?: (peer: Peer) => boolean;
}

export class ScriptedServer {
  readonly peers: Peer[] = [];
  readonly port: number;
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port; // it listens on TCP
  }

  /** Listens; ends with the test. */
  static async start(script: Script = {}, port = 0): Promise<ScriptedServer> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port,
      handleProtocols: (offered) => negotiateSubprotocol([...offered])?.subprotocol ?? false,
    });
    await once(server, 'listening');
    const scripted = new ScriptedServer(server);
    server.on('connection', (socket, request) => {
      const codec = socket.protocol === '' ? 'json' : 'cbor';
      scripted.#connected(new Peer(socket, codec, request.url ?? ''), script);
    });
    onTestFinished(() => scripted.stop());
    return scripted;
  }

  #connected(peer: Peer, script: Script): void {
    const n = this.peers.push(peer) - 1;
    peer.socket.on('error', () => {});
    peer.socket.on('message', (data) => {
      const frame = decodeFrame(data as Buffer, peer.codec); // the default binaryType of ws
      if (frame.type === 'rpc' && frame.method === '$ping') {
        peer.probes++;
        if (script.answers?.(peer) === false) return;
        peer.send({ type: 'rpc', id: frame.id, success: false, error: 'Method $ping does not exist' });
      } else {
        peer.frames.push(frame);
        script.onFrame?.(frame, peer);
      }
    });
    if (script.onConnect) script.onConnect(peer, n);
    else peer.send({ type: 'cf_agent_identity', name: 'g1', agent: 'greenhouse' });
  }

  /** The nth connection, once it is there. */
  peer(n = 0): Promise<Peer> {
    return until(() => this.peers[n], `connection ${n} came`);
  }

  async stop(): Promise<void> {
    for (const { socket } of this.peers) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** A client of this server with short waits; ends with the test. */
  client<A>(settings: Partial<AgentClientOptions<StateOf<A>>> = {}): AgentClient<A> {
    const client = new AgentClient<A>({
      host: `127.0.0.1:${this.port}`,
      model: 'greenhouse',
      id: 'g1',
      backoffBaseMs: 5,
      backoffMaxMs: 20,
      ...settings,
    });
    onTestFinished(() => client.close());
    return client;
  }
}
