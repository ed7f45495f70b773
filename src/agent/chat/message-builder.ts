/**
 * Makes a message out of the chunks of a UI-message stream, as clients of the AI SDK do. A chunk that makes no sense
 * (a delta of a text that never began) is left out: clients decide for themselves what to do with it.
 */
import type { UIMessageChunk } from 'ai';
import { isJsonObject } from '../merge-patch.ts';
import { isToolPart, type ChatMessage, type ChatPart } from './chat-message.ts';

/** One chunk: `type`, and what belongs to it. */
export interface Chunk {
  readonly type: UIMessageChunk['type'] | (string & {});
  readonly [field: string]: unknown;
}

type OpenPart = { type: string } & Record<string, unknown>;

export class MessageBuilder {
  readonly role = 'assistant';
  /** Parts that were there before the stream: a continuation adds to them. */
  readonly baseParts: number;
  #id: string;
  #metadata: unknown;
  readonly #parts: OpenPart[];
  /** Texts and reasoning under way, by `type id`. */
  readonly #open = new Map<string, OpenPart>();

  constructor(base: ChatMessage) {
    this.#id = base.id;
    this.#metadata = base.metadata;
    this.#parts = base.parts.map((part) => ({ ...part }));
    this.baseParts = this.#parts.length;
  }

  get id(): string {
    return this.#id;
  }

  /** Whether the stream has added anything. */
  get isEmpty(): boolean {
    return this.#parts.length === this.baseParts;
  }

  /** The message so far: a copy that later chunks do not change. */
  get message(): ChatMessage {
    const parts = this.#parts.map((part) => ({ ...part }));
    const metadata = this.#metadata === undefined ? {} : { metadata: this.#metadata };
    return { id: this.#id, role: this.role, parts, ...metadata };
  }

  /** The tool call of this id in the message so far. */
  tool(toolCallId: unknown): OpenPart | undefined {
    return this.#parts.findLast((part) => isToolPart(part) && part.toolCallId === toolCallId);
  }

  /** False: it refers to a tool call that is not in this message. */
  apply(chunk: Chunk): boolean {
    switch (chunk.type) {
      case 'text-start':
      case 'reasoning-start':
        this.#begin(chunk);
        return true;
      case 'text-delta':
      case 'reasoning-delta':
        this.#extend(chunk);
        return true;
      case 'text-end':
      case 'reasoning-end':
        this.#end(chunk);
        return true;
      case 'start':
      case 'finish':
      case 'message-metadata':
        this.#describe(chunk);
        return true;
      case 'start-step':
        this.#parts.push({ type: 'step-start' });
        return true;
      case 'reset-step':
        this.#resetStep();
        return true;
      case 'file':
      case 'reasoning-file':
      case 'source-url':
      case 'source-document':
      case 'custom':
      case 'steering-message':
        this.#parts.push({ ...chunk });
        return true;
      default:
        if (chunk.type.startsWith('tool-')) return this.#tool(chunk);
        if (chunk.type.startsWith('data-')) this.#data(chunk);
        return true;
    }
  }

  /** The stream ended: texts it left open are as they are. */
  close(): void {
    for (const part of this.#open.values()) part['state'] = 'done';
    this.#open.clear();
  }

  /** The stream ended in the middle: nothing of it will come any more. @param isClients whether a client runs this tool */
  interrupt(isClients: (toolName: string) => boolean): void {
    this.close();
    const added = this.#parts.splice(this.baseParts);
    for (const part of added) {
      // The beginning of an input is no input.
      if (isToolPart(part) && part.state === 'input-streaming') continue;
      const isLost = isToolPart(part) && part.state === 'input-available' && !isClients(toolNameOf(part));
      this.#parts.push(
        isLost ? { ...part, state: 'output-error', errorText: 'The turn ended before the tool did.' } : part,
      );
    }
  }

  #begin({ type, id, providerMetadata }: Chunk): void {
    const kind = kindOf(type);
    const named = kind === 'reasoning' ? { id } : {};
    const part: OpenPart = {
      type: kind,
      ...named,
      text: '',
      state: 'streaming',
      ...optional({ providerMetadata }),
    };
    this.#open.set(`${kind} ${String(id)}`, part);
    this.#parts.push(part);
  }

