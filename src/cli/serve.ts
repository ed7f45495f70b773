/** `mooring serve`: the bridge, in the foreground, until SIGTERM or SIGINT. */
import { limits } from '../base/limits.ts';
import { createBridge, type Bridge } from '../bridge.ts';
import { EXIT, type Command, type Invocation } from './command.ts';
import { createProgress } from './progress.ts';
import { configOf, settingOptions, SETTINGS_HELP } from './settings.ts';

/** A Ctrl-C reaches us from the terminal and again through npm: that is one wish, not two. */
const SAME_SIGNAL_MS = 500;

export const serveCommand: Command = {
  summary: 'run the bridge: MQTT, HTTP, WebSocket and the dashboard',
  usage: '',
  arguments: { min: 0, max: 0 },
  options: settingOptions(),
  details:
    'Prints one line to stdout when it takes messages; the log goes to stderr. On SIGTERM or Ctrl-C it stops\n' +
    'taking messages, finishes and commits what it has, and exits 0; a second signal ends it at once.\n\n' +
    SETTINGS_HELP,
  examples: [
    'mooring serve',
    'mooring serve --mqtt-port 0 --http-port 0             # any free ports; the ready line names them',
    'MOORING_DATA_DIR=/var/lib/mooring mooring serve',
  ],
  run: serve,
};

async function serve(invocation: Invocation): Promise<number> {
  const { isJson } = invocation;
  const config = configOf(invocation, isJson ? { logFormat: 'json' } : {});
  const stop = untilSignal();
  const progress = createProgress(process.stderr, 'replaying the journal');
  // A signal while it starts ends it at once: nothing is lost, the next start replays.
  const bridge = await Promise.race([createBridge(config, { onProgress: progress.update }), stop]).finally(
    progress.end,
  );
  if (bridge === undefined) return EXIT.ok;
  process.stdout.write(`${isJson ? readyJson(bridge) : readyLine(bridge)}\n`);
  await stop;
  setTimeout(() => {
    process.stderr.write('mooring: did not stop in time; what was acknowledged is in the journal\n');
    process.exit(EXIT.failed);
  }, limits.stopTimeoutMs);
  await bridge.stop();
  return EXIT.ok;
}

/** Resolves at the first SIGTERM or SIGINT. The second one ends the process. */
function untilSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const onSignal = (): void => {
      firstMs ??= performance.now();
      if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.failed);
      resolve(undefined);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function readyLine({ mqtt, mqtts, http }: Bridge): string {
  const tls = mqtts === null ? '' : ` mqtts=${hostPort(mqtts)}`;
  return `mooring ready mqtt=${hostPort(mqtt)} http=${http.url}${tls}`;
}

function readyJson({ mqtt, mqtts, http }: Bridge): string {
  const tls = mqtts === null ? {} : { mqtts: hostPort(mqtts) };
  return JSON.stringify({ event: 'ready', mqtt: hostPort(mqtt), http: http.url, ...tls });
}

function hostPort({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
