/** An issuer of JSON Web Tokens, as an identity provider is one. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, SignJWT, type JWK } from 'jose';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'mooring';

interface Claims {
  readonly sub?: string;
  readonly [name: string]: unknown;
}

/** What is not as usual about a token. */
interface Odd {
  readonly alg?: string;
  readonly kid?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now; null: it has none. */
  readonly expiresInS?: number | null;
}

/** Signs with ES256; its public keys are in `jwksFile`. */
export class Issuer {
  readonly jwksFile: string;
  readonly publicKey: KeyObject;
  readonly #key: KeyObject;
  readonly #kid: string;

  private constructor(directory: string, kid: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#kid = kid;
    this.publicKey = publicKey;
    this.jwksFile = join(directory, `${kid}.jwks.json`);
  }

  static async create(directory: string, kid = 'k1'): Promise<Issuer> {
    const issuer = new Issuer(directory, kid);
    await issuer.publish(issuer.jwksFile);
    return issuer;
  }

  async publish(path: string): Promise<void> {
    writeFileSync(path, JSON.stringify({ keys: [await this.jwk()] }));
  }

  async jwk(): Promise<JWK> {
    return { ...(await exportJWK(this.publicKey)), kid: this.#kid, alg: 'ES256', use: 'sig' };
  }

  sign(claims: Claims, odd: Odd = {}): Promise<string> {
    const { kid = this.#kid, issuer = ISSUER, audience = AUDIENCE, expiresInS = 60 } = odd;
    const token = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).setIssuer(issuer);
    if (expiresInS !== null) token.setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS);
    return token.setAudience(audience).sign(this.#key);
  }
}

/** A token of any header, signed with a secret by hand: libraries would not do it. */
export function forged(header: object, claims: object, secret: string | Buffer | null): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${secret === null ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
