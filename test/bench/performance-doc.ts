/**
 * docs/performance.md, made of docs/performance/text.md and the results in docs/performance/results/. A line
 * `<!-- result NAME -->` of the text becomes the tables and notes of that result, with machine, commit and date.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { barChart } from './bar-chart.ts';
import { projectRoot } from './machine.ts';
import { describePlace, formatTable, ms, resultsDirectory, whole, type Result } from './report.ts';

const directory = join(projectRoot, 'docs/performance');
const committed = join(directory, 'results');

/** What is kept of a result: every round is for who measured it. */
export type KeptResult = Omit<Result, 'rounds'>;

/** A file of the documentation: its path below docs/, and its text. */
export interface DocFile {
  readonly path: string;
  readonly text: string;
}

/** Takes over what was measured here last, and writes the document and its charts. Answers their paths. */
export async function writePerformanceDoc(): Promise<string[]> {
  mkdirSync(committed, { recursive: true });
  for (const file of jsonFiles(resultsDirectory)) {
    const { rounds: _, ...kept } = readJson(join(resultsDirectory, file)) as Result; // written by report.ts
    writeFileSync(join(committed, file), await pretty(JSON.stringify(kept), 'json'));
  }
  const files = await performanceDoc();
  for (const { path, text } of files) writeFileSync(join(projectRoot, 'docs', path), text);
  return files.map(({ path }) => `docs/${path}`);
}

/** The document and its charts, as they must be. @throws Error when the text names a result that is not there */
export async function performanceDoc(): Promise<DocFile[]> {
  const results = new Map(
    jsonFiles(committed).map((file) => {
      const result = readJson(join(committed, file)) as KeptResult; // written above
      return [result.name, result] as const;
    }),
  );
  const text = readFileSync(join(directory, 'text.md'), 'utf8').replace(
    /^<!-- result (\S+) -->$/gm,
    (_, name: string) => {
      const result = results.get(name);
      if (result === undefined) throw new Error(`docs/performance/results has no ${name}.json`);
      return resultText(result);
    },
  );
  const notice =
    '<!-- Made of docs/performance/text.md and its results by `npm run bench -- --write-docs`. -->';
  return [
    { path: 'performance.md', text: await pretty(`${notice}\n\n${text}`, 'markdown') },
    ...charts(results),
  ];
}

function resultText(result: KeptResult): string {
  const tables = result.tables.map((table) => `${table.title}:\n\n${formatTable(table)}`);
  const notes = result.notes.map((note) => `- ${note}`).join('\n');
  return [`\`${result.name}\`: ${describePlace(result)}`, ...tables, notes].join('\n\n');
}

function charts(results: ReadonlyMap<string, KeptResult>): DocFile[] {
  const files: DocFile[] = [];
  const rates = [...results.values()].filter(({ name }) => /^ingest/.test(name));
  if (rates.length > 0) files.push({ path: 'performance/ingest.svg', text: ingestChart(rates) });
  const latency = results.get('latency');
  if (latency !== undefined) files.push({ path: 'performance/latency.svg', text: latencyChart(latency) });
  return files;
}

const RATE = 'messagesPerSecond ';

function ingestChart(results: readonly KeptResult[]): string {
  return barChart({
    title: 'Messages a second',
    description:
      'Messages a second of the bridge and of brokers that keep less, for each load of the tables.',
    format: whole,
    groups: results.map(({ settings, summary }) => ({
      label: `QoS ${settings['qos']}, ${settings['connections']} connections`,
      bars: Object.entries(summary)
        .filter(([key]) => key.startsWith(RATE))
        .map(([key, value]) => ({ label: key.slice(RATE.length), value, isOurs: key === `${RATE}bridge` })),
    })),
  });
}

function latencyChart({ summary }: KeptResult): string {
  const shares = [...new Set(Object.keys(summary).flatMap((key) => / (0\.\d+)$/.exec(key)?.[1] ?? []))];
  return barChart({
    title: 'Device to client, p50 and p99',
    description:
      'Time from a device to a watching client at parts of the peak, of the bridge and of bare aedes.',
    format: ms,
    groups: shares.map((share) => ({
      label: `${Number(share) * 100} % of the peak`,
      bars: ['bridge', 'bare aedes'].flatMap((subject) =>
        ['p50', 'p99'].map((part) => ({
          label: `${subject}, ${part}`,
          value: summary[`${part}Ms ${subject} ${share}`] ?? NaN,
          isOurs: subject === 'bridge',
        })),
      ),
    })),
  });
}

function jsonFiles(path: string): string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .sort();
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

async function pretty(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(join(directory, 'text.md'))), parser });
}
