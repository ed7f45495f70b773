/** What README.md and docs/*.md promise: examples that run, links that lead somewhere, scripts that exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from './source-graph.ts';

const deviceRoom = pathToFileURL(join(root, 'src/device/index.ts')).href;
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** The device definitions among the `ts` blocks of a page, as they are printed. */
function definitionsIn(page: string): string[] {
  return [...read(page).matchAll(/^```ts[^\n]*\n(.*?)^```$/gms)]
    .map((match) => match[1] ?? '')
    .filter((source) => source.includes('export default defineDevice('));
}

/** The text of a page without its fenced blocks. */
function prose(page: string): string {
  return read(page).replaceAll(/^ *```.*?^ *```$/gms, '');
}

/** The anchors that a forge makes of the headings of a page. */
function anchors(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks(page: string): string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : join(dirname(page), file);
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !anchors(path).has(anchor);
    });
}

describe('the device definitions in the documentation', () => {
  it.each(['README.md', 'docs/devices.md'])('%s: runs in Node as printed, and its sample decodes', (page) => {
    const examples = definitionsIn(page);
    expect(examples).not.toEqual([]);
    const directory = mkdtempSync(join(tmpdir(), 'mooring-readme-'));
    try {
      for (const [index, source] of examples.entries()) {
        expect(source).toContain("'../src/device/index.ts'");
        const example = join(directory, `example-${index}.ts`);
        writeFileSync(example, source.replace('../src/device/index.ts', deviceRoom));
        const check = `
          import definition from ${JSON.stringify(pathToFileURL(example).href)};
          import { decodeTelemetry } from ${JSON.stringify(deviceRoom)};
          const payload = Buffer.from(JSON.stringify(definition.sample));
          console.log(decodeTelemetry(definition, payload));`;
        const output = execFileSync(process.execPath, ['--input-type=module', '-e', check], {
          encoding: 'utf8',
        });
        expect(output).toContain("kind: 'decoded'");
        expect(output).toContain('rejections: []');
        expect(output).toContain('unknownKeys: 0');
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('README.md keeps its word: a device in 15 lines', () => {
    const [source = ''] = definitionsIn('README.md');
    const lines = source.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(15);
  });
});

describe.each(pages)('%s', (page) => {
  it('links only to what exists', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }; // ours
    const named = [...read(page).matchAll(/\bnpm (?:run (?:-s )?([a-z][\w:-]*)|(start|test)\b)/g)];
    expect(named.map((match) => match[1] ?? match[2] ?? '').filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('README.md', () => {
  it('names only files and directories that exist', () => {
    const named = [...prose('README.md').matchAll(/`([\w.-]+\/(?:[\w./-]*(?:\.\w+|\/))?)`/g)].map(
      (match) => match[1] ?? '',
    );
    expect(named).toContain('devices/index.ts');
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
