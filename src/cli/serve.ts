/** `mooring serve`: the bridge, in the foreground, until SIGTERM or SIGINT. */
import { limits } from '../base/limits.ts';
import { createBridge, type Bridge } from '../bridge.ts';
import { loadConfig } from '../config.ts';
import { EXIT, type Command, type Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { settingOptions, settingsTable, settingValues } from './settings.ts';

/** A Ctrl-C reaches us from the terminal and again through npm: that is one wish, not two. */
const SAME_SIGNAL_MS = 500;

export const serveCommand: Command = {
  usage: ['serve [settings]'],
  description:
    'Runs the bridge: MQTT, HTTP, WebSocket and the dashboard. Prints one line to stdout when it takes messages.\n' +
    'SIGTERM or Ctrl-C: stops taking messages, finishes and commits what it has, exits 0.',
  options: settingOptions(),
  details: settingsTable(),
  examples: [
    'mooring serve',
    'mooring serve --mqtt-port 0 --http-port 0          # any free ports, printed when ready',
    'MOORING_DATA_DIR=./data mooring serve --log-level debug',
  ],
  run: serve,
};

async function serve({ values, positionals, isJson }: Invocation): Promise<number> {
  const flags = settingValues(values, positionals);
  if (isJson) flags['logFormat'] ??= 'json';
  const config = loadConfig({ flags, environment: process.env, directory: process.cwd() });
  const stop = untilSignal();
  const progress = createProgress(process.stderr, 'replaying the journal');
  // A signal while it starts ends it at once: nothing is lost, the next start replays.
  const bridge = await Promise.race([createBridge(config, { onProgress: progress.update }), stop]);
  progress.end();
  if (bridge === undefined) return exitNow(EXIT.ok);
  process.stdout.write(`${isJson ? readyJson(bridge) : readyLine(bridge)}\n`);
  await stop;
  const late = setTimeout(() => {
    process.stderr.write('mooring: did not stop in time; what was acknowledged is in the journal\n');
    process.exit(EXIT.failed);
  }, limits.stopTimeoutMs);
  await bridge.stop();
  clearTimeout(late);
  return exitNow(EXIT.ok);
}

/** A handle somebody left open must not keep the process. */
function exitNow(code: number): never {
  process.exit(code);
}

/** Resolves at the first SIGTERM or SIGINT. The second one ends the process. */
function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const onSignal = (): void => {
      firstMs ??= Date.now();
      if (Date.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.failed);
      resolve(undefined);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function readyLine({ mqtt, http }: Bridge): string {
  return `mooring ready mqtt=${hostPort(mqtt)} http=${http.url}`;
}

function readyJson({ mqtt, http }: Bridge): string {
  return JSON.stringify({ event: 'ready', mqtt: hostPort(mqtt), http: http.url });
}

function hostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
