/**
 * The dashboard's files, read once into memory: what is not in the map does not exist, so no path of a
 * request ever reaches the file system.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Answer } from './problem.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSED: ReadonlySet<string> = new Set(['.html', '.js', '.css', '.json', '.map', '.svg', '.txt']);

/** A name that changes with its content, as bundlers write it: `main-A1B2C3D4.js`. */
const HASHED_NAME = /[-.]([A-Z2-7]{8}|[0-9a-f]{8,64})\.[a-z0-9]+(\.map)?$/;
const ONE_YEAR_SECONDS = 31_536_000;

/**
 * uPlot and Preact set styles through the CSSOM, which needs no 'unsafe-inline'. 'self' in connect-src
 * covers the WebSocket of this very host and port (CSP 3, section 6.7.2.8).
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'self'",
].join('; ');

interface StaticFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly gzipped: Uint8Array | null;
  readonly etag: string;
}

export type StaticFiles = ReadonlyMap<string, StaticFile>;

const EXPLANATION = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Mooring</title>
<h1>Mooring is running</h1>
<p>Its dashboard has not been built yet. Run <code>npm run build:dashboard</code> and start the bridge again.</p>
<p>The API is described at <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
`;

/** All files under `directory` by URL path, `/` included. Without one, `/` says how to build it. */
export function loadStaticFiles(directory: string | null): StaticFiles {
  const files = new Map<string, StaticFile>();
  let bytes = 0;
  for (const name of directory === null ? [] : listFiles(directory)) {
    const file = staticFile(name, readFileSync(join(directory ?? '', name)));
    bytes += file.bytes.length;
    if (files.size >= limits.dashboardFilesMax || bytes > limits.dashboardBytesMax) {
      throw new BridgeError('BRG_CONFIG', `the dashboard directory is too large to be one: ${directory}`);
    }
    files.set(`/${name.split(sep).join('/')}`, file);
  }
  files.set('/', files.get('/index.html') ?? staticFile('index.html', Buffer.from(EXPLANATION)));
  return files;
}

/** Regular files only: a symbolic link may lead out of the directory. */
function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, sep).length));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new BridgeError('BRG_CONFIG', `the dashboard directory cannot be read: ${directory}`, {
      cause: error,
    });
  }
}

function staticFile(name: string, bytes: Buffer): StaticFile {
  const extension = extname(name);
  const isHtml = extension === '.html';
  return {
    headers: {
      'content-type': CONTENT_TYPES[extension] ?? 'application/octet-stream',
      'cache-control': HASHED_NAME.test(name) ? `public, max-age=${ONE_YEAR_SECONDS}, immutable` : 'no-cache',
      vary: 'accept-encoding',
      ...(isHtml ? { 'content-security-policy': CONTENT_SECURITY_POLICY } : {}),
    },
    bytes,
    gzipped: COMPRESSED.has(extension) ? gzipSync(bytes, { level: 9 }) : null,
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
  };
}

/** The file for a path, as the request wants it (304, gzip); null when there is none. */
export function staticAnswer(files: StaticFiles, path: string, headers: IncomingHttpHeaders): Answer | null {
  const file = files.get(path);
  if (file === undefined) return null;
  const gzipped = acceptsGzip(headers['accept-encoding']) ? file.gzipped : null;
  // Two representations must not share a strong tag (RFC 9110 section 8.8.3.3).
  const etag = `"${file.etag}${gzipped === null ? '' : '-gzip'}"`;
  const answered = { ...file.headers, etag };
  if (matchesTag(headers['if-none-match'], etag)) return { status: 304, headers: answered, body: '' };
  if (gzipped === null) return { status: 200, headers: answered, body: file.bytes };
  return { status: 200, headers: { ...answered, 'content-encoding': 'gzip' }, body: gzipped };
}

function acceptsGzip(header: string | undefined): boolean {
  return /(^|[\s,])gzip\s*($|,|;(?!\s*q=0(\.0*)?\s*($|,)))/i.test(header ?? '');
}

function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
