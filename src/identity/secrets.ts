/**
 * Passwords and tokens. What a person thinks up is hashed with scrypt (RFC 7914), slowly and few at a time; what we made
 * ourselves has 110 bits of chance in it, which no hash needs to protect from guessing, so that 100,000 devices can come
 * back in the same minute.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { newId } from '../base/ids.ts';

/** OWASP's parameters of 2024 for 16 MiB; about 50 ms of a core. */
const COST = { N: 2 ** 14, r: 8, p: 5 } as const;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** In front of what we made, so that a leaked one is found by scanners and known for what it is. */
const PREFIX = 'mrg_';

/** In front of tokens for HTTP. */
const HTTP_PREFIX = 'mrh_';

/** A token for HTTP, to be shown once. */
export function newHttpToken(): string {
  return HTTP_PREFIX + newSecret().slice(PREFIX.length);
}

/** Whether the text has the form of `newHttpToken`. */
export function isHttpToken(text: string): boolean {
  return /^mrh_[0-9a-z]{22}$/.test(text);
}

/** A secret for a device, to be shown once. */
export function newSecret(): string {
  return PREFIX + newId() + newId().slice(0, 6);
}

/** Whether the text has the form of `newSecret`. */
export function isOurSecret(text: string): boolean {
  return /^mrg_[0-9a-z]{22}$/.test(text);
}

/** Hash of one of our secrets; also the key under which a claim is found. */
export function hashSecret(secret: string): string {
  return `sha256$${createHash('sha256').update(secret).digest('base64')}`;
}

/** Hash of a password of a person. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** A hash nothing belongs to: who is unknown takes as long to refuse as who is known. */
export const nobodysHash = `scrypt$${COST.N}$${COST.r}$${COST.p}$${Buffer.alloc(SALT_BYTES).toString('base64')}$${Buffer.alloc(KEY_BYTES).toString('base64')}`;

/** Whether the hash is that of a password, which takes time to check. */
export function isSlow(hash: string): boolean {
  return hash.startsWith('scrypt$');
}

/** Whether the text is what was hashed. */
export async function verify(text: string, hash: string): Promise<boolean> {
  const [algorithm, ...fields] = hash.split('$');
  if (algorithm === 'sha256') return isEqual(hashSecret(text), hash);
  if (algorithm !== 'scrypt') return false;
  const [N, r, p, salt = '', key = ''] = fields;
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(text, Buffer.from(salt, 'base64'), options);
  return timingSafeEqual(derived, Buffer.from(key, 'base64'));
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(password.normalize('NFC'), salt, KEY_BYTES, { ...options, maxmem: 64 * 2 ** 20 }, (error, key) => {
    if (error === null) resolve(key);
    else reject(error);
  });
  return promise;
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
