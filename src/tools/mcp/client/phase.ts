/** Where a connection to a foreign server stands; what it holds belongs to its phase. */
import type { Client } from '@modelcontextprotocol/client';
import type { BridgeError } from '../../../base/errors.ts';

/** As the Agents SDK names them. */
export type McpState =
  'not-connected' | 'authenticating' | 'connecting' | 'connected' | 'discovering' | 'ready' | 'failed';

export type Phase =
  | { readonly kind: 'not-connected' | 'authenticating' | 'connecting' }
  | { readonly kind: 'connected' | 'discovering' | 'ready'; readonly client: Client }
  | { readonly kind: 'failed'; readonly error: BridgeError };
