import { readFileSync } from 'node:fs';

/** What a process has used, as the kernel counts it: nothing inside the process can change it. */
export interface ProcessUsage {
  /** User and system time of all its threads, in steps of 10 ms. */
  readonly cpuMs: number;
  /** Resident memory. */
  readonly memoryBytes: number;
}

/** Linux counts in USER_HZ, which is 100 on every architecture Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** Undefined where there is no /proc, and for a process that has ended. */
export function readUsage(pid: number): ProcessUsage | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; utime and stime are fields 14 and 15, proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Field 24, rss, is in pages; it may lag by some pages, which does not matter here.
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      memoryBytes: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}
