/**
 * What the chat panel knows: messages, answers under way, and the last failure. Pure: a frame gives a new state.
 *
 * I1 A chunk counts once: its number in its stream (`seq`) has to be higher than the last one's, so that what comes
 *    again after a reconnect changes nothing.
 * I2 What is read of the bridge never takes back an answer under way, nor a question it cannot know yet.
 */
import type { Frame } from '../wire/index.ts';
import { closed, withChunk } from './chat-parts.ts';
import type { ChatPart, Chunk } from './chat-parts.ts';
import { isObject } from './twin.ts';

export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly ChatPart[];
}

export interface ChatFailure {
  readonly code: string;
  readonly text: string;
}

/** A request whose last frame has not come. */
export interface OpenRequest {
  readonly id: string;
  /** The last chunk that came; 0: none yet. */
  readonly seq: number;
  /** The question, when it was asked here. */
  readonly questionId: string | null;
  /** The answer; null until its first chunk. */
  readonly messageId: string | null;
  readonly baseParts: number;
}

export interface ChatState {
  readonly messages: readonly ChatMessage[];
  readonly open: readonly OpenRequest[];
  readonly failure: ChatFailure | null;
}

export const EMPTY_CHAT: ChatState = { messages: [], open: [], failure: null };

type Response = Extract<Frame, { type: 'cf_agent_use_chat_response' }>;

export function userMessage(id: string, text: string): ChatMessage {
  return { id, role: 'user', parts: [{ type: 'text', text }] };
}

/** A question was asked here. */
export function asked(state: ChatState, requestId: string, question: ChatMessage): ChatState {
  const request = newRequest(requestId, question.id);
  return { messages: [...state.messages, question], open: [...state.open, request], failure: null };
}

/** An answer that this page has not seen the beginning of. */
function joined(state: ChatState, requestId: string): ChatState {
  if (state.open.some(({ id }) => id === requestId)) return state;
  return { ...state, open: [...state.open, newRequest(requestId, null)] };
}

/** The messages as the bridge has them. I2 */
export function listed(state: ChatState, messages: readonly unknown[]): ChatState {
  const held = new Set(state.open.flatMap(({ questionId, messageId }) => [questionId, messageId]));
  const next = messages.filter(isMessage);
  state.messages.forEach((message, at) => {
    if (!held.has(message.id)) return;
    const known = next.findIndex(({ id }) => id === message.id);
    if (known >= 0) {
      next[known] = message;
      return;
    }
    const before = state.messages[at - 1]?.id;
    const after = next.findIndex(({ id }) => id === before);
    next.splice(after < 0 ? next.length : after + 1, 0, message);
  });
  return { ...state, messages: next };
}

/** The state after a frame; the same one when it says nothing new. */
export function withFrame(state: ChatState, frame: Frame): ChatState {
  switch (frame.type) {
    case 'cf_agent_chat_messages':
      return listed(state, frame.messages);
    case 'cf_agent_message_updated':
      return isMessage(frame.message) ? withMessage(state, frame.message) : state;
    case 'cf_agent_chat_clear':
      return EMPTY_CHAT;
    case 'cf_agent_stream_resuming':
      return joined(state, frame.id);
    case 'cf_agent_use_chat_response':
      return frame.done ? ended(state, frame) : withResponse(state, frame);
    default:
      return state;
  }
}

/** Everything a message says in words. */
export function textOf({ parts }: ChatMessage): string {
  return parts
    .flatMap((part) => (part.type === 'text' && typeof part.text === 'string' ? [part.text] : []))
    .join('\n\n');
}

function newRequest(id: string, questionId: string | null): OpenRequest {
  return { id, seq: 0, questionId, messageId: null, baseParts: 0 };
}

/** One that is not there comes to the end; of an answer under way, the chunks decide. */
function withMessage(state: ChatState, message: ChatMessage): ChatState {
  if (state.open.some(({ messageId }) => messageId === message.id)) return state;
  const at = state.messages.findIndex(({ id }) => id === message.id);
  const messages = at < 0 ? [...state.messages, message] : state.messages.with(at, message);
  return { ...state, messages };
}

function withResponse(before: ChatState, frame: Response): ChatState {
  const state = joined(before, frame.id);
  const request = state.open.find(({ id }) => id === frame.id);
  const seq = frame.seq ?? (request?.seq ?? 0) + 1;
  if (request === undefined || seq <= request.seq) return before; // I1
  if (frame.error === true) return { ...withRequest(state, { ...request, seq }), failure: failureOf(frame) };
  const chunk = chunkOf(frame.body);
  if (chunk === null) return withRequest(state, { ...request, seq });
  if (chunk.type === 'start' && typeof chunk.messageId === 'string') {
    return begun(state, { ...request, seq }, chunk.messageId, frame.continuation === true);
  }
  const next = withRequest(state, { ...request, seq });
  const at = state.messages.findIndex(({ id }) => id === request.messageId);
  const message = state.messages[at];
  if (message === undefined) return next;
  const parts = withChunk(message.parts, chunk, request.baseParts);
  return { ...next, messages: state.messages.with(at, { ...message, parts }) };
}

/** An answer starts empty, whatever was stored of it: all of its chunks come. A continuation keeps what was there. */
function begun(
  state: ChatState,
  request: OpenRequest,
  messageId: string,
  isContinuation: boolean,
): ChatState {
  const at = state.messages.findIndex(({ id }) => id === messageId);
  const known = state.messages[at];
  const message: ChatMessage =
    known !== undefined && isContinuation ? known : { id: messageId, role: 'assistant', parts: [] };
  const messages = known === undefined ? placed(state, request, message) : state.messages.with(at, message);
  const next = withRequest(state, { ...request, messageId, baseParts: message.parts.length });
  return { ...next, messages, failure: null };
}

/** Behind its question: others may wait for their turn. */
function placed(state: ChatState, { questionId }: OpenRequest, message: ChatMessage): readonly ChatMessage[] {
  const at = state.messages.findIndex(({ id }) => id === questionId);
  return at < 0 ? [...state.messages, message] : state.messages.toSpliced(at + 1, 0, message);
}

function ended(state: ChatState, frame: Response): ChatState {
  const request = state.open.find(({ id }) => id === frame.id);
  if (request === undefined) return state;
  return {
    messages: state.messages.map((message) =>
      message.id === request.messageId ? { ...message, parts: closed(message.parts) } : message,
    ),
    open: state.open.filter(({ id }) => id !== frame.id),
    failure: frame.error === true ? failureOf(frame) : state.failure,
  };
}

function withRequest(state: ChatState, request: OpenRequest): ChatState {
  return { ...state, open: state.open.map((one) => (one.id === request.id ? request : one)) };
}

/** The text begins with its code, as a chat without a place for codes shows it. */
function failureOf({ code = 'BRG_CHAT_FAILED', body }: Response): ChatFailure {
  const text = typeof body === 'string' ? body : '';
  return { code, text: text.startsWith(`${code}: `) ? text.slice(code.length + 2) : text };
}

function chunkOf(body: unknown): Chunk | null {
  return isObject(body) && typeof body.type === 'string' ? (body as Chunk) : null; // as: just checked
}

function isMessage(value: unknown): value is ChatMessage {
  return isObject(value) && typeof value.id === 'string' && Array.isArray(value.parts);
}
