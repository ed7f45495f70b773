/**
 * The byte-level BPE tokenizer a GGUF file describes (`tokenizer.ggml.model` = `gpt2`). A vocabulary without merges
 * is one of plain bytes, as the shipped model's: a token for each byte.
 *
 * I1 Every text has tokens and every token has bytes: all 256 bytes are in the vocabulary, checked when it is read.
 * I2 Text never becomes a special token, so nobody can write one into a prompt.
 */
import { limits } from '../../base/limits.ts';
import type { Tokenizer } from './engine.ts';
import { modelFileError } from './gguf-reader.ts';
import type { GgufFile, GgufValue } from './gguf.ts';

const CONTROL = 3;
const UNUSED = 5;

/** Where words begin, by `tokenizer.ggml.pre`: merges do not cross them. From llama.cpp's llm_tokenizer_bpe. */
const WORDS: Readonly<Record<string, RegExp>> = {
  'gpt-2': /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu,
  smollm: /\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu,
  'llama-bpe':
    /'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu,
  qwen2:
    /'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu,
};

/** The tokenizer of a file. @throws BridgeError BRG_MODEL_FILE when it has none that is known here */
export function readTokenizer({ fields }: GgufFile): Tokenizer {
  const kind = fields.get('tokenizer.ggml.model');
  if (kind !== 'gpt2')
    throw modelFileError('tokenizer.ggml.model', `is ${shown(kind)}; gpt2 (byte-level BPE) is known`);
  const names = textList(fields, 'tokenizer.ggml.tokens');
  if (names.length === 0 || names.length > limits.modelVocabularyMax)
    throw modelFileError(
      'tokenizer.ggml.tokens',
      `has ${names.length} entries, 1 to ${limits.modelVocabularyMax} are allowed`,
    );
  const types = fields.get('tokenizer.ggml.token_type') ?? [];
  if (!Array.isArray(types) || (types.length > 0 && types.length !== names.length))
    throw modelFileError('tokenizer.ggml.token_type', `is no list of ${names.length} entries`);
  const merges = fields.has('tokenizer.ggml.merges') ? textList(fields, 'tokenizer.ggml.merges') : [];
  const pre = fields.get('tokenizer.ggml.pre') ?? 'gpt-2';
  const words = WORDS[pre === 'default' ? 'gpt-2' : String(pre)];
  // Without merges there is no word to keep together.
  if (words === undefined && merges.length > 0)
    throw modelFileError(
      'tokenizer.ggml.pre',
      `is ${shown(pre)}; ${Object.keys(WORDS).join(', ')} are known`,
    );
  const eos = tokenId(fields, 'tokenizer.ggml.eos_token_id', names.length);
  const hasBos = fields.get('tokenizer.ggml.add_bos_token') === true;
  const bos = hasBos ? tokenId(fields, 'tokenizer.ggml.bos_token_id', names.length) : -1;
  const isSpecial = (token: number): boolean => types[token] === CONTROL || types[token] === UNUSED;
  return new BytePairTokenizer({ names, isSpecial, merges, words, eos, bos });
}

function textList(fields: GgufFile['fields'], name: string): string[] {
  const value = fields.get(name);
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw modelFileError(name, 'is no list of texts');
  return value;
}

function tokenId(fields: GgufFile['fields'], name: string, vocabulary: number): number {
  const value = fields.get(name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= vocabulary)
    throw modelFileError(name, `is ${shown(value)}, no token of ${vocabulary}`);
  return value;
}

function shown(value: GgufValue | undefined): string {
  return value === undefined ? 'not there' : String(value).slice(0, 60);
}

interface Vocabulary {
  readonly names: readonly string[];
  readonly isSpecial: (token: number) => boolean;
  readonly merges: readonly string[];
  readonly words: RegExp | undefined;
  readonly eos: number;
  readonly bos: number;
}

const NO_BYTES = new Uint8Array(0);

class BytePairTokenizer implements Tokenizer {
  readonly vocabulary: number;
  readonly eos: number;
  readonly bos: number;
  readonly #words: RegExp | undefined;
  readonly #bytes: readonly Uint8Array[];
  readonly #byName = new Map<string, number>();
  /** The token of each byte. */
  readonly #bytesToTokens = new Int32Array(256);
  /** Left and right token (as left * vocabulary + right) to rank and token. */
  readonly #merges = new Map<number, { readonly rank: number; readonly token: number }>();

