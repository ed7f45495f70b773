import type { UIMessage } from 'ai';
import type { ActorContext } from '../../actor/index.ts';
import type { BridgeError } from '../../base/errors.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import { DeviceAgent, type DeviceState } from '../device-agent.ts';
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
import { deviceTools } from '../device-tools/index.ts';
import { remoteTools } from '../mcp/index.ts';
import { programTool } from '../programs/index.ts';
import { answerWithModel } from './default-answer.ts';

/** The agent of a device, to talk to: a `DeviceAgent` with what a `ChatAgent` has. Telemetry never waits for an answer. */
export class DeviceChatAgent<State extends DeviceState = DeviceState>
  extends DeviceAgent<State>
  implements ChatAuthor
{
  static override readonly [BASE_CLASS]: BaseClass = 'device';

  /** Called by the runtime; subclasses override hooks, not the constructor. */
  constructor(context: ActorContext, definition: DeviceDefinition) {
    super(context, definition);
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
   * Default: `languageModel` answers, with the device's tools, whose policy decides, and those of trusted MCP servers.
   * @throws BridgeError BRG_DEFINITION (a policy that is wrong), BRG_INTERNAL
   */
  onChatMessage(onFinish: ChatFinish, options: ChatTurnOptions): ChatAnswer | Promise<ChatAnswer> {
    const units = this.definition.metrics.map(
      ({ name, unit }) => `${name}${unit === undefined ? '' : ` in ${unit}`}`,
    );
    const about = `${this.definition.description}. It measures ${units.join(', ')}.`;
    const by = { by: 'chat' };
    const run = programTool(this, { ...by, isBesideTools: true });
    const tools = [...deviceTools(this, by), ...remoteTools(this, by), run];
    return answerWithModel(this, about, onFinish, options, tools);
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
