import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateText } from 'ai';
import { describe, expect, it } from 'vitest';
import type { BridgeError } from '../../../src/base/errors.ts';
import { jsonPattern } from '../../../src/inference/embedded/json-pattern.ts';
import { ModelHost, resolveModel } from '../../../src/inference/index.ts';
import { gbnf } from '../../../src/inference/llama-cpp/gbnf.ts';
import { LlamaCppEngine } from '../../../src/inference/llama-cpp/llama-engine.ts';
import type {
  LlamaHistoryItem,
  LlamaPeer,
  LlamaPromptOptions,
} from '../../../src/inference/llama-cpp/llama-peer.ts';

/** A peer that says what it was asked. */
function scriptedPeer() {
  const seen: { history: LlamaHistoryItem[]; text: string; options: LlamaPromptOptions; grammar?: string }[] =
    [];
  const sequence = { tokenMeter: { usedInputTokens: 0, usedOutputTokens: 0 } };
  const peer: LlamaPeer = {
    getLlama: (options) => {
      expect(options).toMatchObject({ gpu: false, maxThreads: 1 });
      return Promise.resolve({
        loadModel: ({ modelPath }) =>
          modelPath.includes('broken')
            ? Promise.reject(new Error('invalid magic'))
            : Promise.resolve({
                createContext: () => Promise.resolve({ getSequence: () => sequence }),
                dispose: () => Promise.resolve(),
              }),
        createGrammar: (grammar) => Promise.resolve(grammar),
      });
    },
    LlamaChatSession: class {
      #history: LlamaHistoryItem[] = [];
      setChatHistory(history: LlamaHistoryItem[]): void {
        this.#history = history;
      }
      promptWithMeta(text: string, options: LlamaPromptOptions) {
        const { grammar } = (options.grammar ?? {}) as { grammar?: string };
        seen.push({ history: this.#history, text, options, ...(grammar === undefined ? {} : { grammar }) });
        for (const piece of ['it is ', 'warm']) options.onTextChunk(piece);
        sequence.tokenMeter.usedInputTokens += 12;
        sequence.tokenMeter.usedOutputTokens += 3;
        return Promise.resolve({ responseText: 'it is warm', stopReason: 'eogToken' });
      }
      dispose(): void {}
    },
  };
  return { peer, seen };
}

describe('a model of llama.cpp', () => {
  it('is told the chat, the limits and the grammar, and its pieces and tokens come back', async () => {
    const { peer, seen } = scriptedPeer();
    const engine = new LlamaCppEngine('/models/big.gguf', () => Promise.resolve(peer));
    const pieces: string[] = [];
    const prompt = [
      { role: 'system', text: 'be brief' },
      { role: 'user', text: 'hello' },
      { role: 'assistant', text: 'yes?' },
      { role: 'user', text: 'how warm?' },
    ] as const;
    const request = {
      agent: 'a/1',
      prompt,
      maxTokens: 50,
      pattern: { oneOf: ['a"b', { from: '0', to: '9' }] },
    };
    const { text, reason, usage } = await engine.generate(request, { onText: (piece) => pieces.push(piece) });
    expect([text, reason, pieces]).toEqual(['it is warm', 'stop', ['it is ', 'warm']]);
    expect(usage).toMatchObject({ promptTokens: 12, outputTokens: 3 });
    expect(seen[0]).toMatchObject({
      text: 'how warm?',
      history: [
        { type: 'system', text: 'be brief' },
        { type: 'user', text: 'hello' },
        { type: 'model', response: ['yes?'] },
      ],
      grammar: 'root ::= ("a\\x22b" | [\\x30-\\x39])\n',
    });
  });

  it('says which file it cannot open', async () => {
    const engine = new LlamaCppEngine('/models/broken.gguf', () => Promise.resolve(scriptedPeer().peer));
    const failed = engine.generate({ agent: 'a/1', prompt: 'x', maxTokens: 1 });
    await expect(failed).rejects.toMatchObject({
      code: 'BRG_MODEL_FILE',
      message: expect.stringContaining('invalid magic') as string,
    });
  });

  it('teaches how to install the package where it is missing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mooring-llama-'));
    const file = join(directory, 'x.gguf');
    writeFileSync(file, '');
    const host = new ModelHost();
    const model = resolveModel(`llama.cpp:${file}`, host, { agent: 'a/1' });
    const error: unknown = await generateText({ model, prompt: 'x', maxRetries: 0 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'BRG_MODEL_SPEC' });
    expect((error as BridgeError).message).toContain('npm install --omit=optional');
    host.close();
    rmSync(directory, { recursive: true });
  });

  it('writes each kind of pattern as the grammar knows it', () => {
    const pattern = jsonPattern({
      type: 'object',
      properties: { on: { type: 'boolean' }, n: { type: 'integer' } },
      required: ['on'],
    });
    expect(gbnf(pattern)).toMatch(
      /^root ::= \("\{" \(\("\\x22on\\x22:" \("true" \| "false"\)\) .*\{0,1\}.* "\}"\)\n$/,
    );
    expect(gbnf({ sequence: [{ kind: 'beyond-ascii' }, { repeat: 'é', min: 2 }] })).toBe(
      'root ::= ([^\\x00-\\x7F] ("é"){2,})\n',
    );
  });
});
