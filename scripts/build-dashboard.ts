/**
 * Builds the dashboard to static files: `node scripts/build-dashboard.ts [--out DIR]`.
 *
 * The files carry their hash in the name, so the bridge may serve them as immutable; only index.html
 * and favicon.svg keep their names. The page runs under a strict Content-Security-Policy (no inline
 * script or style, no eval), so cbor-x is taken in its build without code generation.
 */
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a first visit may download (the page must open at once on a slow site link). */
const BUNDLE_GZIP_BYTES_MAX = 150_000;
const HASHED_FILE = /^(?:dashboard|style)-[A-Z0-9]{8}\.(?:js|css)$/;

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src/dashboard');

/** Bundles script and style into `outDir` and answers their file names. */
async function bundle(outDir: string): Promise<string[]> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: {
      dashboard: join(source, 'main.tsx'),
      style: join(source, 'css/main.css'),
    },
    outdir: outDir,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    metafile: true,
    format: 'esm',
    target: ['es2022', 'chrome123', 'firefox121', 'safari17.5'],
    tsconfig: join(source, 'tsconfig.json'),
    alias: { 'cbor-x': 'cbor-x/index-no-eval' },
    legalComments: 'none',
    logLevel: 'warning',
  });
  return Object.keys(result.metafile.outputs).map((path) => basename(path));
}

async function removeOldBundles(outDir: string): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const old = (await readdir(outDir)).filter((name) => HASHED_FILE.test(name));
  await Promise.all(old.map((name) => rm(join(outDir, name))));
}

/** Writes index.html with the hashed names in place of its two placeholders. */
async function writeIndex(outDir: string, names: readonly string[]): Promise<void> {
  const script = names.find((name) => name.endsWith('.js'));
  const style = names.find((name) => name.endsWith('.css'));
  if (script === undefined || style === undefined) throw new Error('the bundle lacks a script or a style');
  const template = await readFile(join(source, 'index.html'), 'utf8');
  await writeFile(join(outDir, 'index.html'), template.replace('%SCRIPT%', script).replace('%STYLE%', style));
  await copyFile(join(source, 'favicon.svg'), join(outDir, 'favicon.svg'));
}

/** Prints each file with its gzipped size and answers the sum in bytes. */
async function reportSizes(outDir: string, names: readonly string[]): Promise<number> {
  let sum = 0;
  for (const name of [...names, 'index.html', 'favicon.svg']) {
    const bytes = gzipSync(await readFile(join(outDir, name)), { level: 9 }).length;
    sum += bytes;
    console.log(`${name.padEnd(28)} ${(bytes / 1000).toFixed(1).padStart(7)} kB gzip`);
  }
  return sum;
}

const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist/dashboard' } } });
const outDir = resolve(root, values.out);
await removeOldBundles(outDir);
const names = await bundle(outDir);
await writeIndex(outDir, names);
const bytes = await reportSizes(outDir, names);
if (bytes > BUNDLE_GZIP_BYTES_MAX) {
  console.error(`the dashboard is ${bytes} bytes gzipped; ${BUNDLE_GZIP_BYTES_MAX} is the limit`);
  process.exitCode = 1;
}
