/** What was denied lately, for operators: who wanted what, which rule decided, and what would allow it. */
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';
import type { Action } from './access-rules.ts';
import type { Principal } from './principal.ts';

/** One thing somebody may not, however often they tried. */
export interface Denial {
  /** When it was tried last. */
  readonly ts: number;
  readonly firstMs: number;
  readonly count: number;
  /** Empty: nobody who is known. */
  readonly name: string;
  /** MQTT client id, as it was sent. */
  readonly client: string;
  /** Address it came from last. */
  readonly source: string;
  readonly action: Action;
  /** Topic, or filter. */
  readonly topic: string;
  /** Why, in words: the rules there are, none of which covers it. */
  readonly rule: string;
  /** The command that would allow it; null: nothing would, or nothing should. */
  readonly allow: string | null;
}

/** What a terminal obeys or hides when it is pasted, whatever quotes are around it. */
const UNPASTEABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
/** A shell takes it as it is; a leading `~` it would not. */
const PLAIN_NAME = /^[A-Za-z0-9._:/-]+$/;
/** Rules named in a line; more are counted. */
const RULES_SHOWN = 5;

/** See the head of this file. The same denial again is one entry; the one tried least lately is forgotten. */
export class Denials {
  readonly #entries = new Map<string, Denial>();

  /** Notes one. `client` and `source` say where it came from. */
  add(
    principal: Principal | null,
    { action, topic, client, source }: Pick<Denial, 'action' | 'topic' | 'client' | 'source'>,
  ): void {
    const name = principal?.name ?? '';
    const key = JSON.stringify([name, action, topic]);
    const known = this.#entries.get(key);
    const ts = Date.now();
    const entry: Denial = {
      ...(known ?? {
        firstMs: ts,
        name,
        action,
        topic,
        rule: ruleText(principal, action),
        allow: remedy(name, action, topic),
      }),
      ts,
      count: (known?.count ?? 0) + 1,
      client,
      source,
    };
    this.#entries.delete(key); // so that it is the youngest
    if (this.#entries.size >= limits.denialsKeptMax) forgetOldest(this.#entries);
    this.#entries.set(key, entry);
  }

  /** Newest first. */
  list(itemsMax: number): Denial[] {
    return [...this.#entries.values()].reverse().slice(0, itemsMax);
  }
}

function ruleText(principal: Principal | null, action: Action): string {
  const rules = principal?.rulesOf(action) ?? [];
  if (rules.length === 0) return `no rule lets it ${action} anything; what no rule allows is denied`;
  const shown = rules.slice(0, RULES_SHOWN).map(({ filter, origin }) => `${filter} (${origin})`);
  const more = rules.length > RULES_SHOWN ? `, and ${rules.length - RULES_SHOWN} more` : '';
  return `it may ${action} ${shown.join(', ')}${more}; none of them covers this`;
}

function remedy(name: string, action: Action, topic: string): string | null {
  if (name === '' || topic.startsWith('$') || UNPASTEABLE.test(topic)) return null;
  return `mooring acl allow ${PLAIN_NAME.test(name) ? name : quoted(name)} ${action} ${quoted(topic)}`;
}

/** For a POSIX shell. A topic is a stranger's text: pasted, it must be one argument and nothing else. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
