/**
 * JSON Web Tokens (RFC 7519) of an issuer the operator trusts. The issuer says who somebody is and what they are; what a name
 * was granted besides (`mooring acl allow`) holds for it too.
 *
 * I1 The key decides the algorithms, never the token: a shared secret takes HS256..HS512, a key set signatures only, and
 *    neither ever `none` (RFC 8725 sections 3.1, 3.2). A key set may hold no secret and no private key.
 * I2 `exp` and `sub` must be there, `exp` at most `jwtLifetimeMaxMs` away; clocks may differ by `jwtClockSkewMs`.
 * I3 With a key set, issuer and audience are fixed by the settings: the same issuer signs for other programs too.
 * I4 Files are read again when they change. Who came with a token of the files before comes again.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';

/** What the settings say about tokens; one of the files. */
export interface JwtSettings {
  /** File with the secret that issuer and bridge share; null: none. */
  readonly keyFile: string | null;
  /** File with the public keys of the issuer (RFC 7517); null: none. */
  readonly jwksFile: string | null;
  readonly issuer: string | null;
  readonly audience: string | null;
}

/** A token that holds. */
export interface JwtClaims {
  readonly payload: JWTPayload;
  readonly subject: string;
  readonly expiresAtMs: number;
  /** Of the keys it was checked with. */
  readonly generation: number;
}

const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const SIGNATURE_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** RFC 7518 section 3.2: a key of the size of the hash at least. */
const SECRET_BYTES_MIN = 32;

type Keys =
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
  | { readonly kind: 'set'; readonly find: ReturnType<typeof createLocalJWKSet> };

/** Whether the text has the form of one (RFC 7515 section 3.1), so that nothing else is ever parsed as one. */
export function looksLikeJwt(text: string): boolean {
  return text.length <= limits.jwtBytesMax && /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
}

/** Who a token says it is, unproved; empty: nobody. */
export function unprovedSubject(token: string): string {
  if (!looksLikeJwt(token)) return '';
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const subject = typeof payload === 'object' && payload !== null && 'sub' in payload ? payload.sub : '';
    return typeof subject === 'string' ? subject : '';
  } catch {
    return '';
  }
}

/** What the settings of a bridge say about it; null: tokens are not taken. @throws BridgeError BRG_CONFIG */
export function jwtVerifier(
  settings: Readonly<Record<'jwtKeyFile' | 'jwtJwksFile' | 'jwtIssuer' | 'jwtAudience', string | null>>,
  log: Log,
): JwtVerifier | null {
  const { jwtKeyFile: keyFile, jwtJwksFile: jwksFile, jwtIssuer: issuer, jwtAudience: audience } = settings;
  if (keyFile === null && jwksFile === null) return null;
  return new JwtVerifier({ keyFile, jwksFile, issuer, audience }, log);
}

/** See the head of this file. */
export class JwtVerifier {
  readonly #settings: JwtSettings;
  readonly #log: Log;
  #keys: Keys;
  #generation = 1;
  /** Called when other keys hold. */
  onChange: () => void = () => undefined;

  /** @throws BridgeError BRG_CONFIG when the file cannot be used */
  constructor(settings: JwtSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#keys = readKeys(settings);
    for (const path of pathsOf(settings))
      watchFile(path, { interval: limits.tlsWatchMs, persistent: false }, this.#reload);
  }

  get generation(): number {
    return this.#generation;
  }

  /** What the token says; null: it does not hold. Never rejects. */
  async verify(token: string): Promise<JwtClaims | null> {
    if (!looksLikeJwt(token)) return null;
    const generation = this.#generation;
    try {
      const payload = await this.#payload(token);
      const { sub = '', exp = 0 } = payload;
      const expiresAtMs = exp * 1000;
      if (sub === '' || expiresAtMs > Date.now() + limits.jwtLifetimeMaxMs) return null; // I2
      return { payload, subject: sub, expiresAtMs, generation };
    } catch (error) {
      // Never the token: whoever reads the log could use it elsewhere.
      this.#log.debug(
        { code: error instanceof errors.JOSEError ? error.code : String(error) },
        'jwt refused',
      );
      return null;
    }
  }

