/**
 * Sees everything that goes in, is committed and comes out, and says what should not have been.
 *
 * I1 What is acknowledged is applied; nothing is applied twice; the inputs of an agent in their order.
 * I2 What is sent was committed before; its id is the same when it is sent again, and that happens after a
 *    power loss only.
 * I3 Commits only add to what an agent did.
 */
import { readEffects } from '../../src/actor/envelope.ts';
import { EFFECT, FLAG_FAILED } from '../../src/actor/messages.ts';
import type { Facts } from './facts.ts';

/** Entries of a log that say that an input was dealt with, whichever way. */
export const DEALT = ['did', 'failed', 'aside', 'held'];

interface Issued {
  readonly key: string;
  readonly order: number;
  /** Journaled, or answered: it must have been applied. */
  isPromised: boolean;
  /** It was said that nothing of it is kept. */
  isRefused: boolean;
}

interface Sent {
  readonly effect: unknown;
  readonly powerLosses: number;
}

export class Witness {
  readonly violations: string[] = [];
  readonly #note: (text: string) => void;
  readonly #issued = new Map<string, Issued>();
  readonly #dealt = new Set<string>();
  readonly #sent = new Map<string, Sent>();
  readonly #deaths = new Map<string, number>();
  readonly #answered = new Map<string, number>();
  #order = 0;
  #fresh = 0;
  powerLosses = 0;

  /** @param note adds a line to the trace */
  constructor(note: (text: string) => void) {
    this.#note = note;
  }

  violation(what: string): void {
    this.#note(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  freshNumber(): number {
    return ++this.#fresh;
  }

  /** An input is handed to the runtime. */
  issued(id: string, key: string): void {
    this.#issued.set(id, { key, order: ++this.#order, isPromised: false, isRefused: false });
  }

  /** The runtime said that it will be, or is, applied. */
  promised(id: string): void {
    const issued = this.#issued.get(id);
    if (issued === undefined) this.violation(`${id} was acknowledged but not sent`);
    else issued.isPromised = true;
  }

  /** The runtime said that it will not be applied. */
  refused(id: string): void {
    const issued = this.#issued.get(id);
    if (issued !== undefined) issued.isRefused = true;
    if (this.#dealt.has(id)) this.violation(`${id} was refused and is applied`);
  }

  /** What became of a message; those of an agent come in the order in which they were sent. */
  outcome(id: string, key: string, outcome: string): void {
    this.#note(`${id} is ${outcome}`);
    const order = this.#issued.get(id)?.order ?? 0;
    if (order < (this.#answered.get(key) ?? 0)) this.violation(`${id} has its outcome after a later message`);
    this.#answered.set(key, order);
  }

  /** Whether the thread is to end in this turn. */
  isToDie(input: string, times: number): boolean {
    const deaths = this.#deaths.get(input) ?? 0;
    if (deaths >= times) return false;
    this.#deaths.set(input, deaths + 1);
    return true;
  }

  /** An agent's log as it is committed. */
  committed(facts: Facts, key: string, row: number, log: readonly string[]): void {
    const before = facts.log(key, row);
    const isLonger = log.length >= before.length && before.every((entry, at) => log[at] === entry);
    if (!isLonger) {
      const from = before.findIndex((entry, at) => log[at] !== entry);
      const [was = 'nothing', is = 'nothing'] = [before[from], log[from]];
      this.violation(`${key} lost what it did: ${was} was committed, now there is ${is}`);
    }
    for (const entry of log.slice(before.length)) this.#added(facts, key, row, entry);
  }

  #added(facts: Facts, key: string, row: number, entry: string): void {
    this.#note(`${key} committed: ${entry}`);
    const [what = '', id = ''] = entry.split(' ');
    if (facts.has(key, entry)) this.violation(`${entry}: twice in ${key}`);
    if (what === 'never') this.violation(`${entry}: it was taken back`);
    facts.add(key, row, entry);
    if (!DEALT.includes(what)) return;
    const issued = this.#issued.get(id);
    this.#dealt.add(id);
    if (issued === undefined) return; // a question of another agent
    if (issued.isRefused) this.violation(`${id} was refused and is applied`);
    if (issued.key !== key) this.violation(`${id} of ${issued.key} was given to ${key}`);
    if (issued.order < facts.lastOrder(key))
      this.violation(`${id} was applied after a later input of ${key}`);
    facts.setLastOrder(key, issued.order);
    const number = Number(/^a\d+\.(\d+)#/.exec(id)?.[1] ?? NaN);
    if (Number.isNaN(number)) return;
    if (facts.isOvertaken(key, number))
      this.violation(`${id} was applied after a later message of its device`);
    facts.applied(key, number);
  }

  /** What a shard hands out, at the moment it does. */
  posted(facts: Facts, pack: Uint8Array): void {
    const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength);
    for (const effect of readEffects(bytes)) {
      const text = effect.payload.toString();
      if (effect.kind === EFFECT.publish) this.#published(facts, text);
      else if (effect.kind === EFFECT.send) this.#echoed(facts, text);
      else if (effect.kind === EFFECT.reply && (effect.flags & FLAG_FAILED) === 0) this.#echoed(facts, text);
    }
  }

  #published(facts: Facts, text: string): void {
    const { key, entry, n, effect } = JSON.parse(text) as {
      key: string;
      entry: string;
      n: number;
      effect: unknown;
    }; // a ScriptedAgent wrote it
    const [, id = ''] = entry.split(' ');
    this.#note(`${key} sends effect ${n} of ${entry} (${String(effect)})`);
    if (!facts.has(key, entry) && !facts.has(key, `failed ${id}`)) {
      this.violation(`effect ${n} of ${entry} left ${key} before its commit`);
    }
    const name = `${entry} ${n}`;
    const earlier = this.#sent.get(name);
    this.#sent.set(name, { effect, powerLosses: this.powerLosses });
    if (earlier === undefined) return;
    if (earlier.effect !== effect) {
      this.violation(`effect ${n} of ${entry} got another id: ${String(earlier.effect)}, ${String(effect)}`);
    }
    if (earlier.powerLosses === this.powerLosses) {
      this.violation(`effect ${n} of ${entry} left twice`);
    }
  }

  #echoed(facts: Facts, text: string): void {
    const { echo } = JSON.parse(text) as { echo?: string }; // a ScriptedAgent wrote it
    if (echo === undefined) return;
    this.#note(`${echo} is answered`);
    const isDealt = DEALT.some((what) => facts.hasAnywhere(`${what} ${echo}`));
    if (!isDealt) this.violation(`${echo} was answered before its commit`);
  }

  /** When everything is over. */
  checkPromises(facts: readonly Facts[]): void {
    for (const [id, { key, isPromised }] of this.#issued) {
      const isApplied = facts.some((of) => DEALT.some((what) => of.has(key, `${what} ${id}`)));
      if (isPromised && !isApplied) this.violation(`${id} was acknowledged and is lost (${key})`);
    }
  }
}
