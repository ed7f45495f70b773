/**
 * What a text must look like, as plain data: a grammar without recursion, over bytes of UTF-8. `byte-automaton.ts`
 * makes an automaton of it; `json-pattern.ts` makes one for a JSON Schema.
 */
import { Buffer } from 'node:buffer';

/** @public */
export type Pattern =
  /** This text. */
  | string
  /** One character of an inclusive range of code points below 128. */
  | { readonly from: string; readonly to: string }
  /** One character beyond ASCII. */
  | { readonly kind: 'beyond-ascii' }
  | { readonly sequence: readonly Pattern[] }
  /** One of them; of texts with a common beginning, the model is asked only where they part. */
  | { readonly oneOf: readonly Pattern[] }
  /** `max` undefined: any number. */
  | { readonly repeat: Pattern; readonly min: number; readonly max?: number };

export function optional(pattern: Pattern): Pattern {
  return { repeat: pattern, min: 0, max: 1 };
}

/** Bytes of a text. */
export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
