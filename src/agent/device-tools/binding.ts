import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../tools/index.ts';

/** Names a value: the same for objects that differ in nothing but the order of their keys. */
export function sha256Of(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
