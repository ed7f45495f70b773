/** What a client's request for an answer says: the `init` of the fetch that `useAgentChat` would have made. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import { checkedMessage, type ChatMessage } from './chat-message.ts';

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** Undefined: the client did not say. */
  readonly clientTools: readonly unknown[] | undefined;
  readonly isRegeneration: boolean;
  /** Everything else that the client sent. */
  readonly body: JsonObject;
}

/** What is no part of the author's `body`. */
const OWN_FIELDS = ['messages', 'clientTools', 'trigger'];

/** In CBOR the body may be a map instead of JSON text. @throws BridgeError BRG_CHAT_REQUEST */
export function chatRequest(init: JsonObject): ChatRequest {
  const { method, body: raw } = init;
  if (method !== 'POST') throw refusal('init.method is not POST');
  const body = typeof raw === 'string' ? parsed(raw) : raw;
  if (!isJsonObject(body)) throw refusal('init.body is no JSON object');
  const { messages, clientTools, trigger } = body;
  if (!Array.isArray(messages)) throw refusal('init.body has no list of messages');
  return {
    messages: checkedMessages(messages),
    clientTools: checkedTools(clientTools),
    isRegeneration: trigger === 'regenerate-message',
    body: Object.fromEntries(Object.entries(body).filter(([name]) => !OWN_FIELDS.includes(name))),
  };
}

/** @throws BridgeError BRG_CHAT_REQUEST for one that is none */
export function checkedMessages(list: readonly unknown[]): ChatMessage[] {
  return list.map((value, at) => {
    const message = checkedMessage(value);
    if (message === undefined) throw refusal(`message ${at} needs an id, a role and a list of parts`);
    return message;
  });
}

/** @throws BridgeError BRG_CHAT_REQUEST */
export function checkedTools(tools: unknown): readonly unknown[] | undefined {
  if (tools === undefined || tools === null) return undefined;
  if (Array.isArray(tools) && tools.length <= limits.chatClientToolsMax) return tools;
  throw refusal(`clientTools is no list of at most ${limits.chatClientToolsMax} tools`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(what: string): BridgeError {
  return new BridgeError('BRG_CHAT_REQUEST', what);
}
