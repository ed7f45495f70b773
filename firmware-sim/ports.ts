import { createServer } from 'node:net';
import type { Parsed } from './args.ts';

/** Nobody else can reach the demo. */
export const HOST = '127.0.0.1';

/** The usual port, or any free one when it is taken; a port asked for is never replaced. @throws UsageError */
export async function choosePort(parsed: Parsed, name: string, usual: number): Promise<number> {
  if (parsed.text(name) !== undefined)
    return parsed.number(name, usual, { min: 0, max: 65_535, whole: true });
  if (await isFree(usual)) return usual;
  process.stderr.write(`port ${usual} is taken, using a free one instead (--${name} chooses)\n`);
  return 0;
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}
