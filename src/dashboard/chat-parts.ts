/**
 * A message of a chat, made of the chunks of the AI SDK's UI-message stream as the bridge makes it. Pure: a chunk
 * gives new parts. What the page does not know is left alone, so that a newer bridge can say more.
 */
import { asText, isObject } from './twin.ts';

/** Text, a tool call, `data-*` ...: `type`, and what belongs to it. */
export interface ChatPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type Chunk = ChatPart;
type Parts = readonly ChatPart[];

/** The parts after one more chunk. @param baseParts parts that were there before this answer: it only adds to them */
export function withChunk(parts: Parts, chunk: Chunk, baseParts = 0): Parts {
  switch (chunk.type) {
    case 'text-start':
    case 'reasoning-start':
      return [...parts, { type: kindOf(chunk), id: chunk.id, text: '', state: 'streaming' }];
    case 'text-delta':
    case 'reasoning-delta':
      return changed(parts, isOpenText(chunk), ({ text }) => ({
        text: `${asText(text)}${asText(chunk.delta)}`,
      }));
    case 'text-end':
    case 'reasoning-end':
      return changed(parts, isOpenText(chunk), () => ({ state: 'done' }));
    case 'start-step':
      return [...parts, { type: 'step-start' }];
    case 'reset-step': {
      const start = parts.findLastIndex(({ type }) => type === 'step-start');
      return parts.slice(0, Math.max(start + 1, baseParts));
    }
    default:
      if (chunk.type.startsWith('tool-')) return withToolChunk(parts, chunk);
      return parts;
  }
}

/** Nothing more comes: what is open is as it is. */
export function closed(parts: Parts): Parts {
  return parts.map((part) => (part.state === 'streaming' ? { ...part, state: 'done' } : part));
}

export function isToolPart(part: ChatPart): boolean {
  return (part.type.startsWith('tool-') || part.type === 'dynamic-tool') && part.toolCallId !== undefined;
}

function withToolChunk(parts: Parts, chunk: Chunk): Parts {
  const isCall = (part: ChatPart): boolean => isToolPart(part) && part.toolCallId === chunk.toolCallId;
  switch (chunk.type) {
    case 'tool-input-start':
    case 'tool-input-available':
    case 'tool-input-error': {
      const change = callChange(chunk);
      if (parts.some(isCall)) return changed(parts, isCall, () => change);
      const name = asText(chunk.toolName);
      return [...parts, { type: 'dynamic-tool', toolName: name, toolCallId: chunk.toolCallId, ...change }];
    }
    case 'tool-output-available':
      return changed(parts, isCall, () => ({ state: 'output-available', output: chunk.output }));
    case 'tool-output-error':
      return changed(parts, isCall, () => ({ state: 'output-error', errorText: chunk.errorText }));
    case 'tool-output-denied':
      return changed(parts, isCall, () => ({ state: 'output-denied' }));
    case 'tool-approval-request':
      return changed(parts, isCall, () => ({
        state: 'approval-requested',
        approval: { id: chunk.approvalId },
      }));
    case 'tool-approval-response': {
      const isAsked = ({ approval }: ChatPart): boolean =>
        isObject(approval) && approval.id === chunk.approvalId;
      const approval = { id: chunk.approvalId, approved: chunk.approved };
      return changed(parts, isAsked, () => ({ state: 'approval-responded', approval }));
    }
    default:
      return parts;
  }
}

function callChange({ type, input, errorText }: Chunk): Record<string, unknown> {
  if (type === 'tool-input-start') return { state: 'input-streaming' };
  if (type === 'tool-input-error') return { state: 'output-error', input, errorText };
  return { state: 'input-available', input };
}

/** The last part that fits, with a change; the same parts when none does. */
function changed(
  parts: Parts,
  isIt: (part: ChatPart) => boolean,
  change: (part: ChatPart) => Record<string, unknown>,
): Parts {
  const at = parts.findLastIndex(isIt);
  const part = parts[at];
  return part === undefined ? parts : parts.with(at, { ...part, ...change(part) });
}

function isOpenText(chunk: Chunk): (part: ChatPart) => boolean {
  const kind = kindOf(chunk);
  return ({ type, id, state }) => type === kind && id === chunk.id && state === 'streaming';
}

function kindOf({ type }: Chunk): string {
  return type.slice(0, type.indexOf('-'));
}
