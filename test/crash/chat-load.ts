/** Questions to agents that chat. Question and answer that were acknowledged are in the chat, once. */
import type { BridgeAddress } from './bridge.ts';
import { ask, asked, pause, type Load, type LoadSettings } from './load.ts';

/** The API answers the newest messages only; a chat is as long as it answers. */
const QUESTIONS_MAX = 4000;

export interface ChatSettings extends LoadSettings {
  readonly chats: number;
  readonly intervalMs: number;
}

interface Message {
  readonly role: string;
  readonly parts: readonly { readonly type: string; readonly text?: string }[];
}

export class ChatLoad implements Load {
  readonly name = 'chat';
  readonly #chats: Chat[];

  constructor(settings: ChatSettings) {
    this.#chats = Array.from({ length: settings.chats }, (_, n) => new Chat(`c${n}`, settings));
  }

  get acks(): number {
    return this.#chats.reduce((sum, { acks }) => sum + acks, 0);
  }

  start(bridge: BridgeAddress): Promise<void> {
    for (const chat of this.#chats) chat.start(bridge);
    return Promise.resolve();
  }

  stop(): void {
    for (const chat of this.#chats) chat.stop();
  }

  settle(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    return (await Promise.all(this.#chats.map((chat) => chat.check(bridge)))).flat();
  }
}

class Chat {
  acks = 0;
  readonly #path: string;
  readonly #id: string;
  readonly #settings: ChatSettings;
  readonly #acked = new Set<number>();
  #next = 0;
  #life = 0;

  constructor(id: string, settings: ChatSettings) {
    this.#id = id;
    this.#path = `/api/agents/crash-chat/${id}`;
    this.#settings = settings;
  }

  start(bridge: BridgeAddress): void {
    void this.#talk(bridge, ++this.#life);
  }

  stop(): void {
    this.#life++;
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    if (this.#acked.size === 0) return [];
    const acked = [...this.#acked];
    const { messages } = (await asked(bridge, 'GET', `${this.#path}/messages`)) as { messages: Message[] }; // its schema
    const count = new Map<string, number>();
    for (const message of messages) {
      const text = `${message.role}: ${message.parts.map((part) => part.text ?? '').join('')}`;
      count.set(text, (count.get(text) ?? 0) + 1);
    }
    const wrong: string[] = [];
    const about = `crash-chat/${this.#id}`;
    for (const k of acked) {
      for (const text of [`user: ${question(k)}`, `assistant: re: ${question(k)}`]) {
        if (!count.has(text)) wrong.push(`${about}: “${text}” was acknowledged and is not there`);
      }
    }
    for (const [text, times] of count)
      if (times > 1) wrong.push(`${about}: “${text}” is there ${times} times`);
    return wrong;
  }

  async #talk(bridge: BridgeAddress, life: number): Promise<void> {
    const { random, intervalMs } = this.#settings;
    // Creates it: a question does not.
    await ask(bridge, 'POST', `/api/agents/crash-chat/${this.#id}/call/hello`, { args: [] });
    while (life === this.#life && this.#next < QUESTIONS_MAX) {
      const k = this.#next++;
      const answer = await ask(bridge, 'POST', `${this.#path}/ask?wait=10s`, { text: question(k) });
      if ((answer as { finish?: string } | undefined)?.finish === 'done') {
        this.#acked.add(k);
        this.acks++;
      }
      await pause(random.between(0.2, 1.8) * intervalMs);
    }
  }
}

function question(k: number): string {
  return `question ${k}?`;
}
