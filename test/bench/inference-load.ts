/**
 * The embedded engine beside a bridge: how much it delays the event loop of the thread that asks while it has more to
 * do than it can, and what 10,000 requests of 1,000 agents that sleep in between find: the model loaded, their own
 * memory, the beginning they share. Model: random weights of the size of the shipped one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineHost } from '../../src/inference/embedded/engine-host.ts';
import { EngineLink } from '../../src/inference/embedded/engine-link.ts';
import type { KvBlob } from '../../src/inference/embedded/chat-memory.ts';
import type { Generation } from '../../src/inference/embedded/generation.ts';
import { randomModel } from '../support/random-model.ts';
import { startIdleLoop, type Delays } from './idle-loop.ts';
import type { BenchOptions } from './options.ts';
import { ms, whole, type Outcome } from './report.ts';
import { median, quantile } from './statistics.ts';

const ASKERS = 64;
const ANSWER_TOKENS = 64;
const AGENTS = 1_000;
const REQUESTS = 10_000;
const TARGET_MS = 5;
const WARM_TARGET = 0.9999;

/** What all agents of a model begin with. */
const DEFINITION =
  'pump: vibration mm/s 0..50, pressure bar 0..16, rpm 0..6000, running; start, stop. '.repeat(3);

interface Saturated {
  readonly idle: Delays;
  readonly busy: Delays;
  readonly control: Delays;
  readonly tokensPerS: number;
}

export async function benchInferenceLoad(options: BenchOptions): Promise<Outcome> {
  const file = join(options.scratch, 'random.gguf');
  const shape = { layers: 4, width: 128, heads: 4, kvHeads: 2, feedForward: 384, contextTokens: 1024 };
  writeFileSync(file, randomModel(shape));
  const engines = new EngineHost();
  const link = new EngineLink(file, engines.connect);
  const startMs = performance.now();
  await link.generate({ agent: 'bench/first', prompt: 'x', maxTokens: 1 });
  const loadMs = performance.now() - startMs;
  const rounds: Saturated[] = [];
  for (let round = 0; round < options.rounds; round++) {
    rounds.push(await saturated(link, options.seconds));
    options.progress(`round ${round + 1} of ${options.rounds}`);
  }
  const fleet = await sleepingAgents(link);
  await sleep(50);
  const totals: Record<string, number> = {};
  engines.addTo(totals);
  await engines.close();
  return summarize(rounds, fleet, totals, loadMs, options);
}

/** The loop of this thread, which asks and hears every piece, without work and with more than the engine can do. */
async function saturated(link: EngineLink, seconds: number): Promise<Saturated> {
  const idle = await delaysDuring(() => sleep(seconds * 500));
  const control = await startIdleLoop();
  let tokens = 0;
  const until = performance.now() + seconds * 1000;
  const busy = await delaysDuring(() =>
    Promise.all(
      Array.from({ length: ASKERS }, async (_, asker) => {
        for (let turn = 0; performance.now() < until; turn++) {
          const prompt = `${DEFINITION}agent ${asker}, question ${turn}`;
          const onText = (): void => undefined;
          const asked = { agent: `bench/${asker}`, prompt, maxTokens: ANSWER_TOKENS, temperature: 0.8 };
          const { usage } = await link.generate(asked, { onText });
          tokens += usage.outputTokens;
        }
      }),
    ),
  );
  return { idle, busy, control: await control.read(), tokensPerS: tokens / seconds };
}

async function delaysDuring(work: () => Promise<unknown>): Promise<Delays> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  const over = (ns: number): number => Math.max(0, ns / 1e6 - 1);
  return { p50Ms: over(delay.percentile(50)), p99Ms: over(delay.percentile(99)), maxMs: over(delay.max) };
}

interface Fleet {
  readonly firstTokenMs: readonly number[];
  readonly kept: number;
  readonly keptBytes: number;
  readonly seconds: number;
}

