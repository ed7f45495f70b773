/** Questions of servers to a person, as they are kept: checked, bounded, and gone when they are out of time. */
import { newId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import { canonicalJson, sha256, toJson } from '../../codemode/hostile-json.ts';
import { cleanText } from './catalogue.ts';
import { isLoopbackUrl } from './network-policy.ts';
import type { McpElicitation, McpElicitationAnswer, McpStorage, McpWaitingCall } from './server-row.ts';

export class ElicitationDesk {
  readonly #storage: McpStorage;
  readonly #clock: Clock;

  constructor(storage: McpStorage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Those that still wait, oldest first; drops what nobody answered in time. */
  get open(): readonly McpElicitation[] {
    return this.#current().filter(({ answer }) => answer === null);
  }

  find(id: string): McpElicitation | undefined {
    return this.open.find((one) => one.id === id);
  }

  /** All questions of a call, answered ones too. */
  ofCall(callId: string): readonly McpElicitation[] {
    return this.#current().filter(({ call }) => call?.id === callId);
  }

  /** Keeps a question; null when it is not sound or there are too many. */
  add(serverId: string, params: unknown, call: McpWaitingCall | null): McpElicitation | null {
    const ask = readAsk(params);
    if (ask === null || this.#current().length >= limits.mcpElicitationsMax) return null;
    const createdAtMs = this.#clock.now();
    const { message } = params as { message?: unknown }; // an object, see readAsk
    const elicitation: McpElicitation = {
      ...{ id: newId(), serverId, createdAtMs, ask, call, answer: null },
      expiresAtMs: createdAtMs + limits.mcpElicitationTtlMs,
      message: cleanText(message, limits.mcpDescriptionCharactersMax),
    };
    this.#storage.saveElicitation(elicitation);
    return elicitation;
  }

  /** @param answer null: it is open again */
  keep(elicitation: McpElicitation, answer: McpElicitationAnswer | null): void {
    this.#storage.saveElicitation({ ...elicitation, answer });
  }

  remove(elicitations: readonly McpElicitation[]): void {
    for (const { id } of elicitations) this.#storage.deleteElicitation(id);
  }

  #current(): readonly McpElicitation[] {
    const nowMs = this.#clock.now();
    const all = this.#storage.elicitations();
    this.remove(all.filter(({ expiresAtMs }) => expiresAtMs <= nowMs));
    return all
      .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
      .toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  }
}

/** The same for a question that is asked again in the same words. */
export function fingerprint({ message, ask }: Pick<McpElicitation, 'message' | 'ask'>): string {
  return sha256(canonicalJson([message, ask.mode === 'form' ? ask.requestedSchema : ask.url]));
}

/** A form, or a page to visit; null when it is neither, too large, or no page a person should be sent to. */
export function readAsk(params: unknown): McpElicitation['ask'] | null {
  if (typeof params !== 'object' || params === null) return null;
  const { mode = 'form', url, requestedSchema } = params as Record<string, unknown>;
  if (mode === 'url') {
    if (typeof url !== 'string' || url.length > 4096 || !URL.canParse(url)) return null;
    const page = new URL(url);
    return page.protocol === 'https:' || isLoopbackUrl(page) ? { mode, url: page.href } : null;
  }
  const schema = toJson(requestedSchema, limits.mcpElicitationBytesMax);
  return mode === 'form' && schema.ok ? { mode, requestedSchema: schema.value } : null;
}
