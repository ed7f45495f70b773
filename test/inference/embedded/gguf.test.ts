import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BridgeError } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { fromHalf, toHalf } from '../../../src/inference/embedded/gguf.ts';
import { parseGguf, readModelFile } from '../../../src/inference/embedded/gguf-reader.ts';
import { writeGguf } from '../../../src/inference/embedded/gguf-writer.ts';
import { readLlama } from '../../../src/inference/embedded/llama-shape.ts';
import { readTokenizer } from '../../../src/inference/embedded/tokenizer.ts';
import { Random } from '../../fuzz/random.ts';
import { randomModel } from '../../support/random-model.ts';

const scratch = mkdtempSync(join(tmpdir(), 'mooring-gguf-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The field that reading `bytes` as a model complains about; undefined: it is a model. */
function complaint(bytes: Uint8Array): string | undefined {
  try {
    const file = parseGguf(bytes);
    readLlama(file, readTokenizer(file).vocabulary);
    return undefined;
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'BRG_MODEL_FILE') throw error;
    expect(error.message).toContain(error.details?.['field']);
    return String(error.details?.['field']);
  }
}

describe('a GGUF file', () => {
  it('gives back what was written, bit for bit of f32, the nearest of f16, within half a step of q8_0', () => {
    const weights = Float32Array.from({ length: 64 }, (_, n) => Math.sin(n) * (n < 32 ? 1 : 100));
    const fields = {
      name: 'käse',
      yes: true,
      n: { u32: 7 },
      x: { f32: 0.5 },
      list: ['a', ''],
      i: { i32s: [-1] },
    };
    const types = ['f32', 'f16', 'q8_0'] as const;
    const file = parseGguf(
      writeGguf(
        fields,
        types.map((type) => ({ name: type, type, dimensions: [32, 2], weights })),
      ),
    );
    expect(Object.fromEntries(file.fields)).toEqual({ ...fields, n: 7, x: 0.5, i: [-1] });
    const bytes = (name: string): DataView => {
      const tensor = file.tensors.get(name)!;
      expect(tensor.dimensions).toEqual([32, 2]);
      return new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
    };
    weights.forEach((weight, n) => {
      expect(bytes('f32').getFloat32(4 * n, true)).toBe(weight);
      expect(Math.abs(fromHalf(bytes('f16').getUint16(2 * n, true)) - weight)).toBeLessThanOrEqual(
        Math.abs(weight) / 2000,
      );
      const block = 34 * (n >> 5);
      const scale = fromHalf(bytes('q8_0').getUint16(block, true));
      const read = scale * bytes('q8_0').getInt8(block + 2 + (n & 31));
      expect(Math.abs(read - weight)).toBeLessThanOrEqual(0.6 * scale);
    });
  });

  it('has halves that are exact for every half, and ties to even between them', () => {
    for (let bits = 0; bits < 0x7c00; bits++) expect(toHalf(fromHalf(bits))).toBe(bits);
    for (const bits of [1, 2, 0x3c00, 0x3c01, 0x7bfe]) {
      const between = (fromHalf(bits) + fromHalf(bits + 1)) / 2;
      expect(toHalf(-between) & 0x7fff).toBe(bits % 2 === 0 ? bits : bits + 1);
    }
    expect([70_000, -Infinity, NaN].map(toHalf)).toEqual([0x7c00, 0xfc00, 0x7e00]);
  });

  it('is refused with its size when it is too large, before it is read', () => {
    const path = join(scratch, 'large.gguf');
    writeFileSync(path, '');
    truncateSync(path, limits.modelFileBytesMax + 1);
    expect(() => readModelFile(path)).toThrow(/size is \d+ bytes/);
    expect(() => readModelFile(join(scratch, 'none.gguf'))).toThrow(/ENOENT/);
    expect(() => readModelFile(scratch)).toThrow(/path/);
  });
});

describe('what is no model file', () => {
  const sound = randomModel({ layers: 1, width: 32, heads: 2, kvHeads: 1, feedForward: 32 });
  const edited = (edit: (view: DataView) => void): Uint8Array => {
    const copy = sound.slice();
    edit(new DataView(copy.buffer));
    return copy;
  };

  it('is told from one', () => {
    expect(complaint(sound)).toBeUndefined();
    expect(complaint(new TextEncoder().encode('<html>'.repeat(10)))).toBe('magic');
    expect(complaint(new Uint8Array(0))).toBe('magic');
    expect(complaint(edited((view) => view.setUint32(4, 9, true)))).toBe('version');
  });

  it('is refused for counts and lengths it cannot hold, and nothing is allocated by them', () => {
    const huge = 2n ** 63n - 1n;
    const before = process.memoryUsage().arrayBuffers;
    expect(complaint(edited((view) => view.setBigUint64(8, 4000n, true)))).toBe('tensor_count');
    expect(complaint(edited((view) => view.setBigUint64(8, huge, true)))).toBe('tensor_count');
    expect(complaint(edited((view) => view.setBigUint64(16, huge, true)))).toBe('metadata_kv_count');
    expect(complaint(edited((view) => view.setBigUint64(24, huge, true)))).toBe('name of field 0');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  it.each([
    [{ 'general.architecture': 'gpt2' }, 'general.architecture'],
    [{ 'llama.embedding_length': { u32: 48 } }, 'llama.embedding_length'],
    [{ 'llama.block_count': { u32: 0 } }, 'llama.block_count'],
    [{ 'llama.block_count': { u32: 3 } }, 'blk.1.attn_norm.weight'],
    [{ 'llama.attention.head_count_kv': { u32: 3 } }, 'llama.attention.head_count_kv'],
    [{ 'llama.attention.layer_norm_rms_epsilon': { f32: NaN } }, 'llama.attention.layer_norm_rms_epsilon'],
    [{ 'llama.feed_forward_length': { u32: 64 } }, 'blk.0.ffn_gate.weight'],
    [{ 'general.alignment': { u32: 3 } }, 'general.alignment'],
    [{ 'tokenizer.ggml.model': 'llama' }, 'tokenizer.ggml.model'],
    [{ 'tokenizer.ggml.tokens': ['a'] }, 'tokenizer.ggml.token_type'],
    [{ 'tokenizer.ggml.merges': ['a q1'] }, 'tokenizer.ggml.merges'],
    [{ 'tokenizer.ggml.eos_token_id': { u32: 288 } }, 'tokenizer.ggml.eos_token_id'],
    [{ 'llama.rope.scaling.factor': { f32: 2 } }, 'llama.rope.scaling.factor'],
  ] as const)('%j is said to be wrong', (fields, field) => {
    const bytes = randomModel({ layers: 1, width: 32, heads: 2, kvHeads: 1, feedForward: 32, fields });
    expect(complaint(bytes)).toBe(field);
  });

  it('is a file that names a tensor twice, or puts it behind the end', () => {
    const weights = new Float32Array(32);
    const twice = { name: 'a', type: 'f32', dimensions: [32], weights } as const;
    expect(complaint(writeGguf({}, [twice, twice]))).toBe('a');
    expect(complaint(sound.subarray(0, sound.length - 64))).toMatch(/weight$/);
  });

  it('is found at every cut and in 3,000 damaged files, with no other error (seed 7)', () => {
    for (let length = 0; length < sound.length; length += 97)
      expect(complaint(sound.subarray(0, length))).not.toBeUndefined();
    const random = new Random(7);
    const head = 9000; // fields and tensor list; weights are any bytes
    let refused = 0;
    for (let run = 0; run < 3000; run++) {
      const bytes = sound.slice();
      const view = new DataView(bytes.buffer);
      for (let edits = 1 + random.below(3); edits > 0; edits--) {
        const at = random.below(head);
        const kind = random.below(3);
        if (kind === 0) view.setUint8(at, random.below(256));
        if (kind === 1) view.setBigUint64(at, 2n ** BigInt(random.below(64)), true);
        if (kind === 2) bytes.copyWithin(at, random.below(head), random.below(head));
      }
      if (complaint(bytes) !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
