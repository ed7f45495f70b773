/** Tables on the terminal and results/<name>.json. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a benchmark found. */
export interface Outcome {
  readonly tables: readonly Table[];
  /** Sentences under the tables: what was verified, what the ratios are of. */
  readonly notes: readonly string[];
  readonly settings: Readonly<Record<string, number | string>>;
  /** The medians and ratios, for machines. */
  readonly summary: Readonly<Record<string, number>>;
  /** Every round as measured. */
  readonly rounds: readonly unknown[];
}

/** A benchmark with where and when it ran; the content of its file. */
export interface Result extends Outcome {
  readonly name: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
}

export const resultsDirectory = join(import.meta.dirname, 'results');

/** Writes results/<name>.json and answers its path. */
export function writeResult(result: Result): string {
  mkdirSync(resultsDirectory, { recursive: true });
  const path = join(resultsDirectory, `${result.name}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** The result as text for a terminal, which is Markdown too. */
export function formatResult(result: Result): string {
  const tables = result.tables.map((table) => `${table.title}\n\n${formatTable(table)}`);
  const notes = result.notes.map((note) => `- ${note}`).join('\n');
  return [`## ${result.name}`, describePlace(result), ...tables, notes].join('\n\n');
}

/** Machine, commit and time of a result, in a line. */
export function describePlace({ machine, commit, date }: Omit<Result, 'rounds'>): string {
  const { cpu, cores, memoryGiB, node, fsyncP50Ms, loadAverage } = machine;
  const changes = commit.endsWith('+changes') ? '+changes' : '';
  return (
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, node ${node}, fsync p50 ${fsyncP50Ms} ms, ` +
    `load before ${loadAverage.toFixed(1)}, commit ${commit.slice(0, 12)}${changes}, ${date.slice(0, 16)}Z`
  );
}

export function formatTable({ columns, rows }: Table): string {
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

/** 92481.3 -> `92,481` */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

/** `min - max` of the values. */
export function spread(values: readonly number[], format: (value: number) => string): string {
  return `${format(Math.min(...values))} - ${format(Math.max(...values))}`;
}
