/** What a file with a model may hold, and what memory it may take. See limits.ts. */
import { MiB } from './units.ts';

export const modelFileLimits = {
  // --- model files ----------------------------------------------------------------------------------
  /** Bytes of a GGUF file: models of up to some hundred million weights; larger ones are for other engines. */
  modelFileBytesMax: 512 * MiB,
  /** Fields of its head, tensors: ten times what a model of 32 layers has. */
  modelFileFieldsMax: 1_024,
  modelFileTensorsMax: 4_096,
  /** Bytes of a name, and of a text such as a chat template. */
  modelFileNameBytesMax: 256,
  modelFileTextBytesMax: 1 * MiB,
  /** Entries of a list: merges of the largest vocabularies in use, twice. */
  modelFileListMax: 600_000,
  /** Tokens of a vocabulary: those of the largest models, twice. */
  modelVocabularyMax: 300_000,
  /** Positions a sequence may have, whatever the file says: the tables of positions grow with it. */
  modelContextTokensMax: 8_192,
  /** Memory of an engine: WebAssembly addresses 4 GiB, and devices share the machine. */
  modelMemoryBytesMax: 2_048 * MiB,
  /** KV blocks of an engine when nothing is said: 1,000 agents of 64 tokens of their own beside their models' prompts. */
  modelKvBlocks: 4_096,
  /** Memory these take at most; a larger model gets fewer blocks. */
  modelKvBytesMax: 128 * MiB,
  /** Rows of one call into WebAssembly; more go in several. */
  modelRowsPerCallMax: 128,
} as const;
