/**
 * llama.cpp through node-llama-cpp, to be compared with. It is no dependency: it is taken from a folder that
 * MOORING_LLAMA_CPP names. 85 MB instead of 725 (https://node-llama-cpp.withcat.ai):
 *
 *   mkdir peer && cd peer && npm init -y
 *   npm i --omit=optional --ignore-scripts node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Of node-llama-cpp what is used here. */
interface Library {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<PeerModel> }>;
}

interface PeerModel {
  createContext(options: object): Promise<PeerContext>;
  dispose(): Promise<void>;
}

interface PeerContext {
  getSequence(): PeerSequence;
  dispose(): Promise<void>;
}

interface PeerSequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
  clearHistory(): Promise<void>;
}

/** A model in llama.cpp, one thread. */
export interface Peer {
  /** Tokens after each prompt, so many at a time as there are sequences; temperature 0 is greedy. */
  generate(prompts: readonly (readonly number[])[], count: number, temperature: number): Promise<number[][]>;
  close(): Promise<void>;
}

/** undefined where MOORING_LLAMA_CPP names no folder that has it. */
export async function openPeer(
  modelPath: string,
  sequences: number,
  contextTokens: number,
): Promise<Peer | undefined> {
  const folder = process.env['MOORING_LLAMA_CPP'] ?? '';
  const path = join(folder, 'node_modules/node-llama-cpp/dist/index.js');
  if (folder === '' || !existsSync(path)) return undefined;
  const { getLlama } = (await import(pathToFileURL(path).href)) as Library; // version 3.22
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: contextTokens, sequences, threads: 1 });
  const free = Array.from({ length: sequences }, () => context.getSequence());
  return {
    generate: async (prompts, count, temperature) => {
      const answers: number[][] = prompts.map(() => []);
      const left = [...prompts.entries()];
      const work = async (sequence: PeerSequence): Promise<void> => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const [index, prompt] = next;
          await sequence.clearHistory();
          // Also the token that ends an answer is one: all answers are of the same length.
          const options = { temperature, yieldEogToken: true };
          for await (const token of sequence.evaluate(prompt, options)) {
            if (answers[index]?.push(token) === count) break;
          }
        }
      };
      await Promise.all(free.map(work));
      return answers;
    },
    close: async () => {
      await context.dispose();
      await model.dispose();
    },
  };
}
