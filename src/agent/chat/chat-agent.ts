import type { UIMessage } from 'ai';
import type { ActorContext } from '../../actor/index.ts';
import type { BridgeError } from '../../base/errors.ts';
import { Agent } from '../agent.ts';
import { remoteTools } from '../mcp/index.ts';
import { PARTS } from '../agent-parts.ts';
import { BASE_CLASS, type BaseClass } from '../calls/callable.ts';
import type {
  ChatAuthor,
  ChatConcurrency,
  ChatErrorContext,
  ChatFinish,
  ChatTurnOptions,
} from './chat-author.ts';
import { ChatFacade } from './chat-facade.ts';
import type { ChatAnswer } from './chunk-reader.ts';
import { answerWithModel } from './default-answer.ts';

/**
 * An agent to talk to: it keeps the messages, runs one turn of the assistant at a time, and streams its answers to all
 * who are connected. Names and meanings of the Agents SDK's `AIChatAgent`; docs/chat.md says what differs.
 */
export class ChatAgent<State = unknown> extends Agent<State> implements ChatAuthor {
  static override readonly [BASE_CLASS]: BaseClass = 'agent';

  /** Called by the runtime; subclasses override hooks, not the constructor. */
  constructor(context: ActorContext) {
    super(context);
    this[PARTS].canChat = true;
  }

  /** How many messages are kept, the oldest deleted; undefined: `limits.chatMessagesMax`. */
  maxPersistedMessages: number | undefined = undefined;
  /** What becomes of messages that come while a turn is under way. */
  messageConcurrency: ChatConcurrency = 'queue';

  /** All messages, oldest first. Treat them as immutable. */
  get messages(): UIMessage[] {
    return this.#chat.messages;
  }

  /**
   * Answers the last message: a Response (server-sent events of the AI SDK, or text), the result of `streamText`, a
   * stream of chunks, or a text. What it throws or rejects with is told in the chat by its code.
   * Default: `languageModel` answers, from the messages and the state, with the tools of MCP servers that are trusted.
   */
  onChatMessage(onFinish: ChatFinish, options: ChatTurnOptions): ChatAnswer | Promise<ChatAnswer> {
    return answerWithModel(this, '', onFinish, options, remoteTools(this, { by: 'chat' }));
  }

  /** A turn failed, or ended with the process (BRG_CHAT_INTERRUPTED). Default: nothing; it is in the log. */
  onChatError(_error: BridgeError, _context: ChatErrorContext): void | Promise<void> {}

  /**
   * Stores messages, tells the clients, and answers in a turn that begins later. Resolves with the id of its request
   * at once. Rejects with BridgeError BRG_CHAT_REQUEST, BRG_CHAT_DATA, BRG_BUSY, BRG_AGENT_FULL; nothing is stored then.
   */
  saveMessages(messages: readonly UIMessage[]): Promise<{ readonly requestId: string }> {
    return this.#chat.save(messages);
  }

  /** Stores messages and tells the clients, but for these connections. Rejects as `saveMessages` does. */
  persistMessages(messages: readonly UIMessage[], exceptIds: readonly string[] = []): Promise<void> {
    return this.#chat.persist(messages, exceptIds);
  }

  /** Lets the assistant add to its last message, in a turn that begins later. Rejects as `saveMessages` does. */
  continueLastTurn(): Promise<{ readonly requestId: string }> {
    return this.#chat.continueLast();
  }

  /** Deletes all messages and streams, and ends the turn under way. */
  clearHistory(): void {
    this.#chat.clear();
  }

  /** A message with everything that was too large to keep in it; undefined when there is none of this id. */
  getOriginal(messageId: string): UIMessage | undefined {
    return this.#chat.original(messageId);
  }

  /** Made when it is needed: most agents are never asked anything. */
  get #chat(): ChatFacade {
    return new ChatFacade(this[PARTS]);
  }
}
