#!/usr/bin/env node
/** `npm run demo`: the bridge on its defaults, simulated devices of every model, and the dashboard. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definitions } from '../devices/index.ts';
import { asBridgeError, assert } from '../src/base/errors.ts';
import { createBridge, type Bridge } from '../src/index.ts';
import { EXIT, SEED_MAX, UsageError, chooseSeed, parse, type Parsed } from './args.ts';
import { BridgeApi } from './bridge-api.ts';
import * as scene from './demo-scene.ts';
import { checkStory, tellingStory } from './demo-story.ts';
import { Fleet } from './fleet.ts';
import { interruption } from './interruption.ts';
import { LiveLine, describeProgress } from './live-line.ts';
import { choosePort, HOST } from './ports.ts';
import { formatChecks, formatStatistics, paint, type Check } from './summary.ts';

const HELP = `Starts the bridge with simulated devices of every model. Open the dashboard it prints; Ctrl-C ends it.

Usage: npm run demo [-- options]

  --seconds <n>        end by itself and check everything (exit code 0 only if all held)
  --devices <n>        devices of each model (default 20)
  --rate <n>           telemetry messages a second and device (default 1)
  --encoding <name>    json, cbor or mixed (default mixed)
  --seed <n>           repeats the values of an earlier run
  --speed <n>          simulated seconds per second (default 30, so that charts show a day in 48 minutes)
  --mqtt-port, --http-port  (default 1883 and 8080; any free port when those are taken)
  --data <directory>   keep the data there (default: a fresh directory, removed at the end)
  --json               NDJSON events and summary on stdout

Examples:
  npm run demo
  npm run demo -- --seconds 15
  npm run demo -- --devices 100 --encoding cbor --data ./demo-data
`;

const LIVE_INTERVAL_MS = 500;
/** The shipped models, with a script in the place of a language model; compiled, it has another ending. */
const DEVICES = `demo-devices.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`;

interface DemoOptions {
  readonly seconds: number | null;
  readonly devicesPerModel: number;
  readonly rate: number;
  readonly encoding: 'json' | 'cbor' | 'mixed';
  readonly seed: number;
  readonly speed: number;
  readonly dataDir: string | null;
  readonly isJson: boolean;
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly args: readonly string[];
}

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const parsed = parse(args, {
    seconds: text,
    devices: text,
    rate: text,
    encoding: text,
    seed: text,
    speed: text,
    data: text,
    'mqtt-port': text,
    'http-port': text,
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (parsed.flag('help')) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const options = await readOptions(parsed, args);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'mooring-demo-')));
  try {
    return await runDemo(options, dataDir);
  } finally {
    if (options.dataDir === null) await rm(dataDir, { recursive: true, force: true });
  }
}

async function readOptions(parsed: Parsed, args: readonly string[]): Promise<DemoOptions> {
  return {
    seconds:
      parsed.text('seconds') === undefined ? null : parsed.number('seconds', 0, { min: 1, max: 86_400 }),
    devicesPerModel: parsed.number('devices', 20, { min: 1, max: 1000, whole: true }),
    rate: parsed.number('rate', 1, { min: 0.01, max: 1000 }),
    encoding: parsed.choice('encoding', 'mixed', ['json', 'cbor', 'mixed']),
    seed: parsed.number('seed', chooseSeed(), { min: 0, max: SEED_MAX, whole: true }),
    speed: parsed.number('speed', 30, { min: 0, max: 100_000 }),
    dataDir: parsed.text('data') ?? null,
    isJson: parsed.flag('json'),
    mqttPort: await choosePort(parsed, 'mqtt-port', 1883),
    httpPort: await choosePort(parsed, 'http-port', 8080),
    args,
  };
}

async function runDemo(options: DemoOptions, dataDir: string): Promise<number> {
  const { mqttPort, httpPort } = options;
  const devices = fileURLToPath(new URL(DEVICES, import.meta.url));
  const bridge = await createBridge({ host: HOST, mqttPort, httpPort, dataDir, devices, logLevel: 'warn' });
  try {
    return await runOn(bridge, options);
  } finally {
    await bridge.stop();
  }
}

async function runOn(bridge: Bridge, options: DemoOptions): Promise<number> {
  const { seed, devicesPerModel } = options;
  const { url } = bridge.http;
  const broker = `mqtt://${bridge.mqtt.host}:${bridge.mqtt.port}`;
  const emit = emitter(options.isJson);
  const live = new LiveLine(process.stderr);
  live.print(`dashboard ${paint('bold', url, process.stderr)}  MQTT ${broker}`);
  live.print(
    `seed ${seed}: ${devicesPerModel} devices of each of ${definitions.length} models; Ctrl-C ends it`,
  );
  emit({ event: 'start', seed, dashboard: url, broker, devices: devicesPerModel * definitions.length });
  const fleet = new Fleet(
    {
      definitions,
      devicesPerModel,
      broker,
      seed,
      encoding: options.encoding,
      rate: options.rate,
      rampPerSecond: 100,
      speed: options.speed,
    },
    (event) => emit({ ...event }),
  );
  const ticker = setInterval(() => {
    const statistics = fleet.statistics();
    live.update(describeProgress(statistics));
    emit({ event: 'stats', ...statistics });
  }, LIVE_INTERVAL_MS);
  try {
    return await perform(fleet, new BridgeApi(url), options, { live, emit });
  } finally {
    clearInterval(ticker);
    live.end();
    await fleet.stop();
  }
}

