/** What a result must say about where it was measured. */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

export const projectRoot = join(import.meta.dirname, '../..');

/** The machine, as far as it decides the numbers. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  /** Median of writing and syncing 4 KiB on the disk that holds the data. */
  readonly fsyncP50Ms: number;
  /** Programs that ran or waited, mean of the minute before: above 1, others were at work. */
  readonly loadAverage: number;
}

const FSYNC_SAMPLES = 200;

/** Measures and names this machine. @param directory on the disk to measure */
export function describeMachine(directory: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    fsyncP50Ms: measureFsync(directory),
    loadAverage: round(loadavg()[0] ?? NaN, 1),
  };
}

/** The commit that was measured; `+changes` when the tree differs from it. */
export function describeCommit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).trim();
    const isClean = git('status', '--porcelain', '--', 'src', 'devices', 'package-lock.json') === '';
    return `${git('rev-parse', 'HEAD')}${isClean ? '' : '+changes'}`;
  } catch {
    return 'unknown';
  }
}

/** User and system time a process has used, in ms; null where there is no /proc. */
export function processCpuMs(pid: number | undefined): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields 14 and 15, counted behind the name, which may hold spaces (proc(5)); in ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return null;
  }
}

/** Resident memory of a process in bytes. @throws where there is no /proc */
export function processRssBytes(pid: number | undefined): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1024;
}

function measureFsync(directory: string): number {
  const path = join(directory, 'fsync-probe');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4096, 1);
  const samples: number[] = [];
  try {
    for (let i = 0; i < FSYNC_SAMPLES; i++) {
      const startMs = performance.now();
      writeSync(file, block);
      fdatasyncSync(file);
      samples.push(performance.now() - startMs);
    }
  } finally {
    closeSync(file);
    rmSync(path);
  }
  return round(median(samples), 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
