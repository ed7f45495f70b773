/** The compiled kernels (see kernels/), of which the build is taken that this machine's Node runs. */
import { readFileSync } from 'node:fs';

/** What kernels/index.ts exports; addresses and sizes are bytes of its memory. */
export interface Kernels {
  configureShape(
    layers: number,
    width: number,
    heads: number,
    kvHeads: number,
    headWidth: number,
    feedForward: number,
    vocabulary: number,
    normEpsilon: number,
    isFloat: boolean,
    contextTokens: number,
  ): void;
  configureWeights(
    embedding: number,
    outputNorm: number,
    output: number,
    layerTable: number,
    angles: number,
    kv: number,
  ): void;
  configureScratch(
    rowTable: number,
    choiceTable: number,
    resultTable: number,
    stream: number,
    wide: number,
    narrow: number,
    quantized: number,
    factors: number,
    scores: number,
    logits: number,
    logitRows: number,
  ): void;
  packMatrix(from: number, type: number, rows: number, columns: number, to: number, firstRow: number): void;
  packVector(from: number, type: number, count: number, to: number): void;
  step(rows: number): void;
}

/** `relaxed`: with relaxed SIMD, whose int8 dot product is one instruction. Both give the same results. */
export type KernelBuild = 'relaxed' | 'simd';

const FILES = { relaxed: 'kernels.wasm', simd: 'kernels-simd.wasm' } as const;

/** Memory the kernels and TypeScript share. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
}

/** Of WebAssembly what is used here: the types of Node have no more than its name. */
interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  readonly Memory: new (size: { initial: number; maximum: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WebAssemblyApi }; // every Node has it

/** Memory of so many pages of 64 KiB, all zero; what is not touched takes none of the machine's. */
export function kernelMemory(pages: number): KernelMemory {
  return new wasm.Memory({ initial: pages, maximum: pages });
}

/** The kernels on this memory; `build` is for tests: without it the fastest that runs. */
export function loadKernels(memory: KernelMemory, build?: KernelBuild): Kernels {
  const relaxed = readFileSync(new URL(FILES.relaxed, import.meta.url));
  const isRelaxed = build === undefined ? wasm.validate(relaxed) : build === 'relaxed';
  const bytes = isRelaxed ? relaxed : readFileSync(new URL(FILES.simd, import.meta.url));
  const instance = new wasm.Instance(new wasm.Module(bytes), { env: { memory } });
  return instance.exports as Kernels; // what its source exports
}
