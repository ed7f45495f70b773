/**
 * A person's consent, asked for at the client (elicitation). The protocol has clients ask a person and not their model.
 *
 * 2026-07-28: the call ends with a question, and comes again with the answer.
 * 2025: the question is asked within the answer to the call, which stays open; see sessions.ts.
 *
 * I1 Consent is to one tool with the same arguments: what was asked about is named by its binding, which the device checks.
 * I2 Only a caller who may decide about approvals (`admin`) is asked.
 */
import {
  acceptedContent,
  inputRequired,
  type ClientCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';

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

/** Whether a person can be asked at the client. `capabilities`: what it has said it can do. */
export function canAsk({ http }: ServerContext, capabilities: ClientCapabilities | undefined): boolean {
  return http?.authInfo?.scopes.includes('admin') === true && canShowForms(capabilities); // I2
}

/** Without a mode, forms are meant. */
export function canShowForms(capabilities: ClientCapabilities | undefined): boolean {
  const { elicitation } = capabilities ?? {};
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

/**
 * Asks the person at a 2025 client, while its call is open. Null: nobody has answered, and others may be asked.
 * @throws BridgeError BRG_ABORTED when the client gives up its call
 */
export async function askNow({ mcpReq, http }: ServerContext, explanation: string): Promise<boolean | null> {
  const isGone = [mcpReq.signal, ...(http?.req === undefined ? [] : [http.req.signal])];
  const signal = AbortSignal.any(isGone);
  const params = { mode: 'form' as const, message: explanation, requestedSchema: FORM };
  try {
    const answer = await mcpReq.send(
      { method: 'elicitation/create', params },
      { signal, timeout: limits.mcpConsentMs },
    );
    return answer.action === 'accept' && answer.content?.['approve'] === true;
  } catch {
    if (!signal.aborted) return null;
    throw new BridgeError('BRG_ABORTED', 'the client gave up before its person answered. Nothing was done.');
  }
}
