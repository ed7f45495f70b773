/** Runs a script of this directory to its end, with its settings as JSON; answers the JSON it prints. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export async function runScript(script: string, settings: unknown): Promise<unknown> {
  const path = join(import.meta.dirname, script);
  const { stdout } = await promisify(execFile)(process.execPath, [path, JSON.stringify(settings)]);
  return JSON.parse(stdout);
}
