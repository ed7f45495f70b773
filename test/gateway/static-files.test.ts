import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { rawRequest, start } from './start.ts';

const SCRIPT = 'console.log("tied up");'.repeat(100);

function dashboard(): string {
  const root = mkdtempSync(join(tmpdir(), 'mooring-gateway-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const directory = join(root, 'dashboard');
  mkdirSync(join(directory, 'assets'), { recursive: true });
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>Fleet</title>');
  writeFileSync(join(directory, 'assets', 'main-A2B3C4D5.js'), SCRIPT);
  writeFileSync(join(directory, 'icon.svg'), '<svg/>');
  symlinkSync(join(root, 'secret.txt'), join(directory, 'link.txt'));
  return directory;
}

it('serves the page at / under a strict policy without inline code', async () => {
  const { url } = await start({ dashboardDir: dashboard() });
  const response = await fetch(url);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(await response.text()).toContain('Fleet');
  const policy = response.headers.get('content-security-policy');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(response.headers.get('cache-control')).toBe('no-cache');
});

it('caches hashed names for ever, and no others', async () => {
  const { url } = await start({ dashboardDir: dashboard() });
  const hashed = await fetch(`${url}/assets/main-A2B3C4D5.js`);
  expect(hashed.headers.get('cache-control')).toContain('immutable');
  expect(hashed.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect((await fetch(`${url}/icon.svg`)).headers.get('cache-control')).toBe('no-cache');
});

it('answers gzip only to who takes it, with a tag of its own, and 304 to who has it', async () => {
  const { url } = await start({ dashboardDir: dashboard() });
  const path = '/assets/main-A2B3C4D5.js';
  const plain = await rawRequest(url, path);
  const gzipped = await rawRequest(url, path, { headers: { 'accept-encoding': 'br, gzip;q=0.8' } });
  const refused = await rawRequest(url, path, { headers: { 'accept-encoding': 'gzip;q=0, br' } });
  expect(plain.body).toBe(SCRIPT);
  expect(refused.headers['content-encoding']).toBeUndefined();
  expect(gzipped.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(Buffer.from(gzipped.body, 'latin1')).toString()).toBe(SCRIPT);
  expect(gzipped.headers.etag).not.toBe(plain.headers.etag);
  const again = await rawRequest(url, path, { headers: { 'if-none-match': `W/"x", ${plain.headers.etag}` } });
  expect([again.status, again.body]).toEqual([304, '']);
});

it.each([
  '/../secret.txt',
  '/assets/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/..%5c..%5csecret.txt',
  '/link.txt',
  '/assets',
  '/assets/',
  '/index.html%00',
  '/__proto__',
])('has nothing at %s', async (path) => {
  const { url } = await start({ dashboardDir: dashboard() });
  const answer = await rawRequest(url, path);
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain('secret\n');
});

it('explains at / how to build the dashboard when there is none', async () => {
  for (const dashboardDir of [null, join(tmpdir(), 'mooring-no-such-directory')]) {
    const { url } = await start({ dashboardDir });
    expect(await (await fetch(url)).text()).toContain('npm run build:dashboard');
  }
});
