import { definitions } from '../devices/index.ts';
import { limits } from '../src/base/limits.ts';
import { EXIT, SEED_MAX, brokerUrl, chooseModels, chooseSeed, parse, type Parsed } from './args.ts';
import { Fleet, type FleetEvent, type FleetOptions } from './fleet.ts';
import { interruption } from './interruption.ts';
import { LiveLine, describeProgress } from './live-line.ts';
import { formatChecks, formatStatistics, type Check } from './summary.ts';
import type { FleetStatistics } from './statistics.ts';

const HELP = `Runs devices until the duration is over or Ctrl-C, then prints a summary.

Usage: npm run sim -- run [options]

  --devices <n>        devices of each model (default 20)
  --models <a,b>       models (default all; see: npm run sim -- list)
  --broker <url>       broker (default mqtt://127.0.0.1:1883)
  --duration <time>    500ms, 30s, 10m, 2h (default: until Ctrl-C)
  --rate <n>           telemetry messages a second and device (default 1; 0: none)
  --ramp <n>           devices switched on a second (default 100)
  --encoding <name>    json, cbor or mixed (default mixed)
  --seed <n>           repeats the values of an earlier run (default: chosen and printed)
  --speed <n>          simulated seconds per second: 60 makes a day of 24 minutes (default 1)
  --prefix <text>      put before device ids, to run two fleets on one broker
  --username, --password  for a broker that asks for them
  --json               NDJSON events and summary on stdout

Succeeds when all devices were online at the end, every message was PUBACKed and none was dropped.

Examples:
  npm run sim -- run --devices 5 --models pump,greenhouse --duration 30s
  npm run sim -- run --devices 200 --rate 2 --ramp 50 --encoding cbor
  npm run sim -- run --seed 42 --duration 10s --json | jq 'select(.event=="summary")'
`;

const LIVE_INTERVAL_MS = 500;
const NDJSON_STATS_INTERVAL_MS = 1_000;

