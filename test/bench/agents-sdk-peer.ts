/**
 * The Agents SDK on workerd with the agent of `models/device.ts`, installed from the registry into a
 * directory of its own, run by miniflare, with SQLite on the same disk.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const PACKAGES = ['agents@0.5.0', 'miniflare', 'esbuild'];
const INSTALL_MS = 180_000;

const WORKER = `
import { Agent, routeAgentRequest } from 'agents';

export class Device extends Agent {
  initialState = { n: 0, last: null };

  onStart() {
    this.sql\`CREATE TABLE IF NOT EXISTS telemetry (ts INTEGER, t REAL, h REAL)\`;
  }

  onMessage(connection, message) {
    const reading = JSON.parse(message);
    this.sql\`INSERT INTO telemetry VALUES (\${reading.ts}, \${reading.t}, \${reading.h})\`;
    this.setState({ n: this.state.n + 1, last: reading });
    connection.send('{"ack":' + reading.seq + '}');
  }
}

export default {
  fetch: async (request, env) => (await routeAgentRequest(request, env)) ?? new Response(null, { status: 404 }),
};
`;

/** Packages may ask for anything of Node: what workerd has of it, it has by its `node:` name. */
const BUILD = `
import { build } from 'esbuild';
import { builtinModules } from 'node:module';

const external = {
  name: 'node-builtins',
  setup({ onResolve }) {
    onResolve({ filter: /^[a-z_/]+$/ }, ({ path }) =>
      builtinModules.includes(path) ? { path: 'node:' + path, external: true } : undefined);
  },
};
await build({
  entryPoints: ['worker.js'], outfile: 'bundle.mjs', bundle: true, format: 'esm', platform: 'neutral', logLevel: 'error',
  mainFields: ['module', 'main'], conditions: ['workerd', 'worker', 'browser', 'import'], external: ['node:*', 'cloudflare:*'],
  banner: { js: 'import { createRequire as __r } from "node:module"; const require = __r("/");' },
  plugins: [external],
});
`;

const SERVER = `
import { Miniflare } from 'miniflare';

const bridge = new Miniflare({
  modules: true, scriptPath: 'bundle.mjs', host: '127.0.0.1', port: 0,
  compatibilityDate: '2026-02-01', compatibilityFlags: ['nodejs_compat'],
  durableObjects: { Device: { className: 'Device', useSQLite: true } },
  durableObjectsPersist: process.argv[2],
});
process.once('SIGTERM', () => bridge.dispose().then(() => process.exit(0)));
console.log('ready ' + (await bridge.ready).href);
`;

export interface Peer {
  /** Of agent `%`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A directory with the peer, ready to be started; `remove` deletes it. @throws Error when it cannot be installed */
export async function installPeer(): Promise<{ directory: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-peer-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
    writeFileSync(join(directory, 'worker.js'), WORKER);
    writeFileSync(join(directory, 'build.mjs'), BUILD);
    writeFileSync(join(directory, 'server.mjs'), SERVER);
    const run = promisify(execFile);
    const flags = ['--no-audit', '--no-fund', '--loglevel', 'error'];
    await run('npm', ['install', ...flags, ...PACKAGES], { cwd: directory, timeout: INSTALL_MS });
    await run(process.execPath, ['build.mjs'], { cwd: directory, timeout: INSTALL_MS });
    return { directory, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @param dataDir a new one for the SQLite files of its agents */
export async function startPeer(directory: string, dataDir: string): Promise<Peer> {
  mkdirSync(dataDir, { recursive: true });
  const child = spawn(process.execPath, ['server.mjs', dataDir], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    const base = /^ready http(:\/\/\S+)$/.exec(line)?.[1];
    if (base === undefined) continue;
    child.stdout.resume();
    return {
      url: `ws${base}agents/device/d%`,
      stop: async () => {
        kill();
        await exited;
        process.off('exit', kill);
      },
    };
  }
  throw new Error('the peer ended before it was ready');
}
