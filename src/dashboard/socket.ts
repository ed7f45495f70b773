/**
 * One CBOR connection to an agent, kept alive: connecting -> live -> waiting -> connecting ...
 * It ends only with `close()`, or when the bridge refuses for a reason that another try cannot change.
 */
import { decodeOutboundFrame, encodeFrame, SUBPROTOCOL_CBOR } from '../wire/index.ts';
import type { Frame, InboundFrame } from '../wire/index.ts';
import { readToken } from './api.ts';
import { backoffMs } from './backoff.ts';

export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'waiting'; readonly retryAtMs: number; readonly attempt: number };

export interface SocketEvents {
  onFrame: (frame: Frame, bytes: Uint8Array) => void;
  onLink: (state: LinkState) => void;
}

export class BridgeSocket {
  readonly #path: string;
  readonly #events: SocketEvents;
  readonly #retryNow = (): void => this.#wake();
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #attempt = 0;
  #closed = false;

  /** `path` is relative to the page, e.g. `agents/fleet/all`. */
  constructor(path: string, events: SocketEvents) {
    this.#path = path;
    this.#events = events;
    addEventListener('online', this.#retryNow);
    document.addEventListener('visibilitychange', this.#retryNow);
    this.#open();
  }

  close(): void {
    this.#closed = true;
    removeEventListener('online', this.#retryNow);
    document.removeEventListener('visibilitychange', this.#retryNow);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  /** False: the connection is not there, and nothing was sent. */
  send(frame: InboundFrame): boolean {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return false;
    // as: a copy in a buffer of its own, which the types of the DOM want to know.
    socket.send(encodeFrame(frame, 'cbor') as Uint8Array<ArrayBuffer>);
    return true;
  }

  #open(): void {
    this.#timer = null;
    this.#events.onLink({ kind: 'connecting' });
    const socket = new WebSocket(socketUrl(this.#path), [SUBPROTOCOL_CBOR]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#attempt = 0;
      this.#events.onLink({ kind: 'live' });
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (event.data instanceof ArrayBuffer) this.#receive(new Uint8Array(event.data));
    };
    socket.onclose = () => this.#lost();
  }

  #receive(bytes: Uint8Array): void {
    let frame: Frame;
    try {
      frame = decodeOutboundFrame(bytes, 'cbor');
    } catch (error) {
      // A newer bridge may send frames this page does not know: they are not for it.
      console.warn('frame ignored', error);
      return;
    }
    this.#events.onFrame(frame, bytes);
  }

  #lost(): void {
    if (this.#closed) return;
    const waitMs = backoffMs(this.#attempt, Math.random());
    this.#attempt++;
    this.#events.onLink({ kind: 'waiting', retryAtMs: Date.now() + waitMs, attempt: this.#attempt });
    this.#timer = setTimeout(() => this.#open(), waitMs);
  }

  /** The network or the tab came back: do not sit out the wait. */
  #wake(): void {
    if (this.#timer === null || document.visibilityState === 'hidden') return;
    clearTimeout(this.#timer);
    this.#open();
  }
}

function socketUrl(path: string): URL {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const token = readToken();
  // A browser cannot set Authorization on a WebSocket.
  if (token !== null) url.searchParams.set('token', token);
  return url;
}
