/** The documents of one agent awake: JSON values by name, parsed on first use, written back at commit. */
export class Documents {
  readonly #texts: Map<string, string>;
  readonly #values = new Map<string, unknown>();
  readonly #dirty = new Set<string>();
  #changes: (readonly [name: string, json: string | null])[] | undefined;
  readonly #undo: { name: string; value: unknown; wasDirty: boolean }[] = [];

  readonly #onDamage: (name: string, error: unknown) => void;

  /**
   * @param texts JSON text by name, as stored; owned by this object from now on
   * @param onDamage a text is no JSON: its document is as if it never was, and its agent goes on without it
   */
  constructor(texts: Map<string, string>, onDamage: (name: string, error: unknown) => void) {
    this.#texts = texts;
    this.#onDamage = onDamage;
  }

  /** Undefined when there is none. */
  get(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    const text = this.#texts.get(name);
    if (text === undefined) return undefined;
    const value = this.#parsed(name, text);
    this.#values.set(name, value);
    return value;
  }

  #parsed(name: string, text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      this.#onDamage(name, error);
      return undefined;
    }
  }

  /** Undefined deletes. */
  set(name: string, value: unknown): void {
    this.#undo.push({ name, value: this.get(name), wasDirty: this.#dirty.has(name) });
    this.#values.set(name, value);
    this.#dirty.add(name);
    this.#changes = undefined;
  }

  /** Names that begin with `prefix`, in no order. */
  names(prefix: string): string[] {
    const names = new Set<string>();
    for (const name of this.#texts.keys())
      if (name.startsWith(prefix) && !this.#values.has(name)) names.add(name);
    for (const [name, value] of this.#values)
      if (name.startsWith(prefix) && value !== undefined) names.add(name);
    return [...names];
  }

  /** A point to which `rollBack` returns. */
  mark(): number {
    return this.#undo.length;
  }

  /** Returns the names of what has its earlier value again. */
  rollBack(mark: number): string[] {
    const undone = this.#undo.splice(mark).reverse();
    this.#changes = undefined;
    for (const { name, value, wasDirty } of undone) {
      this.#values.set(name, value);
      if (!wasDirty) this.#dirty.delete(name);
    }
    return undone.map(({ name }) => name);
  }

  /** What is set so far stays: earlier marks are void. */
  keep(): void {
    this.#undo.length = 0;
  }

  /** What was set since the last commit: JSON text by name, null for deleted ones. */
  changes(): readonly (readonly [name: string, json: string | null])[] {
    // A commit asks twice when the agent has a file.
    return (this.#changes ??= Array.from(this.#dirty, (name) => {
      const value = this.#values.get(name);
      return [name, value === undefined ? null : JSON.stringify(value)] as const;
    }));
  }

  committed(): void {
    this.#dirty.clear();
    this.#changes = undefined;
    this.keep();
  }
}
