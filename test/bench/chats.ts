/**
 * What 50 chats that stream at once cost the others: delay of the event loop in the main thread and in the shard's, and
 * PUBACK latency of a device, against the same bridge without chats. The models are local OpenAI-compatible endpoints
 * that say a word every 20 ms; seven of them, because a bridge sends eight requests at a time to one.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { AgentClient } from '../../src/client/index.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { call } from './ask.ts';
import { projectRoot } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { whole, type Outcome } from './report.ts';
import { median, quantile } from './statistics.ts';
import { startIdleLoop, type Delays } from './idle-loop.ts';
import { startBridge, type Subject } from './subject.ts';
import { threadShares, threadTimes, type ThreadShare } from './threads.ts';

const CHATS = 50;
const ENDPOINTS = 7;
const WORD_MS = 20;
const PUBLISH_MS = 5;
const WARM_UP_MS = 1500;
const TARGET_MS = 10;

interface Round {
  readonly chats: number;
  /** A second, that reached the clients, and in how many frames. */
  readonly words: number;
  readonly frames: number;
  readonly main: Delays;
  readonly shard: Delays;
  /** Of a process that does nothing, at the same time. */
  readonly control: Delays;
  /** Of the bridge, the busiest first. */
  readonly threads: readonly ThreadShare[];
  /** Of models, clients and the device. */
  readonly generatorCpu: number;
  readonly pubackP50Ms: number;
  readonly pubackP99Ms: number;
}

export async function benchChats(options: BenchOptions): Promise<Outcome> {
  const say = { text: Array.from({ length: 100_000 }, () => 'word ') };
  const servers = await Promise.all(
    Array.from({ length: ENDPOINTS }, () =>
      startModelServer(({ gone }) => {
        const over = gone.then(() => Promise.reject(new Error('nobody listens any more')));
        over.catch(() => undefined); // by then the gate may not be waited for
        return { ...say, gate: () => Promise.race([sleep(WORD_MS), over]) };
      }),
    ),
  );
  const devices = join(options.scratch, 'devices.ts');
  writeFileSync(devices, devicesModule(servers));
  const dataDir = join(options.scratch, 'chats');
  mkdirSync(dataDir);
  const subject = await startBridge(dataDir, ['--devices', devices]);
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    rounds.push(await measured(subject, 0, options), await measured(subject, CHATS, options));
    options.progress(`round ${index + 1} of ${options.rounds}`);
  }
  await subject.stop();
  for (const server of servers) await server[Symbol.asyncDispose]();
  return summarize(options, rounds);
}

/** Each thread that loads it measures itself; the shard's asks the main one. */
function devicesModule(servers: readonly ModelServer[]): string {
  const classes = servers.map(
    ({ url }, n) =>
      `class T${n} extends DeviceChatAgent { static options = { model: 'openai-compatible:${url}#m' }; }`,
  );
  const models = servers.map((_, n) => `{ ...thing, model: 't${n}', agent: 't${n}' }`);
  return `import { isMainThread } from 'node:worker_threads';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Agent, DeviceChatAgent, defineDevice, numeric } from ${JSON.stringify(join(projectRoot, 'src/index.ts'))};
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const ms = (ns) => Math.max(0, ns / 1e6 - 1);
const read = () => {
  const said = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) };
  delay.reset();
  return said;
};
const channel = new BroadcastChannel('delays');
channel.unref();
if (isMainThread) channel.onmessage = ({ data }) => data === 'read' && channel.postMessage(read());
class Meter extends Agent {
  static callables = { delays: {} };
  async delays() {
    const shard = read();
    const main = new Promise((resolve) => (channel.onmessage = ({ data }) => resolve(data)));
    channel.postMessage('read');
    return { shard, main: await main };
  }
}
${classes.join('\n')}
const thing = { description: 'a thing', metrics: [numeric('x', { min: 0, max: 1e9 })], sample: { x: 1 } };
export const definitions = [${models.join(', ')}].map((one) => defineDevice(one));
export const agents = { meter: Meter, ${servers.map((_, n) => `t${n}: T${n}`).join(', ')} };
`;
}

