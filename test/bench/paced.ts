/** Runs `paced-load.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PacedSettings, PacedWindow } from './paced-load.ts';

/** Where its devices are a model of. */
export const PACED_DEVICES = join(import.meta.dirname, 'models/fanout.ts');
const DEVICES = 64;
const IN_FLIGHT = 25;

/** Who is driven, at which rate, and for how long; the rest is the same for all. */
export type PacedRun = Omit<PacedSettings, 'devices' | 'inFlight'>;

/** @param onWindow called as soon as a window has ended */
export async function runPaced(
  run: PacedRun,
  onWindow: (window: PacedWindow, index: number) => void = () => undefined,
): Promise<PacedWindow[]> {
  const settings: PacedSettings = { devices: DEVICES, inFlight: IN_FLIGHT, ...run };
  const script = join(import.meta.dirname, 'paced-load.ts');
  const child = spawn(process.execPath, [script, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const windows: PacedWindow[] = [];
  for await (const line of createInterface(child.stdout)) {
    const window = JSON.parse(line) as PacedWindow; // printed by paced-load.ts
    onWindow(window, windows.length);
    windows.push(window);
  }
  const [code] = await exited;
  process.off('exit', kill);
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  return windows;
}
