/** The text of an answer as its tokens come: whole characters only, and nothing that may be the beginning of a stop text. */
export class OutputText {
  readonly #stops: readonly string[];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #text = '';
  /** Characters that were handed on. */
  #handed = 0;
  #isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  /** All of it, without the stop text. */
  get text(): string {
    return this.#text;
  }

  /** Whether a stop text came. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  add(bytes: Uint8Array): void {
    if (!this.#isStopped) this.#append(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What may be handed on and was not yet. */
  take(): string {
    const end = this.#text.length - this.#held();
    const fresh = this.#text.slice(this.#handed, Math.max(end, this.#handed));
    this.#handed += fresh.length;
    return fresh;
  }

  /** The rest; a character that was cut is U+FFFD. */
  end(): string {
    if (!this.#isStopped) this.#append(this.#decoder.decode());
    const rest = this.#text.slice(this.#handed);
    this.#handed = this.#text.length;
    return rest;
  }

  #append(more: string): void {
    const from = this.#text.length;
    this.#text += more;
    for (const stop of this.#stops) {
      const at = this.#text.indexOf(stop, Math.max(0, from - stop.length + 1));
      if (at < 0) continue;
      this.#text = this.#text.slice(0, at);
      this.#isStopped = true;
    }
  }

  /** Characters at the end that may become a stop text. */
  #held(): number {
    if (this.#isStopped) return 0;
    let held = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#text.length); length > held; length--) {
        if (this.#text.endsWith(stop.slice(0, length))) held = length;
      }
    }
    return held;
  }
}
