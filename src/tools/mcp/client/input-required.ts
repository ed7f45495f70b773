/** The `input_required` result of 2026-07-28: a server wants something before it goes on. */

export interface InputRequired {
  readonly inputRequests: Readonly<Record<string, { readonly method?: unknown; readonly params?: unknown }>>;
  readonly requestState: string | null;
}

/** Null: an ordinary result. */
export function isInputRequired(raw: unknown): InputRequired | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { resultType, inputRequests, requestState } = raw as Record<string, unknown>;
  if (resultType !== 'input_required') return null;
  const requests = typeof inputRequests === 'object' && inputRequests !== null ? inputRequests : {};
  return {
    inputRequests: requests as InputRequired['inputRequests'], // the SDK has checked their shape
    requestState: typeof requestState === 'string' ? requestState : null,
  };
}
