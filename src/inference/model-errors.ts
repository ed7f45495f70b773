/**
 * What a model's failure is to us: a stable code, a text that may be shown, whether another try makes sense.
 * Errors of the AI SDK are told by name and fields, not by class: a model an author brings may have its own
 * copy of it. They are never kept as a cause: they hold the prompt and what the endpoint said, key included.
 */
import { retryAfterMs } from '../base/backoff.ts';
import { BridgeError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

export interface Failure {
  readonly error: BridgeError;
  readonly isRetryable: boolean;
  /** Whether it counts against the endpoint: it is down or has too much to do. */
  readonly isEndpointDown: boolean;
  /** What the endpoint asked for. */
  readonly retryAfterMs: number | undefined;
}

/** Codes of Node and OpenSSL of a connection that may work a moment later. */
const NETWORK_CODE = /^(E[A-Z]{3,}|EAI_AGAIN|UND_ERR_\w+)$/;
const OVERLOADED = /overload|rate.?limit|too many|capacity/i;
/** https://platform.openai.com/docs/guides/error-codes: it does not pass by waiting. */
const QUOTA = /insufficient_quota|billing|payment/i;

/** Deeper causes tell nothing more. */
const CAUSES_MAX = 5;

/** `error` of a model, thrown or from its stream. `redact` takes keys out of texts. */
export function modelFailure(error: unknown, redact: (text: string) => string, nowMs: number): Failure {
  const asked = retryAfterMs(error, nowMs);
  const make = (code: ErrorCode, message: string, status?: number): Failure => {
    const details = {
      ...(status === undefined ? {} : { status }),
      ...(asked === undefined ? {} : { retryAfterMs: asked }),
    };
    const isDown = ['BRG_MODEL_UNAVAILABLE', 'BRG_MODEL_OVERLOADED', 'BRG_MODEL_TIMEOUT'].includes(code);
    return {
      error: new BridgeError(code, message, { details }),
      isRetryable: isDown,
      isEndpointDown: isDown,
      retryAfterMs: asked,
    };
  };
  const ours = inChain(error, (part) => (part instanceof BridgeError ? part : undefined));
  if (ours !== undefined) return ofBridge(ours);
  const text = said(error, redact);
  const status = statusOf(error);
  if (status !== undefined && !(status >= 200 && status < 300)) return ofStatus(status, text, make);
  const network = networkCode(error);
  if (network !== undefined) {
    const isCertificate = !NETWORK_CODE.test(network);
    const failure = make('BRG_MODEL_UNAVAILABLE', `the model endpoint cannot be reached: ${network}`);
    return isCertificate ? { ...failure, isRetryable: false } : failure;
  }
  if (isCut(error))
    return make('BRG_MODEL_UNAVAILABLE', 'the answer of the language model ended in the middle');
  if (isMalformed(error))
    return make('BRG_MODEL_ANSWER', `what the model endpoint answered cannot be read: ${text}`);
  if (OVERLOADED.test(text))
    return make('BRG_MODEL_OVERLOADED', `the language model has too much to do: ${text}`);
  return make('BRG_MODEL_UNAVAILABLE', `the language model failed: ${text}`);
}

/** A time limit of ours: `what` did not come within `ms`. */
export function modelTimeout(what: string, ms: number): BridgeError {
  return new BridgeError('BRG_MODEL_TIMEOUT', `the language model gave ${what} within ${ms} ms`, {
    details: { timeoutMs: ms },
  });
}

function ofBridge(error: BridgeError): Failure {
  const isReachable = error.code !== 'BRG_MODEL_UNAVAILABLE';
  return {
    error,
    // A time limit has already cost the caller that time.
    isRetryable: !isReachable,
    isEndpointDown: !isReachable || error.code === 'BRG_MODEL_TIMEOUT',
    retryAfterMs: undefined,
  };
}

type Make = (code: ErrorCode, message: string, status?: number) => Failure;

/** RFC 9110 section 15, and what endpoints make of it. */
function ofStatus(status: number, text: string, make: Make): Failure {
  if (status === 401 || status === 403)
    // Its text is not shown: endpoints echo parts of the key in it.
    return make('BRG_MODEL_REFUSED', `the model endpoint refused the key (HTTP ${status})`, status);
  if (status === 429 || status === 503 || status === 529) {
    const failure = make('BRG_MODEL_OVERLOADED', `the language model has too much to do: ${text}`, status);
    return QUOTA.test(text) ? { ...failure, isRetryable: false } : failure;
  }
  if (status === 408 || status === 504)
    return make('BRG_MODEL_TIMEOUT', `the model endpoint gave up waiting (HTTP ${status})`, status);
  if (status >= 500)
    return make('BRG_MODEL_UNAVAILABLE', `the model endpoint failed (HTTP ${status}): ${text}`, status);
  if (status >= 300 && status < 400)
    // Never followed: the key and the prompt would go to a place nobody configured.
    return make(
      'BRG_MODEL_SPEC',
      `the model endpoint redirects (HTTP ${status}): configure its final address`,
      status,
    );
  return make(
    'BRG_MODEL_REQUEST',
    `the model endpoint did not take the request (HTTP ${status}): ${text}`,
    status,
  );
}

/** Of an APICallError, or of an error object within a stream. */
function statusOf(error: unknown): number | undefined {
  for (const name of ['statusCode', 'status', 'code']) {
    const value = property(error, name);
    const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof status === 'number' && status >= 100 && status < 600) return status;
  }
  return undefined;
}

function networkCode(error: unknown): string | undefined {
  return inChain(error, (part) => {
    const code = property(part, 'code');
    return part instanceof Error && typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)
      ? code
      : undefined;
  });
}

/** What `find` finds first in `error` and its causes. */
function inChain<T>(error: unknown, find: (part: unknown) => T | undefined): T | undefined {
  let current = error;
  for (let depth = 0; depth < CAUSES_MAX && current !== undefined; depth++) {
    const found = find(current);
    if (found !== undefined) return found;
    current = property(current, 'cause');
  }
  return undefined;
}

function isCut(error: unknown): boolean {
  return error instanceof Error && /without a finish reason|aborted|terminated/.test(error.message);
}

const MALFORMED = [
  'AI_InvalidResponseDataError',
  'AI_TypeValidationError',
  'AI_JSONParseError',
  'AI_EmptyResponseBodyError',
];

function isMalformed(error: unknown): boolean {
  const names = [error, property(error, 'cause')].map((part) => property(part, 'name'));
  return names.some((name) => MALFORMED.includes(String(name))) || statusOf(error) !== undefined;
}

/** The error's own words in one line, without keys; of what is no answer, not what it was. */
function said(error: unknown, redact: (text: string) => string): string {
  const message = property(error, 'message');
  const name = String(property(error, 'name'));
  const raw = MALFORMED.includes(name)
    ? name.slice(3)
    : typeof message === 'string'
      ? message
      : String(error);
  const clean = redact(raw)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  const { modelErrorCharactersMax: max } = limits;
  return clean.length > max ? `${clean.slice(0, max).toWellFormed()}...` : clean || 'it did not say why';
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string, unknown>)[name]; // any object may be asked for any name
}
