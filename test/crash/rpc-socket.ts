/** Calls of methods over a WebSocket (`ws`), as JSON frames. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { BridgeAddress } from './bridge.ts';

interface Reply {
  readonly type: string;
  readonly id?: string;
  readonly success?: boolean;
}

export class RpcSocket {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (isDone: boolean) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const reply = JSON.parse(data.toString()) as Reply; // a frame of the bridge
      if (reply.type === 'rpc' && reply.id !== undefined) this.#settle(reply.id, reply.success === true);
    });
    socket.on('close', () => {
      for (const id of [...this.#waiting.keys()]) this.#settle(id, false);
    });
  }

  /** Undefined: the bridge is not there any more. */
  static async open({ httpUrl }: BridgeAddress, path: string): Promise<RpcSocket | undefined> {
    const socket = new WebSocket(`${httpUrl.replace('http:', 'ws:')}/agents/${path}`);
    const rpc = new RpcSocket(socket);
    socket.on('error', () => undefined); // `close` follows
    await Promise.race([once(socket, 'open'), once(socket, 'close')]).catch(() => undefined);
    return socket.readyState === WebSocket.OPEN ? rpc : undefined;
  }

  /** Whether it was done; false: refused, or nobody knows. */
  call(method: string, args: readonly unknown[]): Promise<boolean> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.resolve(false);
    const id = String(++this.#last);
    this.#socket.send(JSON.stringify({ type: 'rpc', id, method, args }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    this.#socket.terminate();
  }

  #settle(id: string, isDone: boolean): void {
    this.#waiting.get(id)?.(isDone);
    this.#waiting.delete(id);
  }
}
