/**
 * Writes docs/limits.md from src/base/limits/: names and values from the code, what each protects from the comment above it.
 * `npm run docs:limits`; test/base/limits-doc.test.ts says when it is due.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { limits } from '../src/base/limits.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = join(root, 'src/base/limits');
export const limitsPath = join(root, 'docs/limits.md');

const HEAD = `# Limits

Every queue, buffer, cache, count and wait of the bridge has a limit, so that nothing a device, a client or a model does takes all
of a machine. These are all of them, as \`src/base/limits/\` has them; where a setting changes one, [cli.md](cli.md#serve) and
\`mooring serve --help\` name it. This page is generated: \`npm run docs:limits\`.
`;

/** What a file of limits says in its comments. */
interface Chapter {
  readonly title: string;
  readonly sections: readonly Section[];
}

interface Section {
  readonly title: string | null;
  readonly rows: readonly { readonly name: string; readonly meaning: string }[];
}

/** The page as it has to be. */
export async function renderLimits(): Promise<string> {
  const files = readdirSync(directory).filter((name) => name.endsWith('-limits.ts'));
  const chapters = files.sort().map((name) => readChapter(readFileSync(join(directory, name), 'utf8')));
  const text = HEAD + chapters.map(chapterText).join('');
  return format(text, { ...(await resolveConfig(limitsPath)), parser: 'markdown' });
}

/** Names the page tells of, each once. */
export function documentedLimits(page: string): string[] {
  return [...page.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1] ?? '');
}

function readChapter(source: string): Chapter {
  const title = (/^\/\*\* (.+?)\.? See limits\.ts\. \*\//m.exec(source)?.[1] ?? '').replace(/\.$/, '');
  const body = source.slice(source.indexOf('{', source.indexOf('export const')));
  const sections: { title: string | null; rows: { name: string; meaning: string }[] }[] = [
    { title: null, rows: [] },
  ];
  let meaning = '';
  let isFirst = true;
  for (const match of body.matchAll(/\/\*\*([\s\S]*?)\*\/|\/\/ --- (.+?) -+|^ {2}(\w+):/gm)) {
    const [, comment, section, name] = match;
    if (comment !== undefined) {
      meaning = comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim();
      isFirst = true;
    } else if (section !== undefined) {
      sections.push({ title: section, rows: [] });
      meaning = '';
    } else if (name !== undefined) {
      // One comment may stand above several: it is told with the first.
      sections.at(-1)?.rows.push({ name, meaning: isFirst ? meaning : meaning === '' ? '' : 'as above' });
      isFirst = false;
    }
  }
  return { title, sections: sections.filter(({ rows }) => rows.length > 0) };
}

function chapterText({ title, sections }: Chapter): string {
  return `\n## ${title}\n${sections.map(sectionText).join('')}`;
}

function sectionText({ title, rows }: Section): string {
  const lines = rows.map(({ name, meaning }) => `| \`${name}\` | ${valueText(name)} | ${cell(meaning)} |\n`);
  const heading = title === null ? '' : `\n### ${title[0]?.toUpperCase()}${title.slice(1)}\n`;
  return `${heading}\n| limit | value | what for |\n| --- | --- | --- |\n${lines.join('')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** With its unit, which its name has. */
function valueText(name: string): string {
  const value: unknown = Object.entries(limits).find(([key]) => key === name)?.[1];
  if (typeof value !== 'number') return `\`${JSON.stringify(value)}\``;
  if (/Ms(Max|Min)?$/.test(name) && name !== 'deviceClockMinMs') return durationText(value);
  if (/Bytes(Max|Min|Total|PerSecond)*/.test(name)) return bytesText(value);
  if (/Percent/.test(name)) return `${value} %`;
  return value.toLocaleString('en-US');
}

function durationText(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const [size, unit] = units.find(([one]) => ms >= one && (ms / one) % 0.5 === 0) ?? [1, 'ms'];
  return `${(ms / size).toLocaleString('en-US')} ${unit}`;
}

function bytesText(bytes: number): string {
  const units: [number, string][] = [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ];
  const [size, unit] = units.find(([one]) => bytes >= one && (bytes / one) % 0.5 === 0) ?? [1, 'B'];
  return `${(bytes / size).toLocaleString('en-US')} ${unit}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(limitsPath, await renderLimits());
