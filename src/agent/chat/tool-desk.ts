/**
 * What clients and people say about tool calls: results of tools that a client runs, and approvals. The first word
 * counts; when nobody is waited for any more, and it was asked for, the assistant goes on.
 *
 * Approvals of people come by chat-approvals.ts, whichever way they were given; `decide` is for calls nobody was asked about.
 */
import type { Connection } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import { isJsonObject } from '../merge-patch.ts';
import {
  isToolPart,
  isWaiting,
  toolPart,
  withToolPart,
  type ChatMessage,
  type ToolPart,
} from './chat-message.ts';
import type { ChatStore } from './chat-store.ts';
import type { LiveStream } from './live-stream.ts';
import { toolChange, toolNameOf, type Chunk } from './message-builder.ts';

type ResultFrame = Extract<InboundFrame, { type: 'cf_agent_tool_result' }>;

/** What the desk needs of the chat. */
export interface ToolDeskHost {
  readonly parts: AgentParts;
  readonly store: ChatStore;
  readonly live: () => LiveStream | undefined;
  /** Stores the answer that is under way. */
  keepAnswer(message: ChatMessage): void;
  /** The assistant goes on with this message, which is the last, by a turn. */
  continueTurn(connection: number, messageId: string): void;
  /** The bridge runs this call, or is about to. */
  isUnderWay(toolCallId: string): boolean;
}

/** What a chunk changes about one tool call, and in which states of it. */
interface Word {
  readonly chunk: Chunk;
  readonly from: readonly string[];
  readonly autoContinue: boolean;
  readonly connection: number;
}

/** A person's word about one call. */
interface PersonsWord {
  readonly toolCallId: string;
  readonly approved: boolean;
  readonly reason: string | undefined;
}

const UNDECIDED: readonly string[] = ['input-available', 'approval-requested'];

export class ToolDesk {
  readonly #host: ToolDeskHost;
  /** Words that came before their call was complete, by its id. */
  readonly #early = new Map<string, Word>();
  /** Messages to go on with once nobody is waited for, and who asked. */
  readonly #goOn = new Map<string, number>();

  constructor(host: ToolDeskHost) {
    this.#host = host;
  }

  result(connection: Connection, frame: ResultFrame): void {
    const { toolCallId, output, state, errorText, autoContinue, clientTools } = frame;
    if (clientTools !== undefined) this.#host.store.setRequestContext('clientTools', clientTools);
    const isError = state === 'output-error';
    const text = errorText ?? 'The tool failed at the client.';
    const chunk: Chunk = isError
      ? { type: 'tool-output-error', toolCallId, errorText: text }
      : { type: 'tool-output-available', toolCallId, output: output ?? null };
    const from = ['input-available', 'approval-responded'];
    this.#say({ chunk, from, autoContinue: autoContinue === true, connection: connection.id });
  }

  /**
   * A person's word about a call that waits for it. False: it does not, or somebody was faster.
   * @param by as the audit log names who decides
   */
  decide(
    toolCallId: string,
    approved: boolean,
    by: string,
    connection: number,
    autoContinue: boolean,
  ): boolean {
    const part = this.#find(toolCallId);
    // A refusal is for the client to go on from (Agents SDK).
    const word = { toolCallId, approved, reason: undefined };
    if (part === undefined || !this.respond(word, connection, approved && autoContinue)) return false;
    const { context } = this.#host.parts;
    context.audit({
      id: `${context.effectId()}.approval`,
      kind: 'agent',
      event: approved ? 'approved' : 'denied',
      subject: `${toolNameOf(part)}/${toolCallId}`,
      by,
      detail: null,
    });
    return true;
  }

  /** Writes a person's word into the call. False: it does not wait for one. */
  respond({ toolCallId, approved, reason }: PersonsWord, connection: number, autoContinue: boolean): boolean {
    const part = this.#find(toolCallId);
    if (part === undefined || !UNDECIDED.includes(String(part.state))) return false;
    const approval = isJsonObject(part['approval']) ? part['approval'] : {};
    const approvalId = typeof approval['id'] === 'string' ? approval['id'] : toolCallId;
    const why = reason === undefined ? {} : { reason };
    const chunk: Chunk = { type: 'tool-approval-response', approvalId, toolCallId, approved, ...why };
    this.#say({ chunk, from: UNDECIDED, autoContinue, connection });
    return true;
  }

  /** The call was denied, and nobody else will say so. */
  denied(toolCallId: string, connection: number, autoContinue: boolean): void {
    const chunk: Chunk = { type: 'tool-output-denied', toolCallId };
    this.#say({ chunk, from: ['approval-responded'], autoContinue, connection });
  }

  /** What came of a call that the bridge ran: the assistant goes on. */
  output(toolCallId: string, output: unknown): void {
    const chunk: Chunk = { type: 'tool-output-available', toolCallId, output };
    this.#say({ chunk, from: ['approval-responded'], autoContinue: true, connection: 0 });
  }

