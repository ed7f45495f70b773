/**
 * The client's copy of the agent's state: what the bridge said last (confirmed), and on top of it the states
 * this client set and has no word about (pending).
 *
 * The bridge sends the setter no echo and, on success, no answer; so every state is followed by a probe. Frames
 * are answered in order: a refusal that comes before the probe's reply is about the oldest pending state, the
 * reply itself says it was taken (I1). A patch says which version it makes; versions that are missing before it
 * are those of our own states, taken in order (I2). More than that missing: frames were lost, `gap`.
 */

/** What the mirror wants done after a patch. */
export type PatchOutcome = 'applied' | 'old' | 'gap';

interface Pending {
  readonly id: string;
  readonly state: unknown;
}

export class StateMirror {
  #confirmed: unknown = undefined;
  /** null: the bridge gave none. */
  #version: number | null = null;
  /** Whether the version counts states of our own that the bridge has not named a version for. */
  #isCounted = false;
  #pending: Pending[] = [];

  /** The state to show; undefined until there is one. */
  get state(): unknown {
    const last = this.#pending.at(-1);
    return last === undefined ? this.#confirmed : last.state;
  }

  get version(): number | null {
    return this.#version;
  }

  /** A state of our own, to be confirmed. */
  set(id: string, state: unknown): void {
    this.#pending.push({ id, state });
  }

  /** The state as a whole. It may be older than what is pending, which the bridge has not handled then. */
  replace(state: unknown, version: number | null): void {
    this.#confirmed = state;
    this.#version = version;
    this.#isCounted = false;
  }

  /** A change (RFC 7396) that makes `version`. Returns also the ids of the states it shows to be taken. */
  patch(patch: unknown, version: number): { outcome: PatchOutcome; taken: string[] } {
    // Without a version there is nothing to compare, and a WebSocket keeps the order.
    const missing = this.#version === null ? 0 : version - this.#version - 1;
    // The first state of a connection may hold a change that is also still on its way as a patch.
    if (missing < 0) return { outcome: this.#isCounted ? 'gap' : 'old', taken: [] };
    if (missing > this.#pending.length) return { outcome: 'gap', taken: [] };
    const taken = this.#pending.splice(0, missing);
    this.#confirmed = mergePatch(missing > 0 ? taken.at(-1)?.state : this.#confirmed, patch);
    this.#version = version;
    this.#isCounted = false;
    return { outcome: 'applied', taken: taken.map(({ id }) => id) };
  }

  /** The bridge took this state and those before it; returns their ids. */
  taken(id: string): string[] {
    const index = this.#pending.findIndex((pending) => pending.id === id);
    const done = this.#pending.splice(0, index + 1);
    const last = done.at(-1);
    if (last === undefined) return [];
    this.#confirmed = last.state;
    if (this.#version !== null) this.#version += done.length;
    this.#isCounted = true;
    return done.map((pending) => pending.id);
  }

  /** The bridge refused the oldest pending state; returns its id, undefined when there is none. */
  refused(): string | undefined {
    return this.#pending.shift()?.id;
  }

  /** Nobody will say what became of this state. */
  forget(id: string): void {
    this.#pending = this.#pending.filter((pending) => pending.id !== id);
  }

  /** The connection is gone: what is shown stays until the next one says what is true. */
  disconnected(lost: ReadonlySet<string>): void {
    const last = this.#pending.findLast(({ id }) => lost.has(id));
    if (last !== undefined) this.#confirmed = last.state;
    this.#pending = this.#pending.filter(({ id }) => !lost.has(id));
    this.#version = null;
  }
}

/** RFC 7396 section 2; neither argument is changed. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const entries = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) entries.delete(name);
    else entries.set(name, mergePatch(entries.get(name), value));
  }
  // fromEntries defines own properties: a name such as __proto__ is data like any other.
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