type Emit = (event: Record<string, unknown>) => void;

function emitter(isJson: boolean): Emit {
  return (event) => {
    if (isJson) process.stdout.write(`${JSON.stringify({ ts: Date.now(), ...event })}\n`);
  };
}

interface Output {
  readonly live: LiveLine;
  readonly emit: Emit;
}

async function perform(fleet: Fleet, api: BridgeApi, options: DemoOptions, output: Output): Promise<number> {
  const interrupt = interruption();
  const isInterrupted = interrupt.happened.then(() => true as const); // never rejects
  const startedAtMs = Date.now();
  const appliedBefore = await api.applied(fleet.devices.map(scene.deviceName));
  fleet.start();
  const outcome = await Promise.race([isInterrupted, act(fleet, api, options, startedAtMs, output)]);
  if (outcome === true) {
    interrupt.stopListening();
    return conclude(fleet, options, output, null);
  }
  const checks = await Promise.race([isInterrupted, inspect(fleet, api, appliedBefore)]);
  interrupt.stopListening();
  return conclude(fleet, options, output, checks === true ? null : [...checks, ...outcome]);
}

/** Everything that happens until the time is over; without a time, for ever. Resolves with its checks. */
async function act(
  fleet: Fleet,
  api: BridgeApi,
  options: DemoOptions,
  startedAtMs: number,
  { live }: Output,
): Promise<Check[]> {
  const targets = definitions.map(({ model }) => fleet.devices.findLast((device) => device.model === model));
  const [pump, second] = fleet.devices.filter(({ model }) => model === 'pump');
  assert(pump !== undefined, 'the demo has a pump');
  // One alone has nobody to be compared with, and nothing wears where no time passes.
  const worn = options.speed > 0 ? second : undefined;
  const chosen = targets.filter((device) => device !== undefined);
  await scene.everybodyConnected(fleet);
  const endNaps = scene.napping(fleet, [...chosen, pump, ...(worn === undefined ? [] : [worn])]);
  const ends = [endNaps];
  const checks: Check[] = [];
  try {
    checks.push(await attempt('a round trip per command', () => scene.checkCommands(chosen, api)));
    checks.push(await attempt('a rule fired', () => scene.checkRule(pump, api)));
    if (options.seconds !== null && worn !== undefined)
      checks.push(await attempt('the story of a pump', () => checkStory(worn, api)));
    for (const check of checks) if (!check.held) live.print(`${check.name}: ${check.detail}`);
    if (options.seconds === null) {
      ends.push(scene.shakingEverySoOften(pump, api));
      if (worn !== undefined) ends.push(tellingStory(worn, api, (text) => live.print(text)));
    }
    await sleepUntil(options.seconds === null ? null : startedAtMs + options.seconds * 1000);
  } finally {
    for (const end of ends) end();
  }
  return checks;
}

/** Wakes everybody and compares what the devices know with what the bridge knows. */
async function inspect(fleet: Fleet, api: BridgeApi, appliedBefore: number): Promise<Check[]> {
  fleet.stopMeasuring();
  for (const device of fleet.devices) device.connect();
  return [
    await attempt('all devices online', () => scene.checkOnline(fleet, api)),
    await attempt('every PUBACKed message applied', () => scene.checkApplied(fleet, api, appliedBefore)),
  ];
}

/** A check that cannot be made did not hold. */
async function attempt(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return { name, held: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function sleepUntil(atMs: number | null): Promise<void> {
  if (atMs === null) return new Promise<never>(() => {});
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())).unref());
}

/** Says goodbye and prints the summary; `checks` is null when the demo was interrupted before it could be checked. */
async function conclude(
  fleet: Fleet,
  options: DemoOptions,
  output: Output,
  checks: readonly Check[] | null,
): Promise<number> {
  const statistics = fleet.statistics();
  const isOk = checks?.every(({ held }) => held) ?? true;
  await fleet.stop();
  output.live.end();
  output.emit({
    event: 'summary',
    ok: isOk,
    interrupted: checks === null,
    seed: options.seed,
    ...statistics,
    checks,
  });
  if (!options.isJson) {
    process.stdout.write(`\n${formatStatistics(statistics, options.seed)}\n`);
    if (checks !== null) process.stdout.write(`\n${formatChecks(checks, process.stdout)}\n`);
  }
  if (checks === null) return options.seconds === null ? EXIT.ok : EXIT.interrupted;
  if (isOk) return EXIT.ok;
  const seeded = options.args.some((arg) => arg.startsWith('--seed'))
    ? options.args
    : [...options.args, '--seed', String(options.seed)];
  process.stderr.write(`Repeat with: npm run demo -- ${seeded.join(' ')}\n`);
  return EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`demo: ${isUsage ? error.message : asBridgeError(error).message}\n`);
  process.exitCode = isUsage ? EXIT.usage : EXIT.failed;
}
