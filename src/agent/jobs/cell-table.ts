/**
 * Records of one kind, each in a document of its own (`<prefix><id>`), so that a change writes one small
 * row. Which ids there are is read once, at the first use, and kept.
 *
 * I1 The documents are the truth; `onChange` hears of every record that appears, changes or goes, also
 *    when a turn that threw takes its writes back.
 */
import type { JobContext } from './job-context.ts';

/** What it takes of an agent. */
export type CellPlaces = Pick<JobContext, 'cell' | 'setCell' | 'cellNames' | 'onTakenBack' | 'rearm'>;

export class CellTable<R extends { readonly id: string }> {
  readonly #context: CellPlaces;
  readonly #prefix: string;
  readonly #onChange: (id: string, record: R | undefined) => void;
  #ids: Set<string> | undefined;

  constructor(
    context: CellPlaces,
    prefix: string,
    onChange: (id: string, record: R | undefined) => void = () => {},
  ) {
    this.#context = context;
    this.#prefix = prefix;
    this.#onChange = onChange;
    context.onTakenBack((cell) => {
      if (this.#ids === undefined || !cell.startsWith(prefix)) return;
      this.#note(this.#ids, cell.slice(prefix.length));
      context.rearm();
    });
  }

  get size(): number {
    return this.ids.size;
  }

  /** Ids of all records; reading them makes sure that `onChange` has heard of each. */
  get ids(): ReadonlySet<string> {
    if (this.#ids !== undefined) return this.#ids;
    const ids = new Set<string>();
    for (const name of this.#context.cellNames(this.#prefix))
      this.#note(ids, name.slice(this.#prefix.length));
    return (this.#ids = ids);
  }

  get(id: string): R | undefined {
    // Only this class writes documents of this prefix.
    return this.#context.cell(this.#prefix + id) as R | undefined;
  }

  all(): R[] {
    return Array.from(this.ids, (id) => this.get(id)).filter((record) => record !== undefined);
  }

  put(record: R): void {
    this.#write(record.id, record);
  }

  /** Whether there was one. */
  delete(id: string): boolean {
    if (!this.ids.has(id)) return false;
    this.#write(id, undefined);
    return true;
  }

  #write(id: string, record: R | undefined): void {
    void this.ids; // what is there already must be known before it changes
    this.#context.setCell(this.#prefix + id, record);
    if (this.#ids !== undefined) this.#note(this.#ids, id);
    this.#context.rearm();
  }

  #note(ids: Set<string>, id: string): void {
    const record = this.get(id);
    if (record === undefined) ids.delete(id);
    else ids.add(id);
    this.#onChange(id, record);
  }
}
