/**
 * Exports and imports: bodies that are files and may be large. They are streamed through the directory of
 * transfers, never held in memory; what lies there is deleted in any case, and by the next start.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ActorRuntime } from '../actor/index.ts';
import type { AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Answer } from './problem.ts';
import { jsonAnswer } from './problem.ts';

/** https://www.iana.org/assignments/media-types/application/vnd.sqlite3 */
export const EXPORT_MEDIA = 'application/vnd.sqlite3';

const OPTIONS = { timeoutMs: limits.transferTimeoutMs };

/** A file that is sent and then deleted, whatever becomes of the answer. */
interface FileBody {
  readonly path: string;
  readonly bytes: number;
}

/** An answer whose body is a file. */
export interface FileAnswer extends Pick<Answer, 'status' | 'headers'> {
  readonly file: FileBody;
}

/** Where files of exports and imports lie for a while, and what an agent's own file may have. */
export interface TransferOptions {
  readonly directory: string;
  readonly agentBytesMax: number;
}

/** As the route's schema leaves it. */
export interface TransferQuery {
  readonly replace?: 'true' | 'false';
  readonly rename?: 'true' | 'false';
}

interface TransferContext {
  readonly runtime: ActorRuntime;
  readonly transfers: TransferOptions | null;
}

interface TransferRequest {
  readonly request: IncomingMessage;
  readonly address: AgentAddress;
  readonly query: TransferQuery;
  readonly by: string;
}

/** Whether the request may bring a file. */
export function isUpload(request: IncomingMessage): boolean {
  return request.method === 'PUT' && /^\/api\/agents\/[^/]+\/[^/]+\/import(\?|$)/.test(request.url ?? '');
}

export async function exportAgent(
  { runtime }: TransferContext,
  { address, by }: TransferRequest,
): Promise<FileAnswer> {
  // docs/design/requests.md
  const { path, bytes } = (await runtime.request(address, 'export', { by }, OPTIONS)) as FileBody;
  const name = `${address.model}-${address.id.replaceAll(/[~:]/g, '_')}.mooring.db`;
  const headers = {
    'content-type': EXPORT_MEDIA,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  };
  return { status: 200, headers, file: { path, bytes } };
}

/** Throws BRG_UNSUPPORTED_MEDIA, BRG_BODY_TOO_LARGE, BRG_DISK_FULL, or what the shard says. */
export async function importAgent(
  { runtime, transfers }: TransferContext,
  { request, address, query, by }: TransferRequest,
): Promise<Answer> {
  if (transfers === null) throw new BridgeError('BRG_NOT_IMPLEMENTED', 'this bridge takes no files');
  checkMedia(request);
  await mkdir(transfers.directory, { recursive: true });
  const path = join(transfers.directory, `upload-${newId()}.db`);
  try {
    // An agent's file at its limit, with its history.
    const bytesMax = transfers.agentBytesMax + limits.agentReserveBytes + limits.importHistoryBytesMax;
    await receiveFile(request, path, bytesMax);
    const body = { path, replace: query.replace === 'true', rename: query.rename === 'true', by };
    return jsonAnswer(await runtime.request(address, 'import', body, OPTIONS));
  } finally {
    await rm(path, { force: true });
  }
}

/** Sends the file with backpressure, and deletes it. Never rejects. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  { path, bytes }: FileBody,
): Promise<void> {
  try {
    response.writeHead(200, { ...headers, 'content-length': bytes });
    if (request.method === 'HEAD') response.end();
    else await pipeline(createReadStream(path), response);
  } catch {
    response.destroy(); // the client is gone, or sees by the length that something is missing
  } finally {
    await rm(path, { force: true }).catch(() => undefined); // the next start tries again
  }
}

function checkMedia(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const media = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (encoding === 'identity' && media === EXPORT_MEDIA) return;
  throw new BridgeError(
    'BRG_UNSUPPORTED_MEDIA',
    `send the file as "content-type: ${EXPORT_MEDIA}", not compressed`,
  );
}

async function receiveFile(request: IncomingMessage, path: string, bytesMax: number): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let bytes = 0;
    // Leaving the loop must not destroy the socket: the answer still has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const piece = chunk as Buffer; // no encoding was set, so the stream yields Buffers
      bytes += piece.length;
      if (bytes > bytesMax) {
        throw new BridgeError('BRG_BODY_TOO_LARGE', `an export may have ${bytesMax} bytes`);
      }
      await file.writeFile(piece);
    }
  } catch (error) {
    throw receiveError(error);
  } finally {
    await file.close();
  }
}

function receiveError(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new BridgeError('BRG_DISK_FULL', 'there is no room for the file', { cause: error });
  }
  return new BridgeError('BRG_BAD_REQUEST', 'the connection ended within the body', { cause: error });
}
