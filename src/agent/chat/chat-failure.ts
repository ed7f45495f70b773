/** What went wrong in a chat, as people may see it: a stable code and words that give nothing away. */
import { BridgeError, errorSpec, ERRORS, type ErrorCode } from '../../base/errors.ts';

export interface ChatFailure {
  readonly code: ErrorCode;
  /** `CODE: what happened`. */
  readonly text: string;
}

/** Errors wrap errors: that of a retry the last try's, a provider's that of its connection. */
const CAUSES_MAX = 5;

/**
 * A failure with a stable code shows its message if that is public; anything else, such as an endpoint's own words,
 * which may hold keys and addresses, is `BRG_CHAT_FAILED` and no more.
 */
export function chatFailure(error: unknown): ChatFailure {
  const known = bridgeErrorIn(error);
  const code = known === undefined || known.code === 'BRG_INTERNAL' ? 'BRG_CHAT_FAILED' : known.code;
  const { public: isPublic, title } = errorSpec(code);
  return { code, text: `${code}: ${isPublic && known?.code === code ? known.message : title}` };
}

/**
 * For `onError` of the AI SDK's streams: `toUIMessageStreamResponse({ onError: chatErrorText })` shows the code of a
 * model's failure in the chat. @public
 */
export function chatErrorText(error: unknown): string {
  return chatFailure(error).text;
}

/** The failure that an `error` chunk of an author's stream tells of: its words are the author's. */
export function failureOfText(text: string): ChatFailure {
  const code = /^(BRG_[A-Z_]+): /.exec(text)?.[1];
  const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined; // checked: its key
  return { code: known ?? 'BRG_CHAT_FAILED', text };
}

function bridgeErrorIn(error: unknown): BridgeError | undefined {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX; depth++) {
    if (current instanceof BridgeError && current.code !== 'BRG_INTERNAL') return current;
    if (!(current instanceof Error)) return undefined;
    // `lastError`: RetryError of the AI SDK.
    current = 'lastError' in current ? current.lastError : current.cause;
  }
  return undefined;
}