/** Agents ask in turns, 32 at a time; each keeps its memory as it would in its file, and brings it with its next question. */
async function sleepingAgents(link: EngineLink): Promise<Fleet> {
  const kept = new Map<string, KvBlob>();
  const firstTokenMs: number[] = [];
  const startMs = performance.now();
  let next = 0;
  let keptBytes = 0;
  const ask = async (): Promise<void> => {
    while (next < REQUESTS) {
      const number = next++;
      const agent = `bench/sleeper-${(number * 7919) % AGENTS}`;
      const said = `${DEFINITION}${agent} knows ${'this and that of its past, '.repeat(4)}`;
      const answer: Generation = await link.generate(
        { agent, prompt: `${said} question`, maxTokens: 8 },
        { blob: kept.get(agent) },
      );
      firstTokenMs.push(answer.times.firstTokenMs);
      if (kept.has(agent)) continue;
      const blob = await link.save(agent);
      if (blob === undefined) continue;
      kept.set(agent, blob);
      keptBytes += blob.bytes.length;
    }
  };
  await Promise.all(Array.from({ length: 32 }, ask));
  return { firstTokenMs, kept: kept.size, keptBytes, seconds: (performance.now() - startMs) / 1000 };
}

function summarize(
  rounds: readonly Saturated[],
  fleet: Fleet,
  totals: Readonly<Record<string, number>>,
  loadMs: number,
  { seconds }: BenchOptions,
): Outcome {
  const p99 = (which: 'idle' | 'busy' | 'control'): number =>
    median(rounds.map((round) => round[which].p99Ms));
  const number = (name: string): number => totals[name] ?? 0;
  // The first question of all loads the model; it is not one of those measured.
  const warm = 1 - Math.max(0, number('engineCold') - 1) / REQUESTS;
  const restored = number('engineKvRestored') / (number('engineKvRestored') + number('engineKvDropped'));
  const summary = {
    loopP99IdleMs: p99('idle'),
    loopP99BusyMs: p99('busy'),
    loopP99ControlMs: p99('control'),
    tokensPerS: median(rounds.map(({ tokensPerS }) => tokensPerS)),
    cpuUsPerToken: (number('engineCpuMs') * 1000) / number('engineOutputTokens'),
    warmShare: warm,
    prefixHitShare: number('engineCachedTokens') / number('enginePromptTokens'),
    restoredShare: restored,
    firstTokenP50Ms: median(fleet.firstTokenMs),
    firstTokenP99Ms: quantile(fleet.firstTokenMs, 0.99),
    loadMs,
  };
  const row = (name: string, which: 'idle' | 'busy' | 'control'): string[] => [
    name,
    ms(median(rounds.map((round) => round[which].p50Ms))),
    ms(p99(which)),
    ms(Math.max(...rounds.map((round) => round[which].maxMs))),
  ];
  return {
    tables: [
      {
        title: `Delay of the event loop of the thread that asks, ${ASKERS} requests at all times (asked: p99 <= ${TARGET_MS} ms)`,
        columns: ['loop', 'p50', 'p99', 'max'],
        rows: [
          row('asking, engine saturated', 'busy'),
          row('the same without requests', 'idle'),
          row('a process that does nothing, meanwhile', 'control'),
        ],
      },
      {
        title: `${whole(REQUESTS)} requests of ${whole(AGENTS)} agents that sleep in between (asked: ${WARM_TARGET * 100} % warm)`,
        columns: ['what', 'value'],
        rows: [
          ['found the model loaded', `${(warm * 100).toFixed(2)} %`],
          ['tokens of prompts found in the cache', `${(summary.prefixHitShare * 100).toFixed(1)} %`],
          ['memories read back, of those brought', `${(restored * 100).toFixed(1)} %`],
          ['bytes of a memory', whole(fleet.keptBytes / Math.max(1, fleet.kept))],
          [
            'to the first token, p50 / p99',
            `${ms(summary.firstTokenP50Ms)} / ${ms(summary.firstTokenP99Ms)}`,
          ],
          ['requests a second', whole(REQUESTS / fleet.seconds)],
          ['CPU a token of output, prompts included', `${whole(summary.cpuUsPerToken)} us`],
        ],
      },
    ],
    notes: [
      `While saturated the engine wrote ${whole(summary.tokensPerS)} tokens a second; from no thread to the first token: ${ms(loadMs)}.`,
      'Every piece of every answer is heard by the measured thread; in a bridge that is a shard, not the one with the sockets.',
    ],
    settings: { askers: ASKERS, answerTokens: ANSWER_TOKENS, agents: AGENTS, requests: REQUESTS, seconds },
    summary,
    rounds,
  };
}
