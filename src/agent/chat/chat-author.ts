/** What the chat asks of an author's class: hooks and settings. `ChatAgent` and `DeviceChatAgent` have them. */
import type { BridgeError } from '../../base/errors.ts';
import type { UIMessage } from 'ai';
import type { StandardSchema } from '../calls/callable.ts';
import type { JsonObject } from '../merge-patch.ts';
import type { ChatAnswer } from './chunk-reader.ts';

/**
 * What becomes of a message that a client sends while a turn is under way or waits (Agents SDK): each gets a turn
 * (`queue`), only the last one does (`latest`), the last one with the words of those before it (`merge`), it is
 * not taken (`drop`), or only the last one does, once there was quiet for `debounceMs`.
 */
export type ChatConcurrency =
  | 'queue'
  | 'latest'
  | 'merge'
  | 'drop'
  | 'debounce'
  | {
      readonly strategy: 'debounce';
      /** Quiet time in ms; default 750, at most 60,000. */
      readonly debounceMs?: number;
    };

/** What a turn of the chat is about. */
export interface ChatTurnOptions {
  /** Aborted by `cf_agent_chat_request_cancel`, by a cleared chat, and when the model is silent for too long. */
  readonly abortSignal: AbortSignal;
  readonly requestId: string;
  /** Tools that the client runs: `{ name, description?, parameters? }`, as it sent them. */
  readonly clientTools: readonly unknown[];
  /** What the client sent besides: the `body` of `useAgentChat`. */
  readonly body: JsonObject;
  /** The answer is added to the last message of the assistant. */
  readonly continuation: boolean;
}

/** Where a turn of the chat failed. */
export interface ChatErrorContext {
  readonly requestId: string;
  /** What there is of the answer, as it is stored. */
  readonly message: UIMessage | undefined;
}

/** For `onFinish` of `streamText`: it tells the chat how the model ended. */
export type ChatFinish = (event: { readonly finishReason?: string }) => void;

/** Schemas of data parts by the name after `data-`. */
export type DataSchemas = Readonly<Record<string, StandardSchema>>;

export interface ChatAuthor {
  maxPersistedMessages: number | undefined;
  messageConcurrency: ChatConcurrency;
  onChatMessage(onFinish: ChatFinish, options: ChatTurnOptions): ChatAnswer | Promise<ChatAnswer>;
  onChatError(error: BridgeError, context: ChatErrorContext): void | Promise<void>;
}
