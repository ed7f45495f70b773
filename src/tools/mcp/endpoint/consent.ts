/**
 * A person's consent, asked for at the client (elicitation, 2026-07-28): the call ends with a question, and comes again with
 * the answer. The protocol has clients ask a person and not their model. Clients of 2025 keep no session with us, so that
 * nothing can be asked of them: their call says what to do.
 *
 * I1 Consent is to one tool with the same arguments: what was asked about is named by its binding, which the device checks.
 * I2 Only a caller who may decide about approvals (`admin`) is asked.
 */
import { acceptedContent, inputRequired, type ServerContext } from '@modelcontextprotocol/server';
import type { JsonObject } from './fleet-port.ts';

const KEY = 'consent';
const FORM = {
  type: 'object' as const,
  properties: {
    approve: { type: 'boolean' as const, title: 'Approve', description: 'whether this may be done, once' },
  },
  required: ['approve'],
};

/** Ends a call with a question to the person at the client. */
export class ConsentNeeded extends Error {
  readonly question: ReturnType<typeof inputRequired>;

  constructor(explanation: string, binding: string) {
    super(explanation);
    const ask = inputRequired.elicit({ message: explanation, requestedSchema: FORM });
    this.question = inputRequired({ inputRequests: { [KEY]: ask }, requestState: binding });
  }
}

/** What a person at the client said; undefined: nobody has been asked yet. */
export function consentOf({ mcpReq }: ServerContext): { readonly binding: string | null } | undefined {
  if (mcpReq.inputResponses === undefined) return undefined;
  const isGiven = acceptedContent<{ approve?: unknown }>(mcpReq.inputResponses, KEY)?.approve === true;
  const state: unknown = mcpReq.requestState();
  return { binding: isGiven && typeof state === 'string' ? state : null };
}

/** Whether a person can be asked at the client. */
export function canAsk(context: ServerContext): boolean {
  const { authInfo } = context.http ?? {};
  if (authInfo?.scopes.includes('admin') !== true) return false; // I2
  // Only a request of 2026-07-28 has one; what is in it is the client's word.
  const envelope = (context.mcpReq.envelope ?? {}) as JsonObject;
  const capabilities = envelope['io.modelcontextprotocol/clientCapabilities'];
  return typeof capabilities === 'object' && capabilities !== null && 'elicitation' in capabilities;
}
