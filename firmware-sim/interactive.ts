import { createInterface } from 'node:readline';
import { definitions } from '../devices/index.ts';
import { asBridgeError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import {
  EXIT,
  SEED_MAX,
  UsageError,
  brokerUrl,
  chooseModels,
  chooseSeed,
  parse,
  parseDuration,
} from './args.ts';
import { interruption } from './interruption.ts';
import { describeModel } from './list.ts';
import { SimulatedDevice } from './simulated-device.ts';
import { formatTable } from './summary.ts';

const HELP = `Runs one device and takes orders for it at a prompt, or from a pipe line by line.

Usage: npm run sim -- device <model> [options]

  --id <id>            its id (default sim-1)
  --broker <url>       broker (default mqtt://127.0.0.1:1883)
  --rate <n>           telemetry messages a second (default 1; 0: only on 'send')
  --encoding <name>    json or cbor (default: the model's, else json)
  --seed <n>           repeats the values of an earlier run
  --speed <n>          simulated seconds per second (default 1)
  --username, --password  for a broker that asks for them

Examples:
  npm run sim -- device greenhouse --id g7
  npm run sim -- device pump --encoding cbor --rate 0.2
  printf 'set temperature 39\\nwait 2s\\nstatus\\n' | npm run sim -- device greenhouse
`;

const PROMPT_HELP = `  set <metric> <value>  hold a sensor at a value, e.g. set temperature 30
  release <metric>      let physics have it back
  wear <part> <time>    a part wears out within that time of use, e.g. wear bearing 2m
  repair                worn parts are replaced
  send                  send one telemetry message now
  offline <time>        lose the network for a while, e.g. offline 30s
  reboot                power cut: RAM and unsent messages are lost
  status                what the device knows
  wait <time>           do nothing for a while (for scripts)
  help, quit
`;

/** `sim device`; returns the exit code. Throws UsageError. */
export async function deviceCommand(args: string[]): Promise<number> {
  const parsed = parse(args, {
    id: { type: 'string' },
    broker: { type: 'string' },
    rate: { type: 'string' },
    encoding: { type: 'string' },
    seed: { type: 'string' },
    speed: { type: 'string' },
    username: { type: 'string' },
    password: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (parsed.flag('help')) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const [model] = parsed.positionals;
  if (model === undefined) throw new UsageError('which model? For example: npm run sim -- device greenhouse');
  const [definition] = chooseModels(model, definitions);
  if (definition === undefined) throw new UsageError('which model?');
  const username = parsed.text('username');
  const password = parsed.text('password');
  const seed = parsed.number('seed', chooseSeed(), { min: 0, max: SEED_MAX, whole: true });
  const broker = brokerUrl(parsed.text('broker') ?? 'mqtt://127.0.0.1:1883');
  const device = new SimulatedDevice({
    definition,
    id: parsed.text('id') ?? 'sim-1',
    broker,
    codec: parsed.choice('encoding', definition.encoding ?? 'json', ['json', 'cbor']),
    seed,
    rate: parsed.number('rate', 1, { min: 0, max: 10_000 }),
    speed: parsed.number('speed', 1, { min: 0, max: 100_000 }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  process.stderr.write(`seed ${seed}\n${describeModel(definition)}\n`);
  return converse(device, broker);
}

async function converse(device: SimulatedDevice, broker: string): Promise<number> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (!(await comesOnline(device))) {
    process.stderr.write(
      `sim: cannot connect to ${broker}. Is the bridge running? Start it with: npm start\n`,
    );
    device.kill();
    return EXIT.cannotConnect;
  }
  device.start();
  say(`${device.model}/${device.id} is online at ${broker}; 'help' lists what you can do`);
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: '> ',
    terminal: process.stdin.isTTY,
  });
  const interrupt = interruption();
  let isInterrupted = false;
  let isClosed = false; // a pipe ends before its last line is done
  lines.once('close', () => (isClosed = true));
  const prompt = (): void => {
    if (process.stdin.isTTY && !isClosed) lines.prompt(true);
  };
  announce(device, (text) => {
    say(`${process.stdin.isTTY ? '\r' : ''}${text}`);
    prompt();
  });
  const onInterrupt = (): void => {
    isInterrupted = true;
    lines.close();
  };
  lines.on('SIGINT', onInterrupt); // readline takes Ctrl-C on a terminal
  void interrupt.happened.then(onInterrupt); // never rejects
  prompt();
  for await (const line of lines) {
    if (!(await obey(device, line.trim(), say))) break;
    prompt();
  }
  lines.close();
  interrupt.stopListening();
  device.stop();
  await device.disconnect();
  say(status(device));
  return isInterrupted ? EXIT.interrupted : EXIT.ok;
}

/** Whether the device got a connection within the time it may take. */
async function comesOnline(device: SimulatedDevice): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limits.simulatorConnectTimeoutMs);
    device.on('failure', (reason) => {
      if (!device.isOnline) process.stderr.write(`not connected: ${reason}\n`);
    });
    device.once('online', () => {
      clearTimeout(timer);
      resolve(true);
    });
    device.connect();
  });
}

