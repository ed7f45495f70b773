import type { UIMessage } from 'ai';
import { assert } from '../../base/errors.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { ChatDesk } from './chat-desk.ts';
import { asUIMessage } from './chat-message.ts';

/** What the two classes that chat offer their authors, in the types of the AI SDK. */
export class ChatFacade {
  readonly #parts: AgentParts;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  get messages(): UIMessage[] {
    return this.#desk.messages.map(asUIMessage);
  }

  original(id: string): UIMessage | undefined {
    const message = this.#desk.store.original(id);
    return message === undefined ? undefined : asUIMessage(message);
  }

  clear(): void {
    this.#parts.context.attempt(() => this.#desk.clear());
  }

  save(messages: readonly unknown[]): Promise<{ readonly requestId: string }> {
    return this.#attempt(() => ({ requestId: this.#desk.save(messages) }));
  }

  continueLast(): Promise<{ readonly requestId: string }> {
    return this.#attempt(() => ({ requestId: this.#desk.continueLast() }));
  }

  persist(messages: readonly unknown[], exceptIds: readonly string[]): Promise<void> {
    return this.#attempt(() => this.#desk.persist(messages, exceptIds));
  }

  get #desk(): ChatDesk {
    const { chat } = this.#parts;
    assert(chat !== undefined, 'a class that chats says that it can');
    return chat;
  }

  /** What it throws is a rejection, and has left nothing behind. */
  #attempt<T>(part: () => T): Promise<T> {
    return new Promise((resolve) => resolve(this.#parts.context.attempt(part)));
  }
}
