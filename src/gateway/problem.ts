/**
 * Failures as RFC 9457 problem documents. What may be said is decided by the error table: a message that
 * is not public stays in the log, under the id the client gets as `instance`.
 */
import { asBridgeError, BridgeError, errorSpec } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Seconds after which a client may try again what was refused with 503. */
const RETRY_AFTER_SECONDS = 1;

/** An error of the HTTP side with headers of its own, e.g. Allow of a 405. */
export class HttpError extends BridgeError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: BridgeError['code'],
    message: string,
    headers: Readonly<Record<string, string>>,
    details?: Record<string, unknown>,
  ) {
    super(code, message, details === undefined ? undefined : { details });
    this.headers = headers;
  }
}

/** A 405 with the methods that are known. */
export function methodNotAllowed(method: string | undefined, allow: string): HttpError {
  return new HttpError('BRG_METHOD_NOT_ALLOWED', `${method ?? 'this method'} is not among: ${allow}`, {
    allow,
  });
}

/** A 429 that says when to come back (RFC 6585 section 4). */
export function tooMany(what: string, waitMs: number): HttpError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const headers = { 'retry-after': String(seconds) };
  return new HttpError('BRG_RATE', `${what}: come back in ${seconds} s`, headers, {
    retryAfterSeconds: seconds,
  });
}

/** An answer of the HTTP side, ready to be written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** The answer that tells a client about `error`. Never throws; logs what the client may not see. */
export function problemAnswer(error: unknown, log: Log): Answer {
  const failure = asBridgeError(error);
  const spec = errorSpec(failure.code);
  const instance = `urn:mooring:request:${newId()}`;
  if (!spec.public)
    log.error({ instance, code: failure.code, err: failure.cause ?? failure }, 'request failed');
  const detail = spec.public ? failure.message : `${spec.title}; its log has more under this instance`;
  const { code } = failure;
  const type = `urn:mooring:error:${code}`;
  const { title, status } = spec;
  // Details first: they extend the document and must not replace its members (RFC 9457 section 3.2).
  const document = { ...(spec.public ? failure.details : {}), type, title, status, detail, code, instance };
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
      ...(failure instanceof HttpError ? failure.headers : {}),
    },
    body: `${JSON.stringify(document)}\n`,
  };
}

/** A 200 (or `status`) with a JSON body. */
export function jsonAnswer(value: unknown, status = 200): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(value ?? null)}\n`,
  };
}
