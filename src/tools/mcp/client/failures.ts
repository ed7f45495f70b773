/** Failures of foreign servers as stable codes; their texts are cut and cleaned, since models and people read them. */
import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { cleanText } from './catalogue.ts';

/** `error` of a request to the server called `name`, as a BridgeError. */
export function asMcpError(error: unknown, name: string): BridgeError {
  const own = bridgeErrorIn(error);
  if (own !== undefined) return own;
  const failure = (code: BridgeError['code'], what: string): BridgeError =>
    new BridgeError(code, cleanText(`${name}: ${what}`, limits.mcpErrorCharactersMax), { cause: error });
  if (error instanceof UnauthorizedError)
    return failure('BRG_MCP_AUTHORIZATION', 'it wants to be authorized');
  if (error instanceof SdkHttpError) {
    if (error.status === 401 || error.status === 403)
      return failure('BRG_MCP_AUTHORIZATION', `it answered ${error.status}`);
    return failure('BRG_MCP_UNAVAILABLE', `it answered ${error.status} ${textOf(error.data['text'])}`);
  }
  if (error instanceof ProtocolError) return failure('BRG_MCP_TOOL', error.message);
  if (error instanceof SdkError) return failure(codeOf(error.code), error.message);
  if (error instanceof Error && error.name === 'ZodError')
    return failure('BRG_MCP_ANSWER', 'not what the protocol says');
  if (error instanceof SyntaxError) return failure('BRG_MCP_ANSWER', 'not JSON');
  return failure('BRG_MCP_UNAVAILABLE', reasonOf(error));
}

/** Whether the server cannot have begun with what was asked: asking again does nothing twice. */
export function isNeverReceived(error: unknown): boolean {
  // 2025-11-25 Streamable HTTP, session management: 404 means this session is gone, begin a new one.
  if (error instanceof SdkHttpError) return error.status === 404;
  if (error instanceof SdkError) return error.code === SdkErrorCode.NotConnected;
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    systemCodeOf(error) ?? '',
  );
}

/** Whether another attempt to connect could succeed. */
export function isWorthRetrying(error: BridgeError): boolean {
  return ['BRG_MCP_UNAVAILABLE', 'BRG_MCP_TIMEOUT'].includes(error.code);
}

function codeOf(code: SdkErrorCode): BridgeError['code'] {
  switch (code) {
    case SdkErrorCode.RequestTimeout:
      return 'BRG_MCP_TIMEOUT';
    case SdkErrorCode.InvalidResult:
    case SdkErrorCode.UnsupportedResultType:
    case SdkErrorCode.ListPaginationExceeded:
    case SdkErrorCode.ClientHttpUnexpectedContent:
      return 'BRG_MCP_ANSWER';
    default:
      return 'BRG_MCP_UNAVAILABLE';
  }
}

/** Ours, wherever the SDK or node:http wrapped it. */
function bridgeErrorIn(error: unknown): BridgeError | undefined {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error; depth++) {
    if (inner instanceof BridgeError) return inner;
    inner = inner instanceof SdkError ? (inner.cause ?? causeIn(inner.data)) : inner.cause;
  }
  return undefined;
}

function causeIn(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return undefined;
  return 'cause' in data ? data.cause : undefined;
}

function systemCodeOf(error: unknown): string | undefined {
  const cause = error instanceof TypeError ? error.cause : error;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return String(cause.code);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  const cause = error.cause instanceof Error ? `: ${error.cause.message || systemCodeOf(error)}` : '';
  return `${error.message}${cause}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