async function measured(subject: Subject, chats: number, { seconds }: BenchOptions): Promise<Round> {
  let words = 0;
  let frames = 0;
  const clients = Array.from({ length: chats }, (_, n) => {
    return new AgentClient({
      host: subject.httpUrl,
      model: `t${n % ENDPOINTS}`,
      id: `c${n}`,
      onFrame: (frame) => {
        if (frame.type !== 'cf_agent_use_chat_response') return;
        frames++;
        words += wordsIn(frame.body);
      },
    });
  });
  await Promise.all(clients.map((client) => client.ready));
  for (const client of clients) {
    const messages = [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'talk' }] }];
    client.sendFrame({ type: 'cf_agent_chat_clear' });
    client.sendFrame({
      type: 'cf_agent_use_chat_request',
      id: 'r1',
      init: { method: 'POST', body: JSON.stringify({ messages }) },
    });
  }
  await sleep(WARM_UP_MS);
  await call(subject, 'meter/m', 'delays');
  const idle = await startIdleLoop();
  const before = threadTimes(subject.pid);
  const generator = process.cpuUsage();
  const startMs = performance.now();
  [words, frames] = [0, 0];
  const latencies = await pubacks(subject, seconds * 1000);
  const said = { words: words / seconds, frames: frames / seconds };
  const { user, system } = process.cpuUsage(generator);
  const tookMs = performance.now() - startMs;
  const threads = threadShares(before, threadTimes(subject.pid), tookMs);
  const control = await idle.read();
  const delays = (await call(subject, 'meter/m', 'delays')) as { main: Delays; shard: Delays }; // the module above
  for (const client of clients) {
    client.sendFrame({ type: 'cf_agent_chat_request_cancel', id: 'r1' });
    client.close();
  }
  return {
    chats,
    ...said,
    ...delays,
    control,
    threads,
    generatorCpu: (user + system) / 1000 / tookMs,
    pubackP50Ms: quantile(latencies, 0.5),
    pubackP99Ms: quantile(latencies, 0.99),
  };
}

/** In one chunk of an answer. */
function wordsIn(body: unknown): number {
  const { type, delta } = body as { type?: unknown; delta?: unknown }; // a chunk of the AI SDK, or a text
  return type === 'text-delta' ? String(delta).split(' ').length - 1 : 0;
}

/** QoS 1, one message after the other at a steady pace. */
async function pubacks(subject: Subject, forMs: number): Promise<number[]> {
  const device = await connectAsync(`mqtt://127.0.0.1:${subject.mqttPort}`);
  const latencies: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await sleep(PUBLISH_MS)) {
    const sentMs = performance.now();
    await device.publishAsync('devices/t0/p/telemetry', `{"x":${latencies.length}}`, { qos: 1 });
    latencies.push(performance.now() - sentMs);
  }
  await device.endAsync();
  return latencies;
}

function summarize(options: BenchOptions, rounds: readonly Round[]): Outcome {
  const of = (chats: number, pick: (round: Round) => number): number =>
    median(rounds.filter((round) => round.chats === chats).map(pick));
  const row = (what: string, pick: (round: Round) => number): string[] => [
    what,
    ...[0, CHATS].map((chats) => of(chats, pick).toFixed(2)),
  ];
  const main = of(CHATS, (round) => round.main.p99Ms);
  const shard = of(CHATS, (round) => round.shard.p99Ms);
  return {
    tables: [
      {
        title: `${options.rounds} rounds of ${options.seconds} s, ms`,
        columns: ['', 'no chats', `${CHATS} chats`],
        rows: [
          row('main thread, delay p50', ({ main }) => main.p50Ms),
          row('main thread, delay p99', ({ main }) => main.p99Ms),
          row('main thread, delay max', ({ main }) => main.maxMs),
          row('shard thread, delay p50', ({ shard }) => shard.p50Ms),
          row('shard thread, delay p99', ({ shard }) => shard.p99Ms),
          row('shard thread, delay max', ({ shard }) => shard.maxMs),
          row('idle process, delay p99', ({ control }) => control.p99Ms),
          row('PUBACK p50', ({ pubackP50Ms }) => pubackP50Ms),
          row('PUBACK p99', ({ pubackP99Ms }) => pubackP99Ms),
        ],
      },
    ],
    notes: [
      `CPU, and time ready to run without a core, of the busiest threads with ${CHATS} chats: ${shares(rounds.at(-1))}`,
      `target: delay p99 <= ${TARGET_MS} ms in both threads while ${CHATS} chats stream`,
      `${whole(of(CHATS, ({ words }) => words))} words a second reached the clients in ${whole(of(CHATS, ({ frames }) => frames))} frames, of ${whole((CHATS * 1000) / WORD_MS)} that could`,
      'models, clients and the device share the machine with the bridge',
    ],
    settings: {
      chats: CHATS,
      endpoints: ENDPOINTS,
      wordMs: WORD_MS,
      publishMs: PUBLISH_MS,
      seconds: options.seconds,
    },
    summary: { mainP99Ms: main, shardP99Ms: shard, pubackP99Ms: of(CHATS, ({ pubackP99Ms }) => pubackP99Ms) },
    rounds,
  };
}

function shares(round: Round | undefined): string {
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  const threads = (round?.threads ?? []).slice(0, 3);
  const said = threads.map(({ name, cpu, waiting }) => `${name} ${percent(cpu)}, ${percent(waiting)}`);
  return `${said.join('; ')}; models, clients and the device ${percent(round?.generatorCpu ?? 0)}`;
}
