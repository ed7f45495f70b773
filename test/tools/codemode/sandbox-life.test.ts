import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { openQuickjs } from '../../../src/tools/codemode/engine-quickjs.ts';
import { probeLauncher } from '../../../src/tools/codemode/launcher.ts';
import type { Sandbox } from '../../../src/tools/codemode/sandbox.ts';
import { SandboxPool } from '../../../src/tools/codemode/sandbox-pool.ts';
import { until } from '../../support/until.ts';

const engine = await openQuickjs();
if ('unavailable' in engine) throw new Error(engine.unavailable);
const started: Sandbox[] = [];
const counted = {
  ...engine,
  async start() {
    const sandbox = await engine.start();
    started.push(sandbox);
    return sandbox;
  },
};
afterAll(() => started.forEach((sandbox) => sandbox.kill()));

describe('a pool', () => {
  it('starts nothing by itself, gives each sandbox once, and drops one that died', async () => {
    const pool = new SandboxPool({ engine: counted, clock: systemClock, idleMax: 2 });
    expect(started).toHaveLength(0);
    await pool.fill();
    expect(pool.idleCount).toBe(2);
    started[0]?.kill();
    await until(() => started[0]?.isAlive === false);
    const first = await pool.take();
    expect([first.isWarm, first.sandbox]).toEqual([true, started[1]]);
    const second = await pool.take();
    expect(second.isWarm).toBe(false);
    await pool.close();
  });

  it(`ends idle sandboxes after ${limits.sandboxIdleMs} ms, and all of them when it closes`, async () => {
    const timers: (() => void)[] = [];
    const clock = {
      now: () => 0,
      after: (_delayMs: number, callback: () => void) => {
        timers.push(callback);
        return () => undefined;
      },
    };
    const pool = new SandboxPool({ engine: counted, clock, idleMax: 2 });
    await pool.fill();
    const [one, two] = started.slice(-2);
    timers[0]?.();
    expect(pool.idleCount).toBe(1);
    await pool.close();
    await until(() => one?.isAlive === false && two?.isAlive === false);
  });
});

describe('a sandbox', () => {
  it('ends with its parent, although it does not listen', async ({ skip }) => {
    const launcher = await probeLauncher();
    if (!launcher.isolation.includes('no-new-privileges')) skip('no setpriv here');
    const [command, args] = launcher.wrap('sleep', ['600'], { cpuSeconds: 10 });
    const script = `const c = require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: 'ignore' }); console.log(c.pid); setInterval(() => {}, 1000)`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (data) => resolve(Number(data))),
    );
    await until(
      () => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep'),
    );
    parent.kill('SIGKILL');
    await until(
      () => !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')),
      'the end of the child',
    );
  });

  it('has no network but an own, empty one, where the system allows it', async ({ skip }) => {
    const launcher = await probeLauncher();
    if (!launcher.isolation.includes('network-namespace')) skip('no network namespaces here');
    const [command, args] = launcher.wrap('cat', ['/proc/net/dev'], { cpuSeconds: 10 });
    const devices = execFileSync(command, args, { encoding: 'utf8' }).match(/^ *\w+:/gm);
    expect(devices?.map((name) => name.trim())).toEqual(['lo:']);
  });
});