/** `sim run`; returns the exit code. Throws UsageError. */
export async function runCommand(args: string[]): Promise<number> {
  const parsed = parse(args, {
    devices: { type: 'string' },
    models: { type: 'string' },
    broker: { type: 'string' },
    duration: { type: 'string' },
    rate: { type: 'string' },
    ramp: { type: 'string' },
    encoding: { type: 'string' },
    seed: { type: 'string' },
    speed: { type: 'string' },
    prefix: { type: 'string' },
    username: { type: 'string' },
    password: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (parsed.flag('help')) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const durationMs = parsed.durationMs('duration');
  return runFleet(fleetOptions(parsed), { durationMs, isJson: parsed.flag('json'), args });
}

function fleetOptions(parsed: Parsed): FleetOptions {
  const chosen = chooseModels(parsed.text('models'), definitions);
  const devicesMax = Math.floor(limits.simulatorDevicesMax / chosen.length);
  const username = parsed.text('username');
  const password = parsed.text('password');
  return {
    definitions: chosen,
    devicesPerModel: parsed.number('devices', 20, { min: 1, max: devicesMax, whole: true }),
    broker: brokerUrl(parsed.text('broker') ?? 'mqtt://127.0.0.1:1883'),
    seed: parsed.number('seed', chooseSeed(), { min: 0, max: SEED_MAX, whole: true }),
    encoding: parsed.choice('encoding', 'mixed', ['json', 'cbor', 'mixed']),
    rate: parsed.number('rate', 1, { min: 0, max: 10_000 }),
    rampPerSecond: parsed.number('ramp', 100, { min: 0.1, max: 100_000 }),
    speed: parsed.number('speed', 1, { min: 0, max: 100_000 }),
    idPrefix: parsed.text('prefix') ?? '',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

interface RunOptions {
  readonly durationMs: number | null;
  readonly isJson: boolean;
  /** As typed, for the line that repeats the run. */
  readonly args: readonly string[];
}

async function runFleet(options: FleetOptions, run: RunOptions): Promise<number> {
  const live = new LiveLine(process.stderr);
  const emit = (event: Record<string, unknown>): void => {
    if (run.isJson) process.stdout.write(`${JSON.stringify({ ts: Date.now(), ...event })}\n`);
  };
  const fleet = new Fleet(options, (event) => {
    emit({ ...event });
    if (event.event === 'command') live.print(describeCommandEvent(event));
  });
  live.print(`seed ${options.seed}: ${fleet.devices.length} devices on ${options.broker}`);
  emit({ event: 'start', seed: options.seed, devices: fleet.devices.length, broker: options.broker });
  fleet.start();
  const end = await watch(fleet, run, live, emit);
  live.end();
  if (end === 'cannot-connect') {
    live.print(`sim: cannot connect to ${options.broker}: ${fleet.lastFailure ?? 'no answer'}`);
    live.print('Is the bridge running? Start it with: npm start');
    await fleet.stop();
    return EXIT.cannotConnect;
  }
  return finish(fleet, options, run, emit, end === 'interrupted');
}

type End = 'over' | 'interrupted' | 'cannot-connect';

/** Shows progress until the run ends. */
async function watch(
  fleet: Fleet,
  run: RunOptions,
  live: LiveLine,
  emit: (event: Record<string, unknown>) => void,
): Promise<End> {
  const interrupt = interruption();
  const ticker = setInterval(
    () => {
      const statistics = fleet.statistics();
      live.update(describeProgress(statistics));
      emit({ event: 'stats', ...statistics });
    },
    run.isJson ? NDJSON_STATS_INTERVAL_MS : LIVE_INTERVAL_MS,
  );
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, resolve: () => void): void => void timers.push(setTimeout(resolve, ms));
  const outcome = await new Promise<End>((resolve) => {
    void interrupt.happened.then(() => resolve('interrupted')); // never rejects
    if (run.durationMs !== null) after(run.durationMs, () => resolve('over'));
    after(limits.simulatorConnectTimeoutMs, () => {
      if (!fleet.hasConnected) resolve('cannot-connect');
    });
  });
  clearInterval(ticker);
  for (const timer of timers) clearTimeout(timer);
  interrupt.stopListening();
  return outcome === 'over' && !fleet.hasConnected ? 'cannot-connect' : outcome;
}

async function finish(
  fleet: Fleet,
  options: FleetOptions,
  run: RunOptions,
  emit: (event: Record<string, unknown>) => void,
  isInterrupted: boolean,
): Promise<number> {
  fleet.stopMeasuring();
  await fleet.drain();
  const statistics = fleet.statistics();
  const checks = checkRun(statistics);
  await fleet.stop();
  const isOk = checks.every(({ held }) => held);
  emit({ event: 'summary', ok: isOk, interrupted: isInterrupted, seed: options.seed, ...statistics, checks });
  if (!run.isJson) {
    process.stdout.write(
      `${formatStatistics(statistics, options.seed)}\n\n${formatChecks(checks, process.stdout)}\n`,
    );
  }
  if (isInterrupted) return EXIT.interrupted;
  if (isOk) return EXIT.ok;
  process.stderr.write(`Repeat with: ${repeatLine(run.args, options.seed)}\n`);
  return EXIT.failed;
}

function checkRun(statistics: FleetStatistics): Check[] {
  const { connected, devices, pending, acked, measured, dropped } = statistics;
  return [
    { name: 'all devices online', held: connected === devices, detail: `${connected} of ${devices}` },
    {
      name: 'everything PUBACKed',
      held: pending === 0,
      detail: `${acked} of ${measured}, ${pending} waiting`,
    },
    { name: 'nothing dropped', held: dropped === 0, detail: `${dropped} dropped` },
  ];
}

/** The command line of this run with its seed. */
function repeatLine(args: readonly string[], seed: number): string {
  const isSeeded = args.some((arg) => arg === '--seed' || arg.startsWith('--seed='));
  const words = isSeeded ? args : [...args, '--seed', String(seed)];
  return `npm run sim -- run ${words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`;
}

function describeCommandEvent(event: FleetEvent): string {
  return `${event.device} command ${String(event.command)} ${JSON.stringify(event.args)} -> ${JSON.stringify(event.result)}`;
}
