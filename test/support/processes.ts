import { readFileSync } from 'node:fs';

/** Whether a process runs. A zombie is gone: only its parent has not looked. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
