import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/build-dashboard.ts');

describe('the dashboard bundle', () => {
  let out = '';
  let files: string[] = [];
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'mooring-dashboard-'));
    await writeFile(join(out, 'dashboard-AAAAAAAA.js'), 'of an older build');
    // Fails, and so does this, when the bundle is over its size limit.
    await promisify(execFile)(process.execPath, [SCRIPT, '--out', out]);
    files = await readdir(out);
  }, 30_000);
  afterAll(async () => rm(out, { recursive: true, force: true }));

  const read = async (pattern: RegExp): Promise<string> => {
    const name = files.find((file) => pattern.test(file));
    return name === undefined ? '' : readFile(join(out, name), 'utf8');
  };

  it('is a page, an icon, and one script and one style named by their hash', () => {
    expect(files.map((name) => name.replace(/-[A-Z0-9]{8}\./, '-HASH.')).sort()).toEqual([
      'dashboard-HASH.js',
      'favicon.svg',
      'index.html',
      'style-HASH.css',
    ]);
    expect(files).not.toContain('dashboard-AAAAAAAA.js');
  });

  it('links its own files only, by relative paths', async () => {
    const html = await read(/^index\.html$/);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(links.length).toBe(3);
    for (const link of links) expect(files).toContain(link);
  });

  it('runs under a strict content security policy: no inline script, no inline style, no eval', async () => {
    const html = await read(/^index\.html$/);
    expect(html).not.toMatch(/<style|style="|<script(?![^>]*src=)|\son\w+=/);
    const script = await read(/\.js$/);
    expect(script.length).toBeGreaterThan(10_000);
    expect(script).not.toMatch(/\beval\(|new Function\b|[^.\w]Function\(/);
    expect(await read(/\.css$/)).not.toMatch(/url\(["']?https?:/);
  });
});
