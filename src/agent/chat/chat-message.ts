/**
 * A message of a chat as it is stored: the shape of the AI SDK's `UIMessage`, loosely typed, because what is
 * stored or comes from a client is checked for its structure only. Parts are looked at by their `type`.
 */
import type { UIMessage } from 'ai';
import { limits } from '../../base/limits.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';

/** One part of a message: text, reasoning, a tool call, a file, `data-*` ... */
export interface ChatPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly ChatPart[];
  readonly metadata?: unknown;
}

/** For authors: the same value under the type of the AI SDK. */
export function asUIMessage(message: ChatMessage): UIMessage {
  return message as unknown as UIMessage; // its structure was checked; what parts hold is for the AI SDK to check
}

/** Undefined for what is no message: `id` a text, `role` a known one, `parts` a list of objects with a `type`. */
export function checkedMessage(value: unknown): ChatMessage | undefined {
  if (!isJsonObject(value) || !isId(value['id'])) return undefined;
  const { role, parts } = value;
  if (role !== 'user' && role !== 'assistant' && role !== 'system') return undefined;
  if (!Array.isArray(parts) || parts.length > limits.chatPartsMax || !parts.every(isPart)) return undefined;
  return value as unknown as ChatMessage; // checked above
}

/** Whether it can be the id of a message, a request or a tool call. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= limits.chatIdCharactersMax;
}

function isPart(value: unknown): value is ChatPart {
  return isJsonObject(value) && typeof value['type'] === 'string';
}

/** A part that is a call of a tool, with its id. */
export interface ToolPart extends ChatPart {
  readonly toolCallId: string;
  readonly state?: unknown;
}

export function isToolPart(part: ChatPart): part is ToolPart {
  return (
    (part.type.startsWith('tool-') || part.type === 'dynamic-tool') && typeof part['toolCallId'] === 'string'
  );
}

/** The tool call of this id in a message. */
export function toolPart(message: ChatMessage, toolCallId: string): ToolPart | undefined {
  return message.parts.filter(isToolPart).find((part) => part.toolCallId === toolCallId);
}

/** The message with another part in the place of its call of this id. */
export function withToolPart(
  message: ChatMessage,
  toolCallId: string,
  change: (part: ToolPart) => ChatPart,
): ChatMessage {
  const parts = message.parts.map((part) =>
    isToolPart(part) && part.toolCallId === toolCallId ? change(part) : part,
  );
  return { ...message, parts };
}

/** Whether somebody still has to answer this call: a client that runs the tool, or a person who approves it. */
export function isWaiting(part: ToolPart): boolean {
  const { state } = part;
  return (state === 'input-available' && part['providerExecuted'] !== true) || state === 'approval-requested';
}

/**
 * A message of a client, as it may be stored: what became of a known tool call is for the tool frames to say, so a
 * call the client has in an earlier state, or has itself approved, is as the server knows it. An approval of
 * a call that nobody knows is asked for again.
 */
export function reconciled(
  incoming: ChatMessage,
  known: (toolCallId: string) => ToolPart | undefined,
): ChatMessage {
  if (incoming.role !== 'assistant' || !incoming.parts.some(isToolPart)) return incoming;
  const parts = incoming.parts.map((part) => {
    if (!isToolPart(part)) return part;
    const ours = known(part.toolCallId);
    if (ours !== undefined) return ours;
    return part.state === 'approval-responded'
      ? { ...part, state: 'approval-requested', approval: unanswered(part) }
      : part;
  });
  return { ...incoming, parts };
}

function unanswered(part: ToolPart): unknown {
  const approval = part['approval'];
  return { id: isJsonObject(approval) && isId(approval['id']) ? approval['id'] : part.toolCallId };
}

/** OpenAI's own bookkeeping: useless later, and refused when it comes from another conversation. */
const PRIVATE_KEYS = ['itemId', 'reasoningEncryptedContent'];

/** Without what must not be stored: blank reasoning, and a provider's own ids of what it has in its store. */
export function sanitized(message: ChatMessage): ChatMessage {
  const parts = message.parts.filter((part) => !isBlankReasoning(part)).map(withoutPrivateKeys);
  return { ...message, parts };
}

function isBlankReasoning(part: ChatPart): boolean {
  return part.type === 'reasoning' && typeof part['text'] === 'string' && part['text'].trim() === '';
}

function withoutPrivateKeys(part: ChatPart): ChatPart {
  let result = part;
  for (const name of ['providerMetadata', 'callProviderMetadata'] as const) {
    const metadata = result[name];
    if (!isJsonObject(metadata) || !isJsonObject(metadata['openai'])) continue;
    const openai = without(metadata['openai'], PRIVATE_KEYS);
    const rest = Object.keys(openai).length > 0 ? { ...metadata, openai } : without(metadata, ['openai']);
    result = { ...result, [name]: rest };
    if (Object.keys(rest).length === 0) result = withoutField(result, name);
  }
  return result;
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function withoutField(part: ChatPart, name: string): ChatPart {
  const { type, ...fields } = part;
  return { type, ...without(fields, [name]) };
}
