/** HTTP to an agent's `onRequest`. */
import { agentUrl, type AgentTarget } from './address.ts';

/** Which agent, and what of it. */
export type AgentFetchTarget = AgentTarget & {
  /** Path below the agent's address, with a query if it has one: `invoices/7?full=1`. */
  readonly path?: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
};

/**
 * `fetch` of an agent: what its `onRequest` answers, or a problem document of the bridge. Rejects as `fetch` does.
 * @throws BridgeError BRG_ADDRESS
 * @public
 */
export async function agentFetch(target: AgentFetchTarget, init: RequestInit = {}): Promise<Response> {
  const url = agentUrl(target);
  url.protocol = url.protocol.replace(/^ws/, 'http');
  const { path = '', token } = target;
  // Appended as text: a path such as `//x` must not become another host.
  const full = path === '' ? url.href : `${url.href.replace(/\/*$/, '')}/${path.replace(/^\/+/, '')}`;
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  return fetch(full, { ...init, headers });
}
