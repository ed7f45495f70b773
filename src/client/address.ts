/** Where an agent is reached. */
import { isAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { page } from './socket.ts';

/**
 * The agent a client connects to: a whole URL, or host, model and id. `host` may have a scheme; without
 * one it is `ws` on loopback and private networks and `wss` elsewhere, as in PartySocket. A page may leave
 * `host` out: then it is the page's own.
 */
export type AgentTarget =
  { readonly url: string | URL } | { readonly host?: string; readonly model: string; readonly id: string };

/** The ws: or wss: URL, with what query the target has. @throws BridgeError BRG_ADDRESS */
export function agentUrl(target: AgentTarget): URL {
  const url = 'url' in target ? parse(String(target.url)) : addressUrl(target.host, target.model, target.id);
  // 'http:' and 'https:' become what they are for a WebSocket.
  url.protocol = url.protocol.replace(/^http/, 'ws');
  if (!/^wss?:$/.test(url.protocol)) {
    throw new BridgeError('BRG_ADDRESS', `${url.protocol} is no scheme of a WebSocket; use ws: or wss:`);
  }
  url.hash = ''; // RFC 6455 section 3: no fragments
  return url;
}

function addressUrl(host: string | undefined, model: string, id: string): URL {
  if (!isAddress(model, id)) {
    throw new BridgeError('BRG_ADDRESS', `${model}/${id} is no address of an agent`);
  }
  const origin = originOf(host);
  return parse(`${origin.replace(/\/+$/, '')}/agents/${model}/${id}`);
}

function originOf(host: string | undefined): string {
  const { location } = page;
  if (host === undefined) {
    if (location === undefined) throw new BridgeError('BRG_ADDRESS', 'give a host, e.g. 127.0.0.1:8080');
    return `${location.protocol}//${location.host}`;
  }
  if (host.includes('://')) return host;
  if (host === location?.host) return `${location.protocol}//${host}`;
  return `${isNear(host) ? 'ws' : 'wss'}://${host}`;
}

/** Loopback and the private networks of RFC 1918: where certificates are rare. */
function isNear(host: string): boolean {
  return /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\]|[^:/]+\.local\b)/i.test(host);
}

function parse(url: string): URL {
  try {
    return new URL(
      url,
      page.location === undefined ? undefined : `${page.location.protocol}//${page.location.host}`,
    );
  } catch (error) {
    throw new BridgeError('BRG_ADDRESS', `${url} is no URL`, { cause: error });
  }
}
