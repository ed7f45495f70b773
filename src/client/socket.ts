/** The WebSocket of a browser, of Node or of `ws`, by the part of it that is used here. */
import { BridgeError } from '../base/errors.ts';

/** What a client needs of a WebSocket; `bufferedAmount` is bytes, `code` the close code of RFC 6455 section 7.4. */
export interface SocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** `ws` only: ends the socket without the closing handshake. */
  terminate?(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** A WebSocket constructor: the global one, or `WebSocket` of `ws`. */
export type SocketConstructor = new (url: string, protocols?: string[]) => SocketLike;

/** @throws BridgeError BRG_CONFIG where there is no global WebSocket */
export function globalSocket(): SocketConstructor {
  // Neither DOM nor Node types are assumed.
  const found = (globalThis as { WebSocket?: SocketConstructor }).WebSocket;
  if (found === undefined) {
    throw new BridgeError(
      'BRG_CONFIG',
      'there is no global WebSocket here; pass one, e.g. that of the ws package',
    );
  }
  return found;
}

interface Page {
  readonly location?: { readonly protocol: string; readonly host: string };
  readonly document?: Listening & { readonly visibilityState: string };
}

interface Listening {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/** The part of a browser's global object that is used here; all of it is absent in Node. */
export const page = globalThis as Page & Listening;

/** Calls back when the network or the tab came back; returns what ends that. Nothing in Node. */
export function onWake(callback: () => void): () => void {
  const { document } = page;
  const visible = (): void => {
    if (document?.visibilityState === 'visible') callback();
  };
  page.addEventListener?.('online', callback);
  document?.addEventListener?.('visibilitychange', visible);
  return () => {
    page.removeEventListener?.('online', callback);
    document?.removeEventListener?.('visibilitychange', visible);
  };
}
