/**
 * The key of an endpoint, and how it stays in the process.
 * I1 A key is in a `#private` field and in the Authorization header of requests to its own endpoint; nowhere else.
 * I2 Every text that came from an endpoint passes `redact` before anybody sees it: some echo the key.
 */
import { readFileSync, statSync } from 'node:fs';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** Where a key comes from: the name of an environment variable, or the path of a file that holds nothing else. */
export type KeySource =
  | { readonly environment: string; readonly file?: never }
  | { readonly file: string; readonly environment?: never };

export type Environment = Readonly<Record<string, string | undefined>>;

const HIDDEN = '(hidden)';
/** Shorter ones ("none", "x") are placeholders; hiding them would blank out ordinary words. */
const SECRET_CHARACTERS_MIN = 6;

export class ModelKey {
  readonly #source: KeySource | undefined;
  readonly #environment: Environment;
  /** The present one last; old ones may still come back in an answer. */
  #values: string[] = [];

  /** @throws BridgeError BRG_MODEL_SPEC when the source holds no usable key */
  constructor(source: KeySource | undefined, environment: Environment) {
    this.#source = source;
    this.#environment = environment;
    this.refresh();
  }

  /** Undefined: the endpoint gets none. */
  get value(): string | undefined {
    return this.#values.at(-1);
  }

  /** Reads it again, so that a rotated key needs no restart; whether it has changed. @throws BridgeError BRG_MODEL_SPEC */
  refresh(): boolean {
    const value = this.#source === undefined ? undefined : read(this.#source, this.#environment);
    if (value === undefined || value === this.value) return false;
    this.#values = [...this.#values.slice(-1), value];
    return true;
  }

  /** `text` without this key, its usual encodings, and what looks like any key. */
  redact(text: string): string {
    let clean = text;
    for (const value of this.#values) {
      if (value.length < SECRET_CHARACTERS_MIN) continue;
      const forms = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), btoa(value)];
      for (const form of new Set(forms)) clean = clean.replaceAll(form, HIDDEN);
    }
    return clean
      .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`)
      .replace(/\b(?:sk|pk|gsk|key|xai)-[\w*.-]{6,}/g, HIDDEN)
      .replace(/:\/\/[^/\s@]+@/g, `://${HIDDEN}@`);
  }
}

function read(source: KeySource, environment: Environment): string | undefined {
  if (source.environment !== undefined) {
    const value = environment[source.environment]?.trim();
    return value === undefined || value === '' ? undefined : checked(value, source.environment);
  }
  try {
    if (statSync(source.file).size > limits.modelKeyBytesMax) throw unusable(source.file, 'it is too long');
    return checked(readFileSync(source.file, 'utf8').trim(), source.file);
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw unusable(source.file, `it cannot be read (${code})`); // the cause names nothing else
  }
}

function checked(value: string, where: string): string {
  // RFC 9110 section 5.5: what may stand in a header; a second line would be a header of its own.
  if (!/^[\x21-\x7e]+$/.test(value)) throw unusable(where, 'it must be one line without spaces');
  return value;
}

function unusable(where: string, why: string): BridgeError {
  return new BridgeError('BRG_MODEL_SPEC', `the model key in ${where} cannot be used: ${why}`);
}