  /** What came of a call that had answered that it waits: the assistant goes on. */
  outputAgain(toolCallId: string, output: unknown): void {
    const chunk: Chunk = { type: 'tool-output-available', toolCallId, output };
    this.#say({ chunk, from: ['output-available'], autoContinue: true, connection: 0 });
  }

  /** Nobody knows what came of the call; nobody goes on by itself. */
  lost(toolCallId: string, errorText: string): void {
    const chunk: Chunk = { type: 'tool-output-error', toolCallId, errorText };
    this.#say({ chunk, from: ['approval-responded'], autoContinue: false, connection: 0 });
  }

  /** Tells the clients how a call stands. */
  tellAbout(toolCallId: string): void {
    const message = this.#host.store.withTool(toolCallId);
    if (message !== undefined) this.#tell(message.id);
  }

  /** The stream has taken another chunk: a call may be complete now. */
  advanced(live: LiveStream, chunk: Chunk): void {
    if (chunk.type !== 'tool-input-available' || this.#early.size === 0) return;
    const word = this.#early.get(String(chunk['toolCallId']));
    if (word === undefined) return;
    this.#early.delete(String(chunk['toolCallId']));
    this.#sayLive(live, word);
  }

  /** A turn has ended: what came too early is for nobody; what was waited for may be there. */
  turnEnded(): void {
    this.#early.clear();
    for (const [id, connection] of this.#goOn) this.#goOnIfReady(id, connection);
  }

  clear(): void {
    this.#early.clear();
    this.#goOn.clear();
  }

  /** A chunk of the stream about a call of an earlier message. */
  crossMessage(chunk: Chunk): void {
    const message = this.#host.store.withTool(String(chunk['toolCallId']));
    if (message !== undefined) this.#change(message, chunk);
  }

  #find(toolCallId: string): ToolPart | undefined {
    const live = this.#host.live()?.builder.tool(toolCallId);
    if (live !== undefined && isToolPart(live)) return live;
    const message = this.#host.store.withTool(toolCallId);
    return message === undefined ? undefined : toolPart(message, toolCallId);
  }

  #say(word: Word): void {
    const { store, live } = this.#host;
    const toolCallId = String(word.chunk['toolCallId']);
    const stream = live();
    const part = stream?.builder.tool(toolCallId);
    if (stream !== undefined && part !== undefined && part['state'] !== 'input-streaming') {
      return this.#sayLive(stream, word);
    }
    const message = store.withTool(toolCallId);
    if (message !== undefined) {
      const stored = toolPart(message, toolCallId);
      if (stored === undefined || !word.from.includes(String(stored.state))) return;
      this.#change(message, word.chunk);
      if (word.autoContinue) this.#goOnIfReady(message.id, word.connection);
    } else if (stream !== undefined && this.#early.size < limits.chatEarlyResultsMax) {
      this.#early.set(toolCallId, word);
    }
  }

  /** It becomes a chunk of the stream, so that who resumes gets it as well. */
  #sayLive(live: LiveStream, word: Word): void {
    const part = live.builder.tool(word.chunk['toolCallId']);
    if (part === undefined || !word.from.includes(String(part['state']))) return;
    live.take(word.chunk);
    const { message } = live.builder;
    this.#host.keepAnswer(message);
    this.#tell(message.id);
    if (word.autoContinue) this.#goOn.set(message.id, word.connection);
  }

  #change(message: ChatMessage, chunk: Chunk): void {
    const { store } = this.#host;
    const change = (part: ToolPart): ToolPart => ({ ...part, ...changeOf(part, chunk) });
    store.put(withToolPart(message, String(chunk['toolCallId']), change));
    this.#tell(message.id);
  }

  #tell(id: string): void {
    const message = this.#host.store.get(id);
    if (message === undefined) return;
    this.#host.parts.outbound.broadcast({ type: 'cf_agent_message_updated', message: { ...message } });
  }

  #goOnIfReady(id: string, connection: number): void {
    const { store, live } = this.#host;
    const message = store.get(id);
    const isLast = message !== undefined && store.messages.at(-1)?.id === id;
    // Somebody has written since: that turn sees the result.
    if (!isLast) return void this.#goOn.delete(id);
    const { isUnderWay } = this.#host;
    const isOpen = message.parts.some(
      (part) => isToolPart(part) && (isWaiting(part) || isUnderWay(part.toolCallId)),
    );
    if (isOpen || live()?.builder.id === id) return void this.#goOn.set(id, connection);
    this.#goOn.delete(id);
    this.#host.continueTurn(connection, id);
  }
}

function changeOf(part: ToolPart, chunk: Chunk): Record<string, unknown> {
  if (chunk.type !== 'tool-approval-response') return toolChange(chunk);
  const approval = isJsonObject(part['approval']) ? part['approval'] : {};
  const { approvalId: id, approved, reason } = chunk;
  const why = reason === undefined ? {} : { reason };
  return { state: 'approval-responded', approval: { ...approval, id, approved, ...why } };
}