function announce(device: SimulatedDevice, say: (text: string) => void): void {
  device.on('online', () => say('online'));
  device.on('offline', (reason) => say(`offline: ${reason}`));
  device.on('desired', (delta) => say(`desired ${JSON.stringify(delta)}`));
  device.on('dropped', (messages) => say(`${messages} unsent messages lost`));
  device.on('command', ({ name, cid, args, result }) =>
    say(`command ${name} ${JSON.stringify(args)} (${cid}) -> ${JSON.stringify(result)}`),
  );
}

/** Does what a line says; false to end. */
async function obey(device: SimulatedDevice, line: string, say: (text: string) => void): Promise<boolean> {
  const [order = '', ...rest] = line.split(/\s+/);
  try {
    switch (order) {
      case '':
        return true;
      case 'set':
        device.set(rest[0] ?? '', literal(rest.slice(1).join(' ')));
        return true;
      case 'release':
        device.release(rest[0] ?? '');
        return true;
      case 'wear':
        device.wear.begin(rest[0] ?? '', parseDuration(rest[1] ?? '', 'wear') / 1000);
        return true;
      case 'repair':
        device.wear.repair();
        return true;
      case 'send':
        device.measure();
        return true;
      case 'offline':
        device.drop(parseDuration(rest[0] ?? '', 'offline'));
        return true;
      case 'reboot':
        device.reboot();
        return true;
      case 'status':
        say(status(device));
        return true;
      case 'wait': {
        const waitMs = parseDuration(rest[0] ?? '', 'wait');
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        return true;
      }
      case 'help':
        say(`${PROMPT_HELP}\n${describeModel(device.definition)}`);
        return true;
      case 'quit':
      case 'exit':
        return false;
      default:
        say(`no order '${order}'; 'help' lists them`);
        return true;
    }
  } catch (error) {
    say(error instanceof UsageError ? error.message : asBridgeError(error).message);
    return true;
  }
}

/** `30` is a number, `true` a boolean, anything else text. */
function literal(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function status(device: SimulatedDevice): string {
  const { counters } = device;
  return formatTable([
    ['device', `${device.model}/${device.id} (${device.codec})`],
    ['connection', device.isOnline ? 'online' : 'offline'],
    ['boot', String(device.boot)],
    ['readings', JSON.stringify(device.readings())],
    ['reported', JSON.stringify(device.reportedState())],
    [
      'telemetry',
      `${counters.measured} measured, ${counters.acked} PUBACKed, ${device.pending} messages waiting, ${counters.dropped} dropped`,
    ],
    ['commands', `${counters.commands} answered, ${counters.commandsFailed} refused`],
    ['reconnects', String(counters.reconnects)],
  ]);
}
