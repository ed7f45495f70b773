/**
 * CPU time a generated token of the embedded engine and of llama.cpp (node-llama-cpp, one thread), on the same random
 * model of the shipped one's size, in turns: one agent, and 32 with a shared prompt. Prompts are read anew each
 * round, their time counts. And a cold process from its start to its first token, against one that does nothing.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../src/inference/embedded/engine.ts';
import { engineOf } from '../../src/inference/embedded/open-engine.ts';
import { randomModel } from '../support/random-model.ts';
import { openPeer, type Peer } from './llama-peer.ts';
import { projectRoot } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { spread, whole, type Outcome } from './report.ts';
import { median } from './statistics.ts';

/** Tokens of the prompt; of them in blocks that all agents share: what differs comes last. */
const PROMPT_TOKENS = 85;
const SHARED_TOKENS = 80;
const NEW_TOKENS = 64;
const CONTEXT_TOKENS = 256;
const TEMPERATURE = 0.8;
const AGENTS = [1, 32] as const;
/** What issue 7 asks for: our CPU time over llama.cpp's. */
const TARGETS: Readonly<Record<number, number>> = { 1: 0.4, 32: 0.15 };
const COLD_RUNS = 5;
const BLOCK = 16;

interface Round {
  readonly agents: number;
  readonly subject: 'embedded' | 'llama.cpp';
  readonly usPerToken: number;
}

export async function benchInference(options: BenchOptions): Promise<Outcome> {
  const bytes = randomModel({ width: 128, layers: 4, feedForward: 384, contextTokens: CONTEXT_TOKENS });
  const path = join(options.scratch, 'model.gguf');
  writeFileSync(path, bytes);
  const engine = engineOf(bytes);
  const rounds: Round[] = [];
  for (const agents of AGENTS) {
    const peer = await openPeer(path, agents, CONTEXT_TOKENS * agents);
    // The first warms up: kernels are compiled in two tiers.
    for (let round = -1; round < options.rounds; round++) {
      const both = await measure(engine, peer, agents);
      if (round >= 0) rounds.push(...both);
      options.progress(
        both.map(({ subject, usPerToken }) => `${agents} x ${subject} ${whole(usPerToken)} us`).join(', '),
      );
    }
    await peer?.close();
  }
  return summarize(options, bytes.length, rounds, coldStarts(path));
}

async function measure(engine: Engine, peer: Peer | undefined, agents: number): Promise<Round[]> {
  const prompts = Array.from({ length: agents }, (_, agent) => promptOf(agent));
  const rounds: Round[] = [];
  const timed = async (subject: Round['subject'], work: () => void | Promise<unknown>): Promise<void> => {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    rounds.push({ agents, subject, usPerToken: (user + system) / (agents * NEW_TOKENS) });
  };
  await timed('embedded', () => generate(engine, prompts));
  if (peer !== undefined) await timed('llama.cpp', () => peer.generate(prompts, NEW_TOKENS, TEMPERATURE));
  return rounds;
}

function promptOf(agent: number): number[] {
  return Array.from(
    { length: PROMPT_TOKENS },
    (_, at) => (at < SHARED_TOKENS ? at * 37 : at * 11 + agent) % 256,
  );
}

type Row = [sequence: number, token: number, position: number, isWanted: number];

/** All agents in one batch a step; what they share is read once. */
function generate(engine: Engine, prompts: readonly (readonly number[])[]): void {
  const sharedBlocks = SHARED_TOKENS / BLOCK;
  const ownBlocks = Math.ceil((PROMPT_TOKENS + NEW_TOKENS) / BLOCK) - sharedBlocks;
  const tables = prompts.map((_, agent) =>
    Int32Array.from({ length: sharedBlocks + ownBlocks }, (__, index) =>
      index < sharedBlocks ? index : index + agent * ownBlocks,
    ),
  );
  const step = (rows: readonly Row[]): Int32Array => {
    const count = rows.filter(([, , , isWanted]) => isWanted === 1).length;
    return engine.step({
      rows: Int32Array.from(rows.flat()),
      tables,
      masks: Array<undefined>(count).fill(undefined),
      temperatures: new Float32Array(count).fill(TEMPERATURE),
      seeds: Uint32Array.from({ length: count }, (_, index) => index),
      targets: new Int32Array(count).fill(-1),
    }).tokens;
  };
  const rowsOf = (tokens: readonly number[], sequence: number, first: number): Row[] =>
    tokens.map((token, index) => [
      sequence,
      token,
      first + index,
      first + index === PROMPT_TOKENS - 1 ? 1 : 0,
    ]);
  step(rowsOf(prompts[0]?.slice(0, SHARED_TOKENS) ?? [], 0, 0));
  let tokens = step(
    prompts.flatMap((prompt, agent) => rowsOf(prompt.slice(SHARED_TOKENS), agent, SHARED_TOKENS)),
  );
  for (let index = 1; index < NEW_TOKENS; index++) {
    const position = PROMPT_TOKENS + index - 1;
    tokens = step(Array.from(tokens, (token, agent): Row => [agent, token, position, 1]));
  }
}

