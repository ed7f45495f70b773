/**
 * Makes a message small enough to be stored, as the Agents SDK does it and in its words, and further, so that there
 * is none that cannot be stored: reasoning, files, data parts and the input of tools are made smaller as well. What
 * is taken out is handed back whole: nothing is lost.
 *
 *   1 outputs of tools (assistant only)   2 texts, oldest first   3 reasoning, files, data, inputs: the largest first
 *   4 the message as a whole
 *
 * I1 What comes back is at most `limits.chatRowBytesMax` bytes of JSON.
 * I2 A preview never ends in half of a surrogate pair.
 * I3 A part that was made smaller is small: it is not made smaller again.
 */
import { limits } from '../../base/limits.ts';
import { isJsonObject } from '../merge-patch.ts';
import { isToolPart, type ChatMessage, type ChatPart } from './chat-message.ts';

export interface Guarded {
  readonly message: ChatMessage;
  /** What was taken out, by the index of its part; -1 is the whole message. */
  readonly originals: ReadonlyMap<number, unknown>;
}

const { chatRowBytesMax, chatPartKeptCharacters, chatPreviewCharacters } = limits;
const NOTHING: ReadonlyMap<number, unknown> = new Map();
export const WHOLE_MESSAGE = -1;

/** The message as it is stored, and what was taken out of it. */
export function guarded(message: ChatMessage): Guarded {
  if (bytesOf(message) <= chatRowBytesMax) return { message, originals: NOTHING };
  const cut = new Cut(message);
  if (message.role === 'assistant') cut.outputs();
  cut.texts();
  cut.others();
  return cut.result();
}

/** The first characters of a text, a surrogate pair whole or not at all. */
function preview(text: string): string {
  const last = text.charCodeAt(chatPreviewCharacters - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff && text.length > chatPreviewCharacters;
  return text.slice(0, isHalf ? chatPreviewCharacters - 1 : chatPreviewCharacters);
}

class Cut {
  readonly #message: ChatMessage;
  readonly #parts: ChatPart[];
  readonly #originals = new Map<number, unknown>();
  readonly #outputs: string[] = [];
  readonly #texts: number[] = [];
  readonly #others: number[] = [];
  /** Bytes of the JSON of all parts. */
  #bytes: number;

  constructor(message: ChatMessage) {
    this.#message = message;
    this.#parts = [...message.parts];
    this.#bytes = bytesOf(this.#parts);
  }

  outputs(): void {
    for (const [index, part] of this.#parts.entries()) {
      if (!isToolPart(part) || part.state !== 'output-available') continue;
      const json = JSON.stringify(part['output']) as string | undefined; // its type forgets undefined
      if (json === undefined || json.length <= chatPartKeptCharacters) continue;
      this.#replace(index, { ...part, output: outputNotice(json) });
      this.#outputs.push(part.toolCallId);
    }
  }

  texts(): void {
    for (const [index, part] of this.#parts.entries()) {
      if (this.#fits()) return;
      const { text } = part;
      if (part.type !== 'text' || typeof text !== 'string' || text.length <= chatPartKeptCharacters) continue;
      this.#replace(index, { ...part, text: textNotice(text) });
      this.#texts.push(index);
    }
  }

  /** What the Agents SDK leaves whole: the largest part first, until it fits. */
  others(): void {
    if (this.#fits()) return;
    const sizes = this.#parts.map((part, index) => ({ index, size: JSON.stringify(part).length }));
    for (const { index } of sizes.sort((a, b) => b.size - a.size)) {
      const part = this.#parts[index];
      const smaller = part === undefined ? undefined : smallerPart(part);
      if (smaller === undefined) continue;
      this.#replace(index, smaller);
      this.#others.push(index);
      if (this.#fits()) return;
    }
  }

  result(): Guarded {
    const message = this.#marked();
    if (bytesOf(message) <= chatRowBytesMax) return { message, originals: this.#originals };
    const { id, role } = this.#message;
    const bytes = bytesOf(this.#message);
    const text = `[Message truncated for storage (${bytes} bytes).]`;
    const originals = new Map([[WHOLE_MESSAGE, this.#message]]);
    return { message: { id, role, parts: [{ type: 'text', text }] }, originals };
  }

  #replace(index: number, part: ChatPart): void {
    // The first replacement has the original.
    if (!this.#originals.has(index)) this.#originals.set(index, this.#message.parts[index]);
    this.#bytes += bytesOf(part) - bytesOf(this.#parts[index]);
    this.#parts[index] = part;
  }

  #fits(): boolean {
    return this.#bytes + bytesOf({ ...this.#marked(), parts: [] }) <= chatRowBytesMax;
  }

  #marked(): ChatMessage {
    const marks = {
      ...(this.#outputs.length === 0 ? {} : { compactedToolOutputs: this.#outputs }),
      ...(this.#texts.length === 0 ? {} : { compactedTextParts: this.#texts }),
      ...(this.#others.length === 0 ? {} : { compactedParts: this.#others }),
    };
    const { metadata } = this.#message;
    const hasMarks = Object.keys(marks).length > 0;
    const marked = hasMarks ? { ...(isJsonObject(metadata) ? metadata : {}), ...marks } : metadata;
    return { ...this.#message, parts: this.#parts, ...(marked === undefined ? {} : { metadata: marked }) };
  }
}

/** The words of the Agents SDK; it counts characters and says bytes. */
function outputNotice(json: string): string {
  const bytes = Buffer.byteLength(json);
  return `This tool output was too large to persist in storage (${bytes} bytes). If the user asks about this data, suggest re-running the tool. Preview: ${preview(json)}...`;
}

function textNotice(text: string): string {
  return `[Text truncated for storage (${text.length} chars). First 500 chars: ${preview(text)}...]`;
}

/** Undefined: there is nothing large in it that could go. */
function smallerPart(part: ChatPart): ChatPart | undefined {
  const fields = Object.entries(part).flatMap(([name, value]) => {
    const smaller = name === 'type' || name === 'toolCallId' ? undefined : smallerField(part, name, value);
    return smaller === undefined ? [] : [[name, smaller] as const];
  });
  return fields.length === 0 ? undefined : { ...part, ...Object.fromEntries(fields) };
}

function smallerField(part: ChatPart, name: string, value: unknown): unknown {
  const json = JSON.stringify(value) as string | undefined; // its type forgets undefined
  if (json === undefined || json.length <= chatPartKeptCharacters) return undefined;
  // A URL must stay one, or nothing can show the message any more.
  if (name === 'url' && typeof value === 'string') {
    return `data:text/plain,${encodeURIComponent(`File too large to persist in storage (${value.length} chars).`)}`;
  }
  if (typeof value === 'string') return textNotice(value);
  const what = name === 'input' ? 'tool input' : part.type.startsWith('data-') ? 'data' : name;
  const text = `This ${what} was too large to persist in storage (${Buffer.byteLength(json)} bytes). Preview: ${preview(json)}...`;
  // Providers take objects only, as the input of a tool and as their own metadata.
  return name === 'input' ? { truncated: text } : /metadata$/i.test(name) ? {} : text;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
