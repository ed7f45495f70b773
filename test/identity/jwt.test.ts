/** Attacks on tokens (RFC 8725), and what a token that holds is worth. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { createLog } from '../../src/base/log.ts';
import { Identities } from '../../src/identity/index.ts';
import { JwtVerifier, looksLikeJwt, type JwtSettings } from '../../src/identity/jwt.ts';
import { vouchedReach } from '../../src/identity/vouched.ts';
import { IdentityStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';
import { AUDIENCE, forged, ISSUER, Issuer } from '../support/tokens.ts';

const log = createLog({ level: 'silent', format: 'json' });
const SECRET = 'a secret of at least thirty-two bytes';

function verifierOf(settings: Partial<JwtSettings>): JwtVerifier {
  const verifier = new JwtVerifier(
    { keyFile: null, jwksFile: null, issuer: null, audience: null, ...settings },
    log,
  );
  onTestFinished(() => verifier.close());
  return verifier;
}

async function setup() {
  const directory = temporaryDir();
  const issuer = await Issuer.create(directory);
  const verifier = verifierOf({ jwksFile: issuer.jwksFile, issuer: ISSUER, audience: AUDIENCE });
  return { directory, issuer, verifier };
}

function fileOf(text: string): string {
  const path = join(temporaryDir(), 'key');
  writeFileSync(path, text);
  return path;
}

const inAMinute = (): number => Math.floor(Date.now() / 1000) + 60;

describe('a token of an issuer with public keys', () => {
  it('holds, and says who', async () => {
    const { issuer, verifier } = await setup();
    expect(await verifier.verify(await issuer.sign({ sub: 'pump/p1' }))).toMatchObject({
      subject: 'pump/p1',
    });
  });

  it('is worth nothing without a signature (alg none), in whatever case', async () => {
    const { verifier } = await setup();
    const claims = { sub: 'admin', role: 'admin', iss: ISSUER, aud: AUDIENCE, exp: inAMinute() };
    for (const alg of ['none', 'None', 'NONE', '']) {
      expect(await verifier.verify(forged({ alg }, claims, null))).toBeNull();
      expect(await verifier.verify(forged({ alg, kid: 'k1' }, claims, 'x'))).toBeNull();
    }
  });

  it('is worth nothing signed with the public key as a secret (RS256/HS256 confusion)', async () => {
    const { issuer, verifier } = await setup();
    const claims = { sub: 'admin', iss: ISSUER, aud: AUDIENCE, exp: inAMinute() };
    const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' });
    for (const secret of [pem, JSON.stringify(await issuer.jwk())])
      expect(await verifier.verify(forged({ alg: 'HS256', kid: 'k1' }, claims, secret))).toBeNull();
  });

  it('names its key by id only: a path, an address, a key of its own lead nowhere', async () => {
    const { issuer, verifier, directory } = await setup();
    const thief = await Issuer.create(directory, 'thief');
    for (const kid of ['../../../../dev/null', '/etc/passwd', "' OR 1=1 --", 'k2'])
      expect(await verifier.verify(await issuer.sign({ sub: 'anna' }, { kid }))).toBeNull();
    expect(await verifier.verify(await thief.sign({ sub: 'anna' }, { kid: 'k1' }))).toBeNull();
    const claims = { sub: 'anna', iss: ISSUER, aud: AUDIENCE, exp: inAMinute() };
    const own = { jwk: await thief.jwk(), jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/x' };
    expect(await verifier.verify(forged({ alg: 'ES256', ...own }, claims, 'x'))).toBeNull();
  });

  it.each([
    ['has expired beyond the skew of clocks', {}, { expiresInS: -limits.jwtClockSkewMs / 1000 - 1 }],
    ['never expires', {}, { expiresInS: null }],
    ['expires in ten years', {}, { expiresInS: 10 * 365 * 86_400 }],
    ['is for another audience', {}, { audience: 'billing' }],
    ['is of another issuer', {}, { issuer: 'https://evil.example' }],
    ['is of nobody', { sub: undefined }, {}],
    ['is not valid yet', { nbf: inAMinute() + 600 }, {}],
  ])('is worth nothing when it %s', async (_why, claims, odd) => {
    const { issuer, verifier } = await setup();
    expect(await verifier.verify(await issuer.sign({ sub: 'anna', ...claims }, odd))).toBeNull();
  });

  it('is not even looked at when it is huge, or no token', async () => {
    const { issuer, verifier } = await setup();
    const huge = await issuer.sign({ sub: 'anna', pad: 'x'.repeat(limits.jwtBytesMax) });
    expect(looksLikeJwt(huge)).toBe(false);
    for (const text of [
      huge,
      '',
      'eyJ',
      'a.b.c',
      'eyJ.e.s',
      `${'eyJ'.repeat(3)}..`,
      'eyJhbGciOiJub25lIn0.%.%',
    ])
      expect(await verifier.verify(text)).toBeNull();
  });

  it('is worth nothing with a piece of it changed', async () => {
    const { issuer, verifier } = await setup();
    const [head = '', , signature = ''] = (await issuer.sign({ sub: 'anna' })).split('.');
    const claims = { sub: 'root', role: 'admin', iss: ISSUER, aud: AUDIENCE, exp: inAMinute() };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    expect(await verifier.verify(`${head}.${payload}.${signature}`)).toBeNull();
  });
});

describe('a token of an issuer with a shared secret', () => {
  it('holds when it is signed with it, by its algorithms only', async () => {
    const verifier = verifierOf({ keyFile: fileOf(`${SECRET}\n`) });
    const sign = (alg: string, secret: string): Promise<string> =>
      new SignJWT({ sub: 'anna' })
        .setProtectedHeader({ alg })
        .setExpirationTime('1m')
        .sign(Buffer.from(secret));
    expect(await verifier.verify(await sign('HS256', SECRET))).toMatchObject({ subject: 'anna' });
    expect(await verifier.verify(await sign('HS512', SECRET.repeat(2)))).toBeNull();
    const other = await Issuer.create(temporaryDir());
    expect(await verifier.verify(await other.sign({ sub: 'anna' }))).toBeNull();
  });
});

describe('key files', () => {
  it.each([
    ['a short secret', { keyFile: 'short' }, 'has 5 bytes; 32 is the least'],
    [
      'a public key as a secret',
      { keyFile: `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(99)}` },
      'holds a key, not a secret',
    ],
    ['a secret in a set', { jwksFile: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }, 'secret or private key'],
    [
      'a private key in a set',
      { jwksFile: '{"keys":[{"kty":"EC","d":"c2VjcmV0"}]}' },
      'secret or private key',
    ],
    ['an empty set', { jwksFile: '{"keys":[]}' }, 'is no key set'],
    ['what is not JSON', { jwksFile: 'c2VjcmV0' }, 'is not JSON'],
  ])('with %s are refused, and not shown', (_what, files, why) => {
    const settings = Object.fromEntries(Object.entries(files).map(([key, text]) => [key, fileOf(text)]));
    const opening = (): JwtVerifier => verifierOf(settings);
    expect(opening).toThrow(expect.objectContaining({ code: 'BRG_CONFIG' }) as Error);
    expect(opening).toThrow(why);
    expect(opening).not.toThrow('c2VjcmV0');
  });
});

describe('who a token says somebody is', () => {
  async function reachOf(claims: { sub: string; [name: string]: unknown }) {
    const { issuer, verifier } = await setup();
    const found = await verifier.verify(await issuer.sign(claims));
    if (found === null) throw new Error('it does not hold');
    const reach = vouchedReach(found);
    return reach && { scopes: [...reach.scopes], agents: reach.agents };
  }

  it('over HTTP is what its scopes say, for the agents it names', async () => {
    expect(await reachOf({ sub: 'anna' })).toBeNull();
    expect(await reachOf({ sub: 'anna', scope: 'openid read profile act' })).toEqual({
      scopes: ['read', 'act'],
      agents: null,
    });
    expect(await reachOf({ sub: 'anna', scope: 'read', agents: ['pump/*'] })).toEqual({
      scopes: ['read'],
      agents: ['pump/*'],
    });
    expect(await reachOf({ sub: 'anna', scope: 'read', agents: 'pump/#' })).toBeNull();
    expect(await reachOf({ sub: 'anna', scope: 'read', agents: [] })).toBeNull();
    expect(await reachOf({ sub: 'pump/p1', scope: 'read', agents: '*' })).toEqual({
      scopes: ['read'],
      agents: ['pump/p1'],
    });
    expect(await reachOf({ sub: 'root', role: 'admin' })).toMatchObject({ agents: null });
  });

  it('over MQTT is its name with the rules of its role, and what the name was granted', async () => {
    const { issuer, verifier } = await setup();
    const dataDir = temporaryDir();
    const store = new IdentityStore(dataDir);
    store.grant({ name: 'anna', action: 'subscribe', filter: 'news/#' });
    const identities = new Identities(dataDir, verifier);
    onTestFinished(() => {
      identities.close();
      store.close();
    });
    expect(identities.isOpen).toBe(false);
    const login = async (name: string, claims: object) =>
      identities.authenticate({
        name,
        password: await issuer.sign(claims as { sub: string }),
        certificateName: null,
        source: 'here',
      });
    const rule = async (name: string, claims: object, action: 'publish' | 'subscribe', topic: string) => {
      const found = await login(name, claims);
      return typeof found === 'string' ? found : found.ruleFor(action, topic)?.origin;
    };
    expect(await rule('', { sub: 'pump/p1' }, 'publish', 'devices/pump/p1/telemetry')).toBe('role device');
    expect(await rule('pump/p1', { sub: 'pump/p1' }, 'publish', 'devices/pump/p2/telemetry')).toBeUndefined();
    expect(await rule('pump/p2', { sub: 'pump/p1' }, 'publish', 'devices/pump/p2/telemetry')).toBe('refused');
    expect(await rule('', { sub: 'anna' }, 'subscribe', 'news/a')).toContain('granted to anna');
    expect(await rule('', { sub: 'anna', role: 'admin' }, 'publish', 'x')).toBe('role admin');
    expect(await rule('', { sub: 'anna', role: 'king' }, 'publish', 'x')).toBe('refused');
    expect(await rule('', { sub: 'pump/p1', role: 'admin' }, 'publish', 'x')).toBe('refused');
    expect(await rule('', { sub: 'a/#' }, 'publish', 'x')).toBe('refused');
  });
});
