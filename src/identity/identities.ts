/**
 * Who connects, and what they may. As long as nobody is made known (`mooring user add`, `mooring token create`), everybody
 * is let in, and the bridge serves loopback only; from then on nobody is without a name and a secret.
 */
import { isAddress, parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { hasIdentityFile, IdentityStore, type IdentityRow } from '../store/index.ts';
import { rulesOf } from './access-rules.ts';
import { Attempts } from './attempts.ts';
import { Principal } from './principal.ts';
import type { Action } from './access-rules.ts';
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

export const USER_NAME = /^[A-Za-z0-9._~:-]{1,128}$/;

/** Milliseconds after which a change by another process is seen. */
const WATCH_MS = 1000;

/** See the head of this file. */
export class Identities {
  readonly #dataDir: string;
  /** Null: the file is not there yet. */
  #store: IdentityStore | null = null;
  readonly #attempts = new Attempts();
  readonly #watch: NodeJS.Timeout;
  #dataVersion = -1;
  #isOpen = true;
  /** Who was asked about by name since the last change; null: nobody. */
  readonly #named = new Map<string, Principal | null>();
  /** Slow checks under way. */
  #checking = 0;
  onChange: () => void = () => undefined;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#look();
    this.#watch = setInterval(() => this.#lookAgain(), WATCH_MS);
    this.#watch.unref();
  }

  /** Nobody is known: everybody may connect. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Who it is. Never rejects. */
  async authenticate(credentials: Credentials): Promise<Principal | Refusal> {
    if (this.#store === null) return 'refused'; // nobody is known: nobody is asked
    try {
      return await this.#identify(this.#store, credentials);
    } catch {
      return 'busy'; // a database that fails: nobody is let in, and who is known may try again
    }
  }

  async #identify(store: IdentityStore, credentials: Credentials): Promise<Principal | Refusal> {
    const { name, password, certificateName, source } = credentials;
    if (this.#attempts.isBlocked(source)) return 'busy';
    if (certificateName !== null && (name === '' || name === certificateName)) {
      const row = store.find(certificateName);
      if (row !== undefined) return principalOf(store, row);
    }
    const row = store.find(name);
    const principal =
      row === undefined ? claim(store, name, password) : await this.#check(store, row, password);
    if (principal === null && row === undefined) await this.#waste(password);
    if (principal === null) this.#attempts.failed(source);
    return principal ?? 'refused';
  }

  /** Whether the identity is what it was when it connected. */
  isCurrent(principal: Principal): boolean {
    return this.#store?.find(principal.name)?.version === principal.version;
  }

  /** Whether who has this name now may do it; of what was done under it before. Empty: it was done while nobody was asked. */
  mayNow(name: string, action: Action, topic: string): boolean {
    if (this.#isOpen || this.#store === null || name === '') return true;
    let principal = this.#named.get(name);
    if (principal === undefined) {
      const row = this.#store.find(name);
      principal = row === undefined ? null : principalOf(this.#store, row);
      if (this.#named.size >= limits.identitiesByNameMax) this.#named.clear();
      this.#named.set(name, principal);
    }
    return principal?.ruleFor(action, topic) !== undefined;
  }

  close(): void {
    clearInterval(this.#watch);
    this.#store?.close();
  }

  async #check(store: IdentityStore, row: IdentityRow, password: string): Promise<Principal | null | 'busy'> {
    if (row.secret === '' || password === '') return null;
    if (!isSlow(row.secret)) return (await verify(password, row.secret)) ? principalOf(store, row) : null;
    return this.#slowly(async () => ((await verify(password, row.secret)) ? principalOf(store, row) : null));
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
    this.#named.clear();
    this.#isOpen = this.#store.isEmpty();
    this.onChange();
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
  return row === undefined ? null : principalOf(store, row);
}

function principalOf(store: IdentityStore, row: IdentityRow): Principal {
  const { name, model, id, version } = row;
  const device = isAddress(model, id) ? { model, id } : null;
  return new Principal(name, device, version, rulesOf(row, store.grants([name, '*'])));
}
