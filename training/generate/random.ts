/** Seeded choices, and templates: "(a|b)" is one of both, "[x]" is there half of the time, "{slot}" is filled. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1; mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** From `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(things: readonly T[]): T {
    if (things.length === 0) throw new Error('nothing to pick from');
    return things[Math.floor(this.next() * things.length)] as T; // the index is below the length
  }

  /** Up to `count` different ones, in random order. */
  some<T>(things: readonly T[], count: number): T[] {
    const left = [...things];
    const picked: T[] = [];
    while (picked.length < count && left.length > 0)
      picked.push(...left.splice(this.int(0, left.length - 1), 1));
    return picked;
  }
}

export type Slots = Readonly<Record<string, string>>;

/** `template` with its choices made and its slots filled. */
export function expand(template: string, slots: Slots, random: Random): string {
  let text = template;
  // From the inside out.
  for (
    let inner = /\(([^()[\]]*)\)|\[([^()[\]]*)\]/.exec(text);
    inner !== null;
    inner = /\(([^()[\]]*)\)|\[([^()[\]]*)\]/.exec(text)
  ) {
    const choices = (inner[1] ?? inner[2] ?? '').split('|');
    const chosen = inner[2] !== undefined && random.chance(0.5) ? '' : random.pick(choices);
    text = text.slice(0, inner.index) + chosen + text.slice(inner.index + inner[0].length);
  }
  const filled = text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = slots[name];
    if (value === undefined) throw new Error(`no ${name} for "${template}"`);
    return value;
  });
  return filled
    .replace(/ +/g, ' ')
    .replace(/ ([,.?!:])/g, '$1')
    .trim();
}

/** Which templates and names training never sees: decided by the text itself, so that it stays so. */
export function isHeldOut(text: string, share: number): boolean {
  let hash = 2_166_136_261;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % 1000 < share * 1000;
}
