/** What the threads of a process did, as Linux counts it: time on a core, and time ready to run without one. */
import { readdirSync, readFileSync } from 'node:fs';

interface ThreadTime {
  readonly name: string;
  readonly cpuNs: number;
  readonly waitingNs: number;
}

export interface ThreadShare {
  readonly name: string;
  /** Of one core. */
  readonly cpu: number;
  /** Of the time: somebody else had the core. */
  readonly waiting: number;
}

/** By thread id; empty where there is no /proc. */
export function threadTimes(pid: number | undefined): ReadonlyMap<string, ThreadTime> {
  const times = new Map<string, ThreadTime>();
  const directory = `/proc/${pid}/task`;
  let ids: string[] = [];
  try {
    ids = readdirSync(directory);
  } catch {
    // Not Linux.
  }
  for (const id of ids) {
    const [cpuNs, waitingNs] = readFileSync(`${directory}/${id}/schedstat`, 'utf8').split(' ').map(Number);
    const name = id === String(pid) ? 'main' : readFileSync(`${directory}/${id}/comm`, 'utf8').trim();
    times.set(id, { name, cpuNs: cpuNs ?? 0, waitingNs: waitingNs ?? 0 });
  }
  return times;
}

/** The busiest first. */
export function threadShares(
  before: ReadonlyMap<string, ThreadTime>,
  after: ReadonlyMap<string, ThreadTime>,
  tookMs: number,
): ThreadShare[] {
  const shares = [...after].map(([id, { name, cpuNs, waitingNs }]) => ({
    name,
    cpu: (cpuNs - (before.get(id)?.cpuNs ?? 0)) / 1e6 / tookMs,
    waiting: (waitingNs - (before.get(id)?.waitingNs ?? 0)) / 1e6 / tookMs,
  }));
  return shares.sort((a, b) => b.cpu - a.cpu);
}