  #extend({ type, id, delta, providerMetadata }: Chunk): void {
    const part = this.#open.get(`${kindOf(type)} ${String(id)}`);
    if (part === undefined || typeof delta !== 'string') return;
    part['text'] = String(part['text']) + delta;
    Object.assign(part, optional({ providerMetadata }));
  }

  #end({ type, id, providerMetadata, citations }: Chunk): void {
    const key = `${kindOf(type)} ${String(id)}`;
    const part = this.#open.get(key);
    if (part === undefined) return;
    this.#open.delete(key);
    Object.assign(part, { state: 'done' }, optional({ providerMetadata, citations }));
  }

  #describe({ type, messageId, messageMetadata }: Chunk): void {
    // A continuation stays the message it continues.
    if (type === 'start' && typeof messageId === 'string' && this.baseParts === 0) this.#id = messageId;
    if (messageMetadata === undefined) return;
    this.#metadata =
      isJsonObject(this.#metadata) && isJsonObject(messageMetadata)
        ? { ...this.#metadata, ...messageMetadata }
        : messageMetadata;
  }

  #resetStep(): void {
    this.#open.clear();
    const start = this.#parts.findLastIndex(({ type }) => type === 'step-start');
    this.#parts.splice(Math.max(start + 1, this.baseParts));
  }

  #data({ type, id, data, transient }: Chunk): void {
    if (transient === true) return;
    const known =
      id === undefined ? undefined : this.#parts.find((part) => part.type === type && part['id'] === id);
    if (known !== undefined) known['data'] = data;
    else this.#parts.push({ type, ...optional({ id }), data });
  }

  #tool(chunk: Chunk): boolean {
    const { type, toolCallId } = chunk;
    const part = this.tool(toolCallId);
    switch (type) {
      case 'tool-input-start':
        this.#call(part, chunk, { state: 'input-streaming' });
        return true;
      case 'tool-input-available':
        this.#call(part, chunk, { state: 'input-available', input: chunk['input'] });
        return true;
      case 'tool-input-error':
        this.#call(part, chunk, {
          state: 'output-error',
          input: chunk['input'],
          errorText: chunk['errorText'],
        });
        return true;
      case 'tool-input-delta':
        return true;
      case 'tool-approval-response':
        return this.#approved(chunk);
      default:
        if (part === undefined) return false;
        Object.assign(part, toolChange(chunk));
        return true;
    }
  }

  #call(known: OpenPart | undefined, chunk: Chunk, change: Record<string, unknown>): void {
    const { toolCallId, toolName, dynamic, providerExecuted, providerMetadata, title, toolMetadata } = chunk;
    const name = String(toolName);
    const part: OpenPart =
      known ??
      (dynamic === true
        ? { type: 'dynamic-tool', toolName: name, toolCallId }
        : { type: `tool-${name}`, toolCallId });
    const facts = { providerExecuted, callProviderMetadata: providerMetadata, title, toolMetadata };
    Object.assign(part, change, optional(facts));
    if (known === undefined) this.#parts.push(part);
  }

  /** By the call, where one of ours says it: a call may be approved that never asked. */
  #approved({ approvalId, toolCallId, approved, reason }: Chunk): boolean {
    const isAsked = ({ approval }: OpenPart): boolean =>
      isJsonObject(approval) && approval['id'] === approvalId;
    const part = this.#parts.findLast(isAsked) ?? this.tool(toolCallId);
    if (part === undefined) return false;
    const approval = {
      ...(isJsonObject(part['approval']) ? part['approval'] : {}),
      id: approvalId,
      approved,
    };
    Object.assign(part, { state: 'approval-responded', approval: { ...approval, ...optional({ reason }) } });
    return true;
  }
}

/** What a chunk about a tool call changes in its part. */
export function toolChange(chunk: Chunk): Record<string, unknown> {
  const { output, errorText, preliminary, approvalId, reason, signature } = chunk;
  switch (chunk.type) {
    case 'tool-output-available':
      // The last output is not preliminary, whatever the one before it was.
      return { state: 'output-available', output, preliminary: preliminary === true ? true : undefined };
    case 'tool-output-error':
      return { state: 'output-error', errorText };
    case 'tool-output-denied':
      return { state: 'output-denied' };
    case 'tool-approval-request': {
      const isAutomatic = chunk['isAutomatic'] === true ? true : undefined;
      const asked = {
        requestReason: reason,
        descriptor: chunk['approvalDescriptor'],
        isAutomatic,
        signature,
      };
      return { state: 'approval-requested', approval: { id: approvalId, ...optional(asked) } };
    }
    default:
      return {};
  }
}

/** The name of the tool that a part calls. */
export function toolNameOf(part: ChatPart): string {
  return part.type === 'dynamic-tool' ? String(part['toolName']) : part.type.slice('tool-'.length);
}

function kindOf(type: string): string {
  return type.slice(0, type.indexOf('-'));
}

/** The fields that are there. */
function optional(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}