  close(): void {
    for (const path of pathsOf(this.#settings)) unwatchFile(path, this.#reload);
  }

  async #payload(token: string): Promise<JWTPayload> {
    const { issuer, audience } = this.#settings;
    const options: JWTVerifyOptions = {
      ...(issuer === null ? {} : { issuer }),
      ...(audience === null ? {} : { audience }),
      clockTolerance: limits.jwtClockSkewMs / 1000,
      requiredClaims: ['exp', 'sub'],
    };
    const keys = this.#keys;
    if (keys.kind === 'secret')
      return (await jwtVerify(token, keys.secret, { ...options, algorithms: SECRET_ALGORITHMS })).payload;
    const signed = { ...options, algorithms: SIGNATURE_ALGORITHMS };
    try {
      return (await jwtVerify(token, keys.find, signed)).payload;
    } catch (error) {
      // A token without `kid`, and several keys that may have signed it: any of them may have.
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      for await (const key of error) {
        const tried = await jwtVerify(token, key, signed).catch((failure: unknown) => failure);
        if (tried instanceof errors.JWSSignatureVerificationFailed) continue;
        if (tried instanceof Error) throw tried;
        return (tried as { payload: JWTPayload }).payload; // what jwtVerify resolves with
      }
      throw error;
    }
  }

  readonly #reload = (): void => {
    try {
      this.#keys = readKeys(this.#settings);
      this.#generation++;
      this.#log.info('keys of json web tokens read again');
      this.onChange();
    } catch (error) {
      this.#log.error(
        { error: String(error) },
        'the new keys of json web tokens cannot be used; the old ones stay',
      );
    }
  };
}

function pathsOf({ keyFile, jwksFile }: JwtSettings): string[] {
  return [keyFile, jwksFile].filter((path) => path !== null);
}

function readKeys({ keyFile, jwksFile }: JwtSettings): Keys {
  if (keyFile !== null) return { kind: 'secret', secret: readSecret(keyFile) };
  return { kind: 'set', find: createLocalJWKSet(readKeySet(jwksFile ?? '')) };
}

function readSecret(path: string): Uint8Array {
  const secret = readFile('jwtKeyFile', path).trim();
  // A public key as a secret is known to everybody: the classic confusion of RS256 with HS256 (RFC 8725 section 2.1).
  if (secret.includes('-----BEGIN') || secret.startsWith('{'))
    throw bad(
      'jwtKeyFile',
      `${path} holds a key, not a secret; public keys belong in a key set: jwtJwksFile`,
    );
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length >= SECRET_BYTES_MIN) return bytes;
  throw bad(
    'jwtKeyFile',
    `the secret in ${path} has ${bytes.length} bytes; ${SECRET_BYTES_MIN} is the least`,
  );
}

function readKeySet(path: string): JSONWebKeySet {
  let set: { keys?: unknown };
  try {
    set = JSON.parse(readFile('jwtJwksFile', path)) as { keys?: unknown }; // checked below
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw bad('jwtJwksFile', `${path} is not JSON`); // without its text, which may be a key
  }
  const { keys } = set;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > limits.jwtKeysMax)
    throw bad('jwtJwksFile', `${path} is no key set: {"keys": [...]}, with 1..${limits.jwtKeysMax} keys`);
  for (const key of keys as { kty?: unknown }[]) {
    // I1
    if (typeof key !== 'object' || key === null || key.kty === 'oct' || 'd' in key)
      throw bad('jwtJwksFile', `${path} holds a secret or private key; a key set has the public keys only`);
  }
  return { keys: keys as JSONWebKeySet['keys'] }; // jose checks each when it is used
}

function readFile(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw bad(setting, `${path} cannot be read: ${String(error)}`);
  }
}

function bad(setting: string, what: string): BridgeError {
  return new BridgeError('BRG_CONFIG', `${setting}: ${what}`);
}
