import { randomBytes, randomInt } from 'node:crypto';

/** Randomness of the actor runtime comes in through here, so that a simulator can hold it in its hands. */
export interface Chance {
  newId(): string;
  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number;
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A random id of 16 characters (80 bits), safe in topics, URLs and file names. */
export function newId(): string {
  let id = '';
  for (const byte of randomBytes(16)) id += ALPHABET[byte & 31];
  return id;
}

export const systemChance: Chance = { newId, uint32: () => randomInt(2 ** 32) };
