/**
 * Who connects, and what they may. As long as nobody is made known (`mooring user add`, `mooring token create`), everybody
 * is let in, and the bridge serves loopback only; from then on nobody is without a name and a secret.
 */
import { isAddress, parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { hasIdentityFile, IdentityStore, type GrantRow, type IdentityRow } from '../store/index.ts';
import { rulesOf } from './access-rules.ts';
import { Attempts } from './attempts.ts';
import { Denials } from './denials.ts';
import { Principal } from './principal.ts';
import type { Action } from './access-rules.ts';
import { looksLikeJwt, type JwtVerifier } from './jwt.ts';
import { vouchedPrincipal, vouchedRow } from './vouched.ts';
import { hashSecret, isOurSecret, isSlow, nobodysHash, verify } from './secrets.ts';

/** What a client says about itself. */
export interface Credentials {
  readonly name: string;
  /** Empty: none was given. */
  readonly password: string;
  /** Common name of a client certificate that was verified; null: none was shown. */
  readonly certificateName: string | null;
  /** Where it comes from, so that a source that guesses is slowed down. */
  readonly source: string;
}

/** `refused`: wrong name or secret. `busy`: too many are being checked; come back later. */
export type Refusal = 'refused' | 'busy';

/** Milliseconds after which a change by another process is seen. */
const WATCH_MS = 1000;

/** See the head of this file. */
export class Identities {
  readonly #dataDir: string;
  /** Null: the file is not there yet. */
  #store: IdentityStore | null = null;
  /** Who failed, over MQTT or HTTP. */
  readonly attempts = new Attempts();
  /** What was denied lately over MQTT. */
  readonly denials = new Denials();
  /** Null: tokens of nobody are taken. */
  readonly jwt: JwtVerifier | null;
  readonly #watch: NodeJS.Timeout;
  #dataVersion = -1;
  #isOpen = true;
  #hasHttp = false;
  /** Who was asked about by name since the last change; null: nobody. */
  readonly #named = new Map<string, Principal | null>();
  /** Slow checks under way. */
  #checking = 0;
  /** Told when somebody may be another, or may do other things, than before; one for each side of the bridge. */
  onChange: () => void = () => undefined;
  onHttpChange: () => void = () => undefined;

  constructor(dataDir: string, jwt: JwtVerifier | null = null) {
    this.#dataDir = dataDir;
    this.jwt = jwt;
    if (jwt !== null) jwt.onChange = () => this.#tell();
    this.#look();
    this.#watch = setInterval(() => this.#lookAgain(), WATCH_MS);
    this.#watch.unref();
  }

  /** Nobody is known: everybody may connect. */
  get isOpen(): boolean {
    return this.#isOpen && this.jwt === null;
  }

  /** Whether somebody may come over HTTP with what is kept here, or with a token of an issuer. */
  get hasHttp(): boolean {
    return this.#hasHttp || this.jwt !== null;
  }

  /** Null: nobody was ever made known. */
  get store(): IdentityStore | null {
    return this.#store;
  }

  /** Who it is. Never rejects. */
  async authenticate(credentials: Credentials): Promise<Principal | Refusal> {
    try {
      if (this.attempts.isBlocked(credentials.source)) return 'busy';
      if (this.jwt !== null && looksLikeJwt(credentials.password))
        return await this.#vouched(this.jwt, credentials);
      if (this.#store !== null) return await this.#identify(this.#store, credentials);
      this.attempts.failed(credentials.source);
      return 'refused'; // nobody is known
    } catch {
      return 'busy'; // a database that fails: nobody is let in, and who is known may try again
    }
  }

  async #identify(store: IdentityStore, credentials: Credentials): Promise<Principal | Refusal> {
    const { name, password, certificateName, source } = credentials;
    if (certificateName !== null && (name === '' || name === certificateName)) {
      const row = store.find(certificateName);
      if (row !== undefined) return principalOf(row, store.grants([row.name, '*']));
    }
    const row = store.find(name);
    const principal =
      row === undefined ? claim(store, name, password) : await this.#check(store, row, password);
    if (principal === null && row === undefined) await this.#waste(password);
    if (principal === null) this.attempts.failed(source);
    return principal ?? 'refused';
  }

  /** A token for a password: the name, if one is given, is the token's. */
  async #vouched(jwt: JwtVerifier, { name, password, source }: Credentials): Promise<Principal | Refusal> {
    const claims = await jwt.verify(password);
    const isTheirs = claims !== null && (name === '' || name === claims.subject);
    const principal = isTheirs ? vouchedPrincipal(claims, (of) => this.#grantsOf(of)) : null;
    if (principal === null) this.attempts.failed(source);
    return principal ?? 'refused';
  }

  #grantsOf(name: string): readonly GrantRow[] {
    return this.#store?.grants([name, '*']) ?? [];
  }

  /** Whether the identity is what it was when it connected. */
  isCurrent(principal: Principal): boolean {
    const { name, voucher } = principal;
    if (voucher !== null) {
      const isSame = voucher.generation === this.jwt?.generation && voucher.expiresAtMs > Date.now();
      return isSame && JSON.stringify(this.#grantsOf(name)) === voucher.grants;
    }
    return this.#store?.find(principal.name)?.version === principal.version;
  }

  /** Whether who has this name now may do it; of what was done under it before. Empty: it was done while nobody was asked. */
  mayNow(name: string, action: Action, topic: string): boolean {
    if (this.isOpen || name === '') return true;
    let principal = this.#named.get(name);
    if (principal === undefined) {
      principal = this.#knownAs(name);
      if (this.#named.size >= limits.identitiesByNameMax) this.#named.clear();
      this.#named.set(name, principal);
    }
    return principal?.ruleFor(action, topic) !== undefined;
  }

  /** By name alone. Of who is not known here an issuer has vouched: as what, its name tells. */
  #knownAs(name: string): Principal | null {
    const row = this.#store?.find(name) ?? (this.jwt === null ? null : vouchedRow(name, undefined));
    return row === null ? null : principalOf(row, this.#grantsOf(name));
  }

  close(): void {
    clearInterval(this.#watch);
    this.jwt?.close();
    this.#store?.close();
  }

  async #check(store: IdentityStore, row: IdentityRow, password: string): Promise<Principal | null | 'busy'> {
    if (row.secret === '' || password === '') return null;
    if (!isSlow(row.secret))
      return (await verify(password, row.secret)) ? principalOf(row, store.grants([row.name, '*'])) : null;
    return this.#slowly(async () =>
      (await verify(password, row.secret)) ? principalOf(row, store.grants([row.name, '*'])) : null,
    );
  }

  async #slowly<T>(work: () => Promise<T>): Promise<T | 'busy'> {
    if (this.#checking >= limits.passwordChecksMax) return 'busy';
    this.#checking++;
    try {
      return await work();
    } finally {
      this.#checking--;
    }
  }

  /** A name nobody has takes as long as a wrong password. */
  async #waste(password: string): Promise<void> {
    if (isOurSecret(password)) return; // those are checked at once anyway
    await this.#slowly(() => verify(password, nobodysHash));
  }

  #lookAgain(): void {
    try {
      this.#look();
    } catch {
      // What is known stays; the next look may succeed.
    }
  }

  #look(): void {
    if (this.#store === null && !hasIdentityFile(this.#dataDir)) return;
    this.#store ??= new IdentityStore(this.#dataDir);
    const dataVersion = this.#store.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    this.#isOpen = this.#store.isEmpty();
    this.#hasHttp = !this.#store.http.isEmpty();
    this.#tell();
  }

  #tell(): void {
    this.#named.clear();
    this.onChange();
    this.onHttpChange();
  }
}

/** The first device that comes with a claim token is who it says it is; the token is its secret from then on. */
function claim(store: IdentityStore, name: string, token: string): Principal | null {
  const address = parseAddress(name);
  if (address === undefined || !isOurSecret(token)) return null;
  const secret = hashSecret(token);
  const device = { name, role: 'device', ...address, secret, createdAtMs: Date.now() } as const;
  if (!store.claim(secret, device)) return null;
  const row = store.find(name);
  return row === undefined ? null : principalOf(row, store.grants([row.name, '*']));
}

function principalOf(row: IdentityRow, grants: readonly GrantRow[]): Principal {
  const { name, model, id, version } = row;
  const device = isAddress(model, id) ? { model, id } : null;
  return new Principal(name, device, version, rulesOf(row, grants));
}
