/** A process that does nothing but measure the delay of its event loop: what the machine alone costs a thread. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const PROGRAM = `
const delay = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', () => {
  const ms = (ns) => Math.max(0, ns / 1e6 - 1);
  const said = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) };
  process.send(said, () => process.exit());
});
process.send('ready');
`;

/** It measures from now on. */
export async function startIdleLoop(): Promise<{ read(): Promise<Delays> }> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return {
    read: async () => {
      const answer = once(child, 'message');
      child.send('read');
      const [delays] = (await answer) as [Delays]; // the program above
      return delays;
    },
  };
}
