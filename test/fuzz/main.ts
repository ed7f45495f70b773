/** `npm run fuzz`: seeded, structure-aware hostile input for as long as asked; says what became of the process. */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BrokerFuzz } from './broker-fuzz.ts';
import { fuzzPayload, type Form } from './payload-fuzz.ts';
import { Random } from './random.ts';

const HELP = `npm run fuzz [-- options]

  --packets N    MQTT packets against the broker (10,000,000)
  --payloads N   payloads and frames against the decoders, each of JSON and CBOR (1,000,000)
  --seed N       what it draws repeats with its seed (1)
  --json         one object instead of lines
  --help         this text

Fails when anything throws that is no refusal, when an honest client is not served, when a turn of the event
loop takes more than 100 ms of CPU, or when memory grows by more than 50 MB.`;

const HANG_MS = 100;
const GROWTH_BYTES = 50e6;
const REPORT_MS = 5000;
const WARM_UP_PACKETS = 200_000;

interface Outcome {
  readonly what: string;
  readonly count: number;
  readonly seconds: number;
  readonly stallMaxMs: number;
  readonly grownBytes: number;
}

async function measured(what: string, run: () => Promise<number>): Promise<Outcome> {
  collectGarbage();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
  const stalls = new Stalls();
  const startMs = performance.now();
  const count = await run();
  const seconds = (performance.now() - startMs) / 1000;
  collectGarbage();
  const after = process.memoryUsage().heapUsed + process.memoryUsage().external;
  return { what, count, seconds, stallMaxMs: stalls.stop(), grownBytes: after - before };
}

/** How much CPU the process uses between two turns of the event loop; unlike its delay, that is the same on a busy machine. */
class Stalls {
  #maxMs = 0;
  #last = process.cpuUsage();
  readonly #timer = setInterval(() => this.#note(), 1);

  #note(): void {
    const { user, system } = process.cpuUsage(this.#last);
    this.#last = process.cpuUsage();
    this.#maxMs = Math.max(this.#maxMs, (user + system) / 1000);
  }

  /** @returns the longest, in ms */
  stop(): number {
    this.#note();
    clearInterval(this.#timer);
    return this.#maxMs;
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)(); // the flag brings it
}

/** The broker stays while its memory is measured. What it loads and compiles with its first packets does not count. */
async function fuzzBroker(packets: number, seed: number): Promise<Outcome> {
  const fuzz = await BrokerFuzz.start(seed);
  const until = async (count: number): Promise<number> => {
    while (fuzz.packets < count) {
      await fuzz.round();
      report(fuzz.packets, packets);
    }
    return fuzz.packets;
  };
  const report = reporter('packets');
  const warm = await until(Math.min(WARM_UP_PACKETS, packets / 10));
  const outcome = await measured('packets', () => until(packets));
  await fuzz.stop();
  return { ...outcome, count: outcome.count - warm };
}

async function fuzzPayloads(form: Form, count: number, seed: number): Promise<number> {
  const random = new Random(seed);
  const report = reporter(`${form} payloads`);
  for (let n = 0; n < count; n++) {
    fuzzPayload(form, random);
    if (n % 200 !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve)); // so that the loop's delay is that of some payloads
    report(n, count);
  }
  return count;
}

function reporter(what: string): (done: number, all: number) => void {
  let saidMs = performance.now();
  return (done, all) => {
    if (performance.now() - saidMs < REPORT_MS) return;
    saidMs = performance.now();
    console.error(`${what}: ${done.toLocaleString('en-US')} of ${all.toLocaleString('en-US')}`);
  };
}

/** Answers the exit code: 0 all contained, 1 something was not, 2 usage. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      packets: { type: 'string', default: '10000000' },
      payloads: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [packets, payloads, seed] = [Number(values.packets), Number(values.payloads), Number(values.seed)];
  if (![packets, payloads, seed].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    console.error('fuzz: --packets, --payloads and --seed take whole numbers; npm run fuzz -- --help');
    return 2;
  }
  const outcomes = [
    await fuzzBroker(packets, seed),
    await measured('json payloads', () => fuzzPayloads('json', payloads, seed)),
    await measured('cbor payloads', () => fuzzPayloads('cbor', payloads, seed)),
  ];
  if (values.json) console.log(JSON.stringify(outcomes));
  else outcomes.forEach((outcome) => console.log(sentence(outcome)));
  const isBad = outcomes.some((one) => one.stallMaxMs > HANG_MS || one.grownBytes > GROWTH_BYTES);
  return isBad ? 1 : 0;
}

function sentence({ what, count, seconds, stallMaxMs, grownBytes }: Outcome): string {
  const rate = Math.round(count / seconds).toLocaleString('en-US');
  return `${count.toLocaleString('en-US')} ${what} in ${seconds.toFixed(1)} s (${rate} a second), event loop held for ${stallMaxMs.toFixed(0)} ms of CPU at most, memory ${(grownBytes / 1e6).toFixed(1)} MB more`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error('fuzz:', error);
  process.exit(1);
}
