/** `node training/gguf.ts <weights> <vocabulary.json> <model.gguf>`: the model's file, q8_0, of what the trainer wrote. */
import { readFileSync, writeFileSync } from 'node:fs';
import { writeGguf, type GgufField, type GgufWeights } from '../src/inference/embedded/gguf-writer.ts';
import { Vocabulary } from './generate/vocabulary-pieces.ts';

/** Longer prompts are not understood. */
const CONTEXT_TOKENS = 512;
const NORMAL = 1;
const CONTROL = 3;

export function modelFile(weightsFile: Uint8Array, merges: readonly string[]): Uint8Array {
  const copy = Uint8Array.from(weightsFile).buffer;
  const [layers = 0, width = 0, heads = 0, kvHeads = 0, feedForward = 0, size = 0] = new Int32Array(
    copy,
    0,
    6,
  );
  const weights = new Float32Array(copy, 24);
  const vocabulary = new Vocabulary(merges);
  if (vocabulary.tokens.length !== size)
    throw new Error(`weights for ${size} tokens, not ${vocabulary.tokens.length}`);
  let at = 0;
  const take = (name: string, rows: number, columns: number): GgufWeights => {
    const isVector = rows === 1;
    const taken = weights.subarray(at, (at += rows * columns));
    return {
      name: `${name}.weight`,
      type: isVector ? 'f32' : 'q8_0',
      dimensions: isVector ? [columns] : [columns, rows],
      weights: taken,
    };
  };
  const tensors = [take('token_embd', size, width)];
  const kvWidth = (width / heads) * kvHeads;
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string): string => `blk.${layer}.${name}`;
    tensors.push(
      take(of('attn_norm'), 1, width),
      take(of('attn_q'), width, width),
      take(of('attn_k'), kvWidth, width),
      take(of('attn_v'), kvWidth, width),
      take(of('attn_output'), width, width),
      take(of('ffn_norm'), 1, width),
      take(of('ffn_gate'), feedForward, width),
      take(of('ffn_up'), feedForward, width),
      take(of('ffn_down'), width, feedForward),
    );
  }
  tensors.push(take('output_norm', 1, width));
  if (at !== weights.length) throw new Error(`${weights.length - at} weights are left over`);
  return writeGguf(fieldsOf({ layers, width, heads, kvHeads, feedForward }, vocabulary), tensors);
}

interface Sizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
}

function fieldsOf(
  { layers, width, heads, kvHeads, feedForward }: Sizes,
  vocabulary: Vocabulary,
): Readonly<Record<string, GgufField>> {
  return {
    'general.architecture': 'llama',
    'general.name': 'mooring-rules',
    'general.license': 'MIT',
    'general.description':
      'Translates an English sentence and a device definition to a rule. Made by training/ of Mooring; docs/model.md.',
    'llama.vocab_size': { u32: vocabulary.tokens.length },
    'llama.context_length': { u32: CONTEXT_TOKENS },
    'llama.embedding_length': { u32: width },
    'llama.block_count': { u32: layers },
    'llama.feed_forward_length': { u32: feedForward },
    'llama.rope.dimension_count': { u32: width / heads },
    'llama.attention.head_count': { u32: heads },
    'llama.attention.head_count_kv': { u32: kvHeads },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
    'llama.rope.freq_base': { f32: 10_000 },
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': vocabulary.tokens,
    'tokenizer.ggml.token_type': {
      i32s: vocabulary.tokens.map((_, id) => (id === vocabulary.end ? CONTROL : NORMAL)),
    },
    'tokenizer.ggml.merges': vocabulary.merges,
    'tokenizer.ggml.eos_token_id': { u32: vocabulary.end },
    'tokenizer.ggml.bos_token_id': { u32: vocabulary.end },
    'tokenizer.ggml.add_bos_token': false,
  };
}

if (import.meta.main) {
  const [weights = '', merges = '', out = ''] = process.argv.slice(2);
  const file = modelFile(readFileSync(weights), JSON.parse(readFileSync(merges, 'utf8')) as string[]); // main.ts of the generator wrote it
  writeFileSync(out, file);
  console.log(`${out}: ${file.length} bytes`);
}
