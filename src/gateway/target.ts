/** What a request line asks for: path, query, and the agent in them. */
import { isAddress } from '../base/address.ts';
import type { AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { decodeSegment } from './route.ts';

export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Path and query of a request line; `new URL` would read `//x/y` as a host. */
export function parseTarget(requestTarget: string): RequestTarget {
  const url = requestTarget.replace(/^https?:\/\/[^/?]*/i, ''); // absolute form, RFC 9112 section 3.2.2
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}

/** Throws BRG_ADDRESS or BRG_UNKNOWN_MODEL. */
export function checkAddress(model: string, id: string, modelNames: ReadonlySet<string>): AgentAddress {
  if (!isAddress(model, id)) {
    throw new BridgeError('BRG_ADDRESS', 'a model is [a-z0-9-]{1,64}, an id [A-Za-z0-9._~:-]{1,128}');
  }
  if (!modelNames.has(model)) {
    throw new BridgeError('BRG_UNKNOWN_MODEL', `there is no model ${model}; GET /api/models lists them`, {
      details: { model },
    });
  }
  return { model, id };
}

/**
 * The address in `/agents/{model}/{id}`; null for any other path. `isDeep`: a path below it will do, which only
 * requests may ask for.
 */
export function agentPath(path: string, isDeep = false): { model: string; id: string } | null {
  const [, model, id, rest = ''] = /^\/agents\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (model === undefined || id === undefined || (!isDeep && rest.length > 1)) return null;
  return { model: decodeSegment(model), id: decodeSegment(id) };
}