  constructor({ names, isSpecial, merges, words, eos, bos }: Vocabulary) {
    this.vocabulary = names.length;
    this.eos = eos;
    this.bos = bos;
    this.#words = merges.length > 0 ? words : undefined;
    names.forEach((name, token) => {
      if (!this.#byName.has(name)) this.#byName.set(name, token);
    });
    this.#bytes = names.map((name, token) => (isSpecial(token) ? NO_BYTES : bytesOfName(name)));
    const letters = byteLetters();
    letters.forEach((letter, byte) => {
      const token = this.#byName.get(letter);
      if (token === undefined) throw modelFileError('tokenizer.ggml.tokens', `has no token of byte ${byte}`);
      this.#bytesToTokens[byte] = token;
    });
    merges.forEach((merge, rank) => this.#addMerge(merge, rank));
  }

  encode(text: string): Int32Array {
    const tokens: number[] = [];
    const encoder = new TextEncoder();
    const pieces = this.#words === undefined ? [text] : (text.match(this.#words) ?? []);
    for (const piece of pieces) {
      const symbols = Array.from(encoder.encode(piece), (byte) => this.#bytesToTokens[byte] ?? 0); // of all 256
      for (const token of this.#merged(symbols)) tokens.push(token);
    }
    return Int32Array.from(tokens);
  }

  decode(tokens: Iterable<number>): string {
    return Buffer.concat(Array.from(tokens, (token) => this.bytesOf(token))).toString('utf8');
  }

  bytesOf(token: number): Uint8Array {
    return this.#bytes[token] ?? NO_BYTES;
  }

  tokenNamed(name: string): number | undefined {
    return this.#byName.get(name);
  }

  #addMerge(merge: string, rank: number): void {
    const space = merge.indexOf(' ', 1);
    const left = this.#byName.get(merge.slice(0, space));
    const right = this.#byName.get(merge.slice(space + 1));
    const token = this.#byName.get(merge.slice(0, space) + merge.slice(space + 1));
    if (space < 0 || left === undefined || right === undefined || token === undefined)
      throw modelFileError('tokenizer.ggml.merges', `entry ${rank} is no pair of tokens that is a token`);
    const pair = left * this.vocabulary + right;
    if (!this.#merges.has(pair)) this.#merges.set(pair, { rank, token });
  }

  /** Joins the pair of the lowest rank, all of its places, until no pair has one. */
  #merged(symbols: number[]): number[] {
    let current = symbols;
    while (this.#merges.size > 0 && current.length > 1) {
      const pair = this.#bestPair(current);
      const best = this.#merges.get(pair);
      if (best === undefined) break;
      const next: number[] = [];
      for (let at = 0; at < current.length; at++) {
        const isPair = at + 1 < current.length && this.#pairAt(current, at) === pair;
        next.push(isPair ? best.token : (current[at] ?? 0)); // within the list
        if (isPair) at++;
      }
      current = next;
    }
    return current;
  }

  #bestPair(symbols: readonly number[]): number {
    let bestRank = Infinity;
    let best = -1;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const pair = this.#pairAt(symbols, at);
      const rank = this.#merges.get(pair)?.rank ?? Infinity;
      if (rank >= bestRank) continue;
      bestRank = rank;
      best = pair;
    }
    return best;
  }

  #pairAt(symbols: readonly number[], at: number): number {
    return (symbols[at] ?? 0) * this.vocabulary + (symbols[at + 1] ?? 0);
  }
}

/**
 * The letter GPT-2 writes each byte as: printable ones of Latin-1 as themselves, the others from U+0100 on.
 * A vocabulary file lists tokens in these letters.
 */
export function byteLetters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(isPrintable ? byte : next++);
  });
}

const LETTER_BYTES: ReadonlyMap<string, number> = new Map(
  byteLetters().map((letter, byte) => [letter, byte]),
);

/** A token that is not in those letters is taken as its UTF-8. */
function bytesOfName(name: string): Uint8Array {
  const bytes = Array.from(name, (letter) => LETTER_BYTES.get(letter));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : new TextEncoder().encode(name);
}
