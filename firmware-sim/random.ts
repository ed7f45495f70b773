/** A repeatable source of randomness. */
export interface RandomStream {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
}

/**
 * The stream named `name` of a seed, e.g. `pump/007/physics`. Streams of one seed are independent: a
 * device more, or a reconnect more, changes nothing in what another stream yields.
 */
export function randomStream(seed: number, name: string): RandomStream {
  const next = sfc32(hash(`${seed}/${name}`));
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

type Words = [number, number, number, number];

/** Four 32-bit words that differ in about half their bits when one character of the text differs. */
function hash(text: string): Words {
  const words: Words = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xdeadbeef];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    words[0] = Math.imul(words[0] ^ code, 0x85ebca6b);
    words[1] = Math.imul(words[1] ^ code, 0xc2b2ae35) + words[0];
    words[2] = Math.imul(words[2] ^ code, 0x27d4eb2f) ^ (words[1] >>> 13);
    words[3] = (Math.imul(words[3] ^ code, 0x165667b1) + words[2]) | 0;
  }
  return words;
}

/** Chris Doty-Humphrey's sfc32 (PractRand): small, fast, period of at least 2^32. */
function sfc32(words: Words): () => number {
  let [a, b, c, counter] = words;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round++) next(); // its author's advice: mix the seed in
  return next;
}
