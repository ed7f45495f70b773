/** The documents of one agent awake: JSON values by name, parsed on first use, written back at commit. */

import type { Writer } from './turn-writes.ts';

/** A text as stored: nobody has asked for its value yet. */
class Unread {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const NO_CHANGES: readonly (readonly [string, string | null])[] = Object.freeze([]);
const NO_KINDS: ReadonlySet<string> = new Set();

export class Documents {
  /** Undefined: there is none any more. */
  readonly #values = new Map<string, unknown>();
  /** What was set since the last commit. */
  #dirty: Set<string> | undefined;
  #changes: (readonly [name: string, json: string | null])[] | undefined;
  #undo: { name: string; value: unknown; wasDirty: boolean }[] | undefined;
  readonly #writer: Pick<Writer, 'damaged'>;

  /**
   * @param texts JSON text by name, as stored
   * @param writer hears of a text that is no JSON: its document is as if it never was, its agent goes on without it
   */
  constructor(texts: Iterable<readonly [name: string, text: string]>, writer: Pick<Writer, 'damaged'>) {
    for (const [name, text] of texts) this.#values.set(name, new Unread(text));
    this.#writer = writer;
  }

  /** Undefined when there is none. */
  get(name: string): unknown {
    const held = this.#values.get(name);
    if (!(held instanceof Unread)) return held;
    const value = this.#parsed(name, held.text);
    this.#values.set(name, value);
    return value;
  }

  #parsed(name: string, text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      this.#writer.damaged(name, error);
      return undefined;
    }
  }

  /** Undefined deletes. */
  set(name: string, value: unknown): void {
    const dirty = (this.#dirty ??= new Set());
    (this.#undo ??= []).push({ name, value: this.get(name), wasDirty: dirty.has(name) });
    this.#values.set(name, value);
    dirty.add(name);
    this.#changes = undefined;
  }

  /** Whether anything was set since the last commit. */
  get hasChanges(): boolean {
    return this.#dirty !== undefined && this.#dirty.size > 0;
  }

  /** Names that begin with `prefix`, in no order. */
  names(prefix: string): string[] {
    const names: string[] = [];
    for (const [name, value] of this.#values)
      if (value !== undefined && name.startsWith(prefix)) names.push(name);
    return names;
  }

  /** What stands before the first colon of a name. */
  kinds(): ReadonlySet<string> {
    let kinds: Set<string> | undefined;
    for (const [name, value] of this.#values) {
      const colon = name.indexOf(':');
      if (colon > 0 && value !== undefined) (kinds ??= new Set()).add(name.slice(0, colon));
    }
    return kinds ?? NO_KINDS;
  }

  /** A point to which `rollBack` returns. */
  mark(): number {
    return this.#undo?.length ?? 0;
  }

  /** Returns the names of what has its earlier value again. */
  rollBack(mark: number): string[] {
    const undone = this.#undo?.splice(mark).reverse() ?? [];
    this.#changes = undefined;
    for (const { name, value, wasDirty } of undone) {
      this.#values.set(name, value);
      if (!wasDirty) this.#dirty?.delete(name);
    }
    return undone.map(({ name }) => name);
  }

  /** What is set so far stays: earlier marks are void. */
  keep(): void {
    this.#undo = undefined;
  }

  /** What was set since the last commit: JSON text by name, null for deleted ones. */
  changes(): readonly (readonly [name: string, json: string | null])[] {
    if (this.#dirty === undefined) return NO_CHANGES;
    // A commit asks twice when the agent has a file.
    return (this.#changes ??= Array.from(this.#dirty, (name) => {
      const value = this.#values.get(name);
      return [name, value === undefined ? null : JSON.stringify(value)] as const;
    }));
  }

  committed(): void {
    this.#dirty = undefined;
    this.#changes = undefined;
    this.keep();
  }
}
