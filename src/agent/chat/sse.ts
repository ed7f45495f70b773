/**
 * Server-sent events out of bytes, however they are cut: in the middle of a line, of an event, or of a character.
 * WHATWG HTML section 9.2.6, but that an event which the end of the stream cuts off counts: servers forget the
 * last blank line.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/** The `data` of each event, as its bytes come in. */
export class SseReader {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: false });
  #rest = '';
  /** The last piece ended in CR: an LF that comes next belongs to it. */
  #isAfterCr = false;
  #data: string[] = [];
  /** Characters of `#data`. */
  #held = 0;

  /** The events that these bytes complete. @throws BridgeError BRG_CHAT_STREAM for one that is too large */
  push(bytes: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What is left when the bytes have ended. */
  end(): string[] {
    const events = this.#take(this.#decoder.decode());
    const rest = this.#rest;
    this.#rest = '';
    if (rest !== '') this.#line(rest, events);
    this.#dispatch(events);
    return events;
  }

  #take(piece: string): string[] {
    const events: string[] = [];
    let text = piece;
    if (this.#isAfterCr && text.startsWith('\n')) text = text.slice(1);
    if (piece !== '') this.#isAfterCr = piece.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    // Only the new text is searched for ends of lines: a long line costs no more than a short one.
    const [first = '', ...others] = lines;
    this.#rest += first;
    for (const next of others) {
      this.#line(this.#rest, events);
      this.#rest = next;
    }
    if (this.#rest.length + this.#held <= limits.chatChunkBytesMax) return events;
    throw new BridgeError('BRG_CHAT_STREAM', `an event has more than ${limits.chatChunkBytesMax} characters`);
  }

  #line(line: string, events: string[]): void {
    if (line === '') return this.#dispatch(events);
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== 'data') return;
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.#data.push(value.startsWith(' ') ? value.slice(1) : value);
    this.#held += value.length;
  }

  #dispatch(events: string[]): void {
    if (this.#data.length > 0) events.push(this.#data.join('\n'));
    this.#data = [];
    this.#held = 0;
  }
}
