/**
 * Questions whose answer comes as a whole: the request `ask` of docs/design/requests.md. The question is a message of
 * the chat as any other; who asked waits for the end of its turn, for a person who has to decide, or for a while.
 *
 * I1 Every question gets one answer, unless the process ends. The turn goes on when nobody waits for it any more.
 */
import { asBridgeError, type BridgeError, type ErrorCode } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { AgentParts } from '../agent-parts.ts';
import { LATER } from '../later.ts';
import type { ChatFailure } from './chat-failure.ts';
import { isToolPart, type ChatMessage, type ChatPart, type ToolPart } from './chat-message.ts';
import type { ChatStore } from './chat-store.ts';
import { toolNameOf } from './message-builder.ts';
import type { StreamLog } from './stream-log.ts';

/** Written by the gateway, or another agent. */
interface Question {
  readonly text: string;
  /** Who asks, as the audit log names it. */
  readonly by?: string;
  readonly waitMs?: number;
}

interface AskedApproval {
  readonly id: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly explanation?: string;
}

/** What `ask` answers. A JSON value. */
interface Reply {
  readonly text: string;
  readonly messageId: string | null;
  readonly finish: 'done' | 'waiting-for-approval' | 'failed';
  /** Calls that a person has to decide about. */
  readonly approvals?: readonly AskedApproval[];
  /** Why it failed. */
  readonly code?: ErrorCode;
  readonly error?: string;
}

const CANCELLED: ChatFailure = { code: 'BRG_ABORTED', text: 'BRG_ABORTED: the turn was cancelled' };

interface Waiting {
  readonly request: number;
  readonly cancelTimer: () => void;
}

/** What it needs of the chat. */
export interface QuestionsHost {
  readonly parts: AgentParts;
  readonly store: ChatStore;
  readonly log: StreamLog;
  /** Stores a message and has it answered; the id of its request. @throws BridgeError BRG_BUSY, BRG_AGENT_FULL */
  save(messages: readonly ChatMessage[]): string;
  /** The answer under way to this request, so far. */
  answerSoFar(id: string): ChatMessage | undefined;
}

export class Questions {
  readonly #host: QuestionsHost;
  /** By the id of the request of the chat. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(host: QuestionsHost) {
    this.#host = host;
  }

  /** @throws BridgeError BRG_BUSY, BRG_AGENT_FULL; nothing is asked then */
  ask(request: number, body: unknown): typeof LATER {
    const { text, by = 'api', waitMs = limits.chatAskWaitMs } = body as Question; // docs/design/requests.md
    const { context } = this.#host.parts;
    const part = { type: 'text', text };
    const id = this.#host.save([{ id: newId(), role: 'user', parts: [part], metadata: { by } }]);
    const cancelTimer = context.shard.after(Math.min(waitMs, limits.chatAskWaitMaxMs), () => this.#late(id));
    this.#waiting.set(id, { request, cancelTimer });
    return LATER;
  }

  /** The turn of this request has ended, or there will be none; what came of it is stored. @param told a failure that is not */
  ended(id: string, told?: ChatFailure): void {
    const waiting = this.#take(id);
    if (waiting === undefined) return;
    const { context } = this.#host.parts;
    try {
      context.reply(waiting.request, this.#replyTo(id, told));
    } catch (error) {
      // An answer may be larger than one request may bring.
      const { code, message } = asBridgeError(error);
      context.replyError(waiting.request, code, message);
    }
  }

  /** The agent is given up: the last answers. */
  abandon({ code, message }: BridgeError): void {
    for (const id of [...this.#waiting.keys()]) {
      const waiting = this.#take(id);
      if (waiting !== undefined) this.#host.parts.context.replyError(waiting.request, code, message);
    }
  }

  #late(id: string): void {
    const waiting = this.#take(id);
    const { context } = this.#host.parts;
    if (waiting === undefined || context.turn.isAbandoned) return;
    const message = this.#host.answerSoFar(id);
    context.reply(waiting.request, {
      text: textOf(message?.parts ?? []),
      messageId: message?.id ?? null,
      finish: 'failed',
      code: 'BRG_TIMEOUT',
      error: 'BRG_TIMEOUT: no answer in this time; it goes on in the chat',
    } satisfies Reply);
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancelTimer();
    return waiting;
  }

  #replyTo(id: string, told?: ChatFailure): Reply {
    const { store, log } = this.#host;
    const row = log.get(id);
    const message = row?.messageId == null ? undefined : store.get(row.messageId);
    const parts = message?.parts.slice(row?.baseParts ?? 0) ?? [];
    const about = { text: textOf(parts), messageId: message?.id ?? null };
    if (row?.status !== 'completed') {
      const { code, text: error } = row?.failure ?? told ?? CANCELLED;
      return { ...about, finish: 'failed', code, error };
    }
    const approvals = parts.filter(isAsking).map((part) => this.#approvalOf(part));
    return approvals.length === 0
      ? { ...about, finish: 'done' }
      : { ...about, finish: 'waiting-for-approval', approvals };
  }

  /** Where it is to be decided: among the agent's approvals, else in the chat. */
  #approvalOf(part: AskingPart): AskedApproval {
    const known = this.#host.parts.approvals.ofToolCall(part.toolCallId);
    const { id, explanation } = known ?? part.approval;
    const call = { tool: toolNameOf(part), arguments: part['input'] ?? {} };
    return { id, ...call, ...(explanation === undefined ? {} : { explanation }) };
  }
}

type AskingPart = ToolPart & { readonly approval: { readonly id: string; readonly explanation?: string } };

function isAsking(part: ChatPart): part is AskingPart {
  return isToolPart(part) && part.state === 'approval-requested';
}

/** What it says, without what it thought and did. */
function textOf(parts: readonly ChatPart[]): string {
  const texts = parts.filter(({ type }) => type === 'text').map((part) => String(part['text']));
  return texts.filter((text) => text !== '').join('\n\n');
}