interface ColdStart {
  /** From before the file is read to its first token, within the process. */
  readonly firstTokenMs: number;
  /** CPU time meanwhile, of all its threads. */
  readonly cpuMs: number;
}

/** Each in a process of its own; a prompt of as many tokens as above. */
function coldStarts(path: string): ColdStart[] {
  const program = `
    const startMs = performance.now();
    const before = process.cpuUsage();
    const { openEngine } = await import(${JSON.stringify(join(projectRoot, 'src/inference/embedded/open-engine.ts'))});
    const engine = openEngine(${JSON.stringify(path)});
    const prompt = Array.from({ length: ${PROMPT_TOKENS} }, (_, at) => [0, at, at, at === ${PROMPT_TOKENS - 1} ? 1 : 0]);
    engine.step({
      rows: Int32Array.from(prompt.flat()), tables: [Int32Array.of(0, 1, 2, 3, 4, 5)], masks: [undefined],
      temperatures: Float32Array.of(0), seeds: Uint32Array.of(0), targets: Int32Array.of(-1),
    });
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ firstTokenMs: performance.now() - startMs, cpuMs: (user + system) / 1000 }));`;
  return Array.from({ length: COLD_RUNS }, () => {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    return JSON.parse(output) as ColdStart; // what the program prints
  });
}

function summarize(
  options: BenchOptions,
  modelBytes: number,
  rounds: readonly Round[],
  colds: readonly ColdStart[],
): Outcome {
  const of = (agents: number, subject: Round['subject']): number[] =>
    rounds
      .filter((round) => round.agents === agents && round.subject === subject)
      .map(({ usPerToken }) => usPerToken);
  const us = (values: readonly number[]): string =>
    values.length === 0 ? '-' : `${whole(median(values))} us (${spread(values, whole)})`;
  const cpuMs = median(colds.map((cold) => cold.cpuMs));
  const summary: Record<string, number> = {
    firstTokenMs: median(colds.map(({ firstTokenMs }) => firstTokenMs)),
    coldCpuMs: cpuMs,
  };
  const rows = AGENTS.map((agents) => {
    const ours = of(agents, 'embedded');
    const theirs = of(agents, 'llama.cpp');
    const ratio = theirs.length === 0 ? NaN : median(ours) / median(theirs);
    summary[`usPerToken embedded ${agents}`] = median(ours);
    if (theirs.length > 0) {
      summary[`usPerToken llama.cpp ${agents}`] = median(theirs);
      summary[`ratio ${agents}`] = ratio;
    }
    const shown = Number.isNaN(ratio) ? '-' : `${ratio.toFixed(3)}x`;
    return [String(agents), us(ours), us(theirs), shown, `${TARGETS[agents]}x`];
  });
  const isAlone = of(1, 'llama.cpp').length === 0;
  return {
    tables: [
      {
        title: 'CPU time a generated token, prompt included; median (least - most)',
        columns: ['agents', 'embedded, int8', 'llama.cpp', 'ratio', 'asked'],
        rows,
      },
    ],
    notes: [
      `A random model of ${whole(modelBytes)} bytes (Q8_0, 4 layers of 128); prompts of ${PROMPT_TOKENS} tokens, ${SHARED_TOKENS} of them shared; ${NEW_TOKENS} new ones at temperature ${TEMPERATURE}.`,
      isAlone
        ? 'llama.cpp was not found: MOORING_LLAMA_CPP names a folder with node-llama-cpp (test/bench/llama-peer.ts says how).'
        : 'llama.cpp is node-llama-cpp 3.22 with one thread and a sequence an agent, which reads each prompt itself; CPU time is that of the whole process while it was its turn.',
      `Cold: ${whole(summary['firstTokenMs'] ?? NaN)} ms from loading the code to the first token behind the prompt (${COLD_RUNS} processes, ${spread(
        colds.map(({ firstTokenMs }) => firstTokenMs),
        whole,
      )}), ${whole(cpuMs)} ms of CPU time; asked are 300 ms.`,
    ],
    settings: { rounds: options.rounds, promptTokens: PROMPT_TOKENS, newTokens: NEW_TOKENS, modelBytes },
    summary,
    rounds: [...rounds, ...colds],
  };
}
