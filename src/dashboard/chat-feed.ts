/**
 * The chat with one agent over the page's own connection: asks, stops, clears, and comes back after a lost
 * connection with the number of the last chunk it has, so that nothing of an answer is lost or shown twice.
 */
import { getJson } from './api.ts';
import { asked, EMPTY_CHAT, listed, userMessage, withFrame } from './chat-state.ts';
import type { ChatState } from './chat-state.ts';
import { Observable } from './observable.ts';
import type { Frame, InboundFrame } from '../wire/index.ts';

/** What the chat needs of its page. */
export interface ChatPlaces {
  /** Of the messages, relative to the page. */
  readonly path: string;
  /** False: the connection is not there. */
  send(frame: InboundFrame): boolean;
}

export class ChatFeed {
  readonly state = new Observable<ChatState>(EMPTY_CHAT);
  /** Why the messages of earlier could not be read. */
  readonly isUnread = new Observable(false);
  readonly #places: ChatPlaces;
  #next: ChatState = EMPTY_CHAT;
  /** Requests whose end leaves open what the bridge keeps of them. */
  readonly #toRead = new Set<string>();

  constructor(places: ChatPlaces) {
    this.#places = places;
  }

  /** False: it was not sent, and nothing has changed. */
  ask(text: string): boolean {
    const question = userMessage(newId(), text);
    const id = newId();
    // Only the last message: a frame has a limit, and what the bridge knows it does not need again.
    const init = { method: 'POST', body: { messages: [question] } };
    if (!this.#places.send({ type: 'cf_agent_use_chat_request', id, init })) return false;
    this.#set(asked(this.#next, id, question));
    this.flush();
    return true;
  }

  /** Ends every answer under way; what was said of them stays. */
  stop(): void {
    for (const { id } of this.#next.open) {
      this.#toRead.add(id);
      this.#places.send({ type: 'cf_agent_chat_request_cancel', id });
    }
  }

  /** Forgets the whole chat, for everybody. */
  clear(): void {
    if (!this.#places.send({ type: 'cf_agent_chat_clear' })) return;
    this.#set(EMPTY_CHAT);
    this.flush();
  }

  /** The connection is up: what was under way goes on. Never rejects. */
  async connected(): Promise<void> {
    for (const { id, seq } of this.#next.open) {
      this.#places.send({ type: 'cf_agent_stream_resume_request', id, seq });
    }
    await this.#read();
  }

  /** Takes a frame; shows it with the next `flush`. */
  receive(frame: Frame): void {
    const { open } = this.#next;
    if (frame.type === 'cf_agent_stream_resuming' && !open.some(({ id }) => id === frame.id)) {
      this.#places.send({ type: 'cf_agent_stream_resume_ack', id: frame.id });
    }
    this.#set(withFrame(this.#next, frame));
    if (frame.type !== 'cf_agent_use_chat_response') return;
    // The bridge tells everybody but who asked how it keeps what was cut off, or goes on.
    if (frame.error === true || frame.continuation === true) this.#toRead.add(frame.id);
    if (frame.done && this.#toRead.delete(frame.id)) void this.#read(); // never rejects
  }

  flush(): void {
    this.state.set(this.#next);
  }

  #set(state: ChatState): void {
    this.#next = state;
  }

  async #read(): Promise<void> {
    try {
      const { messages } = await getJson<{ messages: readonly unknown[] }>(this.#places.path);
      this.#set(listed(this.#next, messages));
      this.isUnread.set(false);
    } catch (error) {
      console.warn('messages not read', error); // the page says so
      this.isUnread.set(true);
    }
    this.flush();
  }
}

function newId(): string {
  // `crypto.randomUUID` is there on https and loopback only.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
