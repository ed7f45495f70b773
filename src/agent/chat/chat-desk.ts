/**
 * The chat of one agent: takes the frames of clients, stores messages, and has turns run in the thought lane, one at a
 * time, so that telemetry never waits for a model.
 *
 *   request -> stored, queued -> (its turn) -> streaming -> completed | error | cancelled
 *           -> superseded, dropped, cleared: one last frame       process ends -> interrupted, at the next wake
 */
import type { Connection } from '../../actor/index.ts';
import { asBridgeError, BridgeError, unreachable } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { Approvals, ApprovedCalls } from '../approvals/index.ts';
import type { ChatApprovals } from './chat-approvals.ts';
import { chatFailure, type ChatFailure } from './chat-failure.ts';
import { isId, type ChatMessage } from './chat-message.ts';
import { chatRequest, checkedMessages, checkedTools, type ChatRequest } from './chat-request.ts';
import { ChatStore } from './chat-store.ts';
import { ChatTurns, type ChattingAgent } from './chat-turns.ts';
import { dataSchemasOf, withCheckedData } from './data-parts.ts';
import { doneFrame } from './live-stream.ts';
import { Questions } from './questions.ts';
import { Resumption } from './resumption.ts';
import { EngineMemory } from './engine-memory.ts';
import { StreamLog } from './stream-log.ts';

export type ChatFrame = Extract<
  InboundFrame,
  { type: `cf_agent_${'chat' | 'use_chat' | 'stream' | 'tool'}_${string}` }
>;

export class ChatDesk {
  readonly store: ChatStore;
  readonly questions: Questions;
  readonly #agent: ChattingAgent;
  readonly #parts: AgentParts;
  readonly #log: StreamLog;
  readonly #resumption: Resumption;
  readonly memory: EngineMemory;
  readonly #turns: ChatTurns;

  constructor(agent: ChattingAgent, parts: AgentParts) {
    const { context, outbound } = parts;
    const store = new ChatStore(context, () => agent.maxPersistedMessages);
    const log = new StreamLog(context);
    const memory = (this.memory = new EngineMemory(context));
    this.store = store;
    this.#agent = agent;
    this.#parts = parts;
    this.#log = log;
    this.#resumption = new Resumption({ context, outbound, store, log, live: () => this.#turns.live });
    const heldBack = (id: string): ReadonlySet<number> | undefined => this.#resumption.heldBack(id);
    const broadcastMessages = (except: ReadonlySet<number>): void => this.#broadcastMessages(except);
    const turnEnded = (id: string, told?: ChatFailure): void => this.questions.ended(id, told);
    this.#turns = new ChatTurns({ agent, parts, store, log, memory, heldBack, broadcastMessages, turnEnded });
    this.questions = new Questions({
      parts,
      store,
      log,
      save: (messages) => this.save(messages),
      answerSoFar: (id) => (this.#turns.live?.id === id ? this.#turns.live.builder.message : undefined),
    });
  }

  // --- for the agent's parts -----------------------------------------------------------------------

  get isBusy(): boolean {
    return this.#turns.isBusy || this.#resumption.isBusy;
  }

  wake(): void {
    try {
      this.#turns.wake();
    } catch (error) {
      this.#parts.context.log.error({ err: asBridgeError(error).message }, 'chat cannot be read');
    }
  }

  beforeCommit(): void {
    this.#turns.beforeCommit();
  }

  /** Approvals exist from now on: those of the chat are its own. */
  joinApprovals(approvals: Approvals, calls: ApprovedCalls): void {
    approvals.onDecided('chat', (approval) => this.approvals.decided(approval));
    this.approvals.join(calls);
    calls.listen((approval, outcome) => this.approvals.ended(approval, outcome));
  }

  /** Calls of this chat that wait for people. */
  /** What came of a program that had waited for people: the assistant goes on with it. */
  programEnded(toolCallId: string, answer: object): void {
    this.#turns.tools.outputAgain(toolCallId, answer);
  }

  get approvals(): ChatApprovals {
    return this.#turns.approvals;
  }

  /** A connection was let in. @param isResumed it outlived a restart of the shard */
  admitted(connection: Connection, isResumed: boolean): void {
    if (isResumed) this.#tellInterrupted(connection);
    const { live } = this.#turns;
    if (live !== undefined) this.#resumption.offer(connection, live);
  }

  gone(connection: number): void {
    this.#resumption.gone(connection);
  }

  stop(): void {
    this.#turns.stop();
    this.#resumption.stop();
  }

  /** The newest messages, as many as one answer may hold; oldest first. */
  list(): readonly ChatMessage[] {
    let bytes = 0;
    const { messages } = this.store;
    const first = messages.findLastIndex((message) => {
      bytes += Buffer.byteLength(JSON.stringify(message)) + 1;
      return bytes > limits.chatListBytesMax;
    });
    return messages.slice(first + 1);
  }

  // --- for the author ------------------------------------------------------------------------------

  /** What the turn under way is to answer: all messages but those that wait for their own. */
  get messages(): readonly ChatMessage[] {
    return this.#turns.messages;
  }

  /** @throws BridgeError BRG_CHAT_REQUEST, BRG_CHAT_DATA, BRG_AGENT_FULL */
  persist(messages: readonly unknown[], exceptIds: readonly string[]): void {
    const checked = this.#checked(checkedMessages(messages));
    for (const message of checked) this.store.put(message);
    this.#broadcastMessages(new Set(exceptIds.map(Number)));
  }

  /** Stores messages and answers them in a turn. Returns the id of its request. @throws as `persist`, and BRG_BUSY */
  save(messages: readonly unknown[]): string {
    this.#turns.checkRoom();
    const userMessages = this.#fresh(checkedMessages(messages));
    this.persist(messages, []);
    return this.#turns.submit('saved', 0, newId(), { userMessages });
  }

  /** Adds to the last message, which has to be the assistant's. @throws BridgeError BRG_CHAT_REQUEST, BRG_BUSY */
  continueLast(): string {
    this.#turns.checkRoom();
    if (this.store.messages.at(-1)?.role !== 'assistant') {
      throw new BridgeError(
        'BRG_CHAT_REQUEST',
        'the last message is not the assistant’s: there is nothing to continue',
      );
    }
    return this.#turns.submit('continue', 0, newId());
  }

  clear(connection = 0): void {
    const { context, outbound } = this.#parts;
    this.#turns.clear();
    this.approvals.clear(connection === 0 ? 'agent' : `connection:${connection}`);
    this.store.clear();
    this.memory.clear();
    outbound.broadcast({ type: 'cf_agent_chat_clear' }, new Set([connection]));
    if (channels.chat.hasSubscribers) tell('chat:clear', context, {});
  }

  // --- frames --------------------------------------------------------------------------------------

  /** One frame of a connection that may send it. What is wrong with it is answered; nothing has changed then. */
  receive(connection: Connection, frame: ChatFrame): void {
    const parts = this.#parts;
    try {
      parts.context.attempt(() => this.#handle(connection, frame));
    } catch (error) {
      const failure = chatFailure(error);
      parts.context.log.warn({ connection: connection.id, err: String(error) }, 'chat frame refused');
      if (frame.type === 'cf_agent_use_chat_request') {
        parts.outbound.send(connection, doneFrame(frame.id, { failure }));
      } else {
        parts.outbound.send(connection, { type: 'mooring_error', code: failure.code, error: failure.text });
      }
    }
  }

  #handle(connection: Connection, frame: ChatFrame): void {
    switch (frame.type) {
      case 'cf_agent_use_chat_request':
        return this.#request(connection, frame.id, chatRequest(frame.init));
      case 'cf_agent_chat_messages':
        this.store.takeOver(this.#checked(checkedMessages(frame.messages)), true);
        return this.#broadcastMessages(new Set([connection.id]));
      case 'cf_agent_chat_clear':
        return this.clear(connection.id);
      case 'cf_agent_chat_request_cancel':
        return this.#turns.cancel(frame.id);
      case 'cf_agent_stream_resume_request':
      case 'cf_agent_stream_resume_ack':
        return this.#resumption.receive(connection, frame);
      case 'cf_agent_tool_result':
        checkedTools(frame.clientTools);
        return this.#turns.tools.result(connection, frame);
      case 'cf_agent_tool_approval': {
        return this.#decide(connection, frame.toolCallId, frame.approved, frame.autoContinue === true);
      }
      default:
        unreachable(frame);
    }
  }

  #decide(connection: Connection, toolCallId: string, approved: boolean, autoContinue: boolean): void {
    const via = `connection:${connection.user ?? connection.id}`;
    // Nobody knows who is at a connection without a user: two of them may be one person.
    const by = connection.user ?? 'somebody';
    const speaker = { connection: connection.id, autoContinue };
    if (this.approvals.say(toolCallId, approved, by, via, speaker)) return;
    this.#turns.tools.decide(toolCallId, approved, via, connection.id, autoContinue);
  }

  #request(connection: Connection, id: string, request: ChatRequest): void {
    if (!isId(id)) throw new BridgeError('BRG_CHAT_REQUEST', 'the id of the request is empty or too long');
    if (this.store.open.includes(id))
      throw new BridgeError('BRG_CHAT_REQUEST', `a request ${id} is open already`);
    const { outbound } = this.#parts;
    if (!request.isRegeneration && this.#turns.refusesMessages()) {
      // Nothing of it is kept: the client is told what there is.
      outbound.send(connection, doneFrame(id));
      outbound.send(connection, { type: 'cf_agent_chat_messages', messages: this.list() });
      return;
    }
    const messages = this.#checked(request.messages);
    const userMessages = this.#fresh(messages);
    this.store.takeOver(messages, false);
    if (request.isRegeneration) this.#forgetAfter(messages.at(-1)?.id);
    this.store.setRequestContext('body', request.body);
    if (request.clientTools !== undefined) this.store.setRequestContext('clientTools', request.clientTools);
    this.#broadcastMessages(new Set([connection.id]));
    const { body, clientTools } = request;
    const kind = request.isRegeneration ? 'regenerate' : 'submit';
    this.#turns.submit(kind, connection.id, id, { userMessages, body, clientTools });
  }

  /** What the user says that was not there before: the ids. */
  #fresh(messages: readonly ChatMessage[]): string[] {
    return messages.flatMap(({ id, role }) =>
      role === 'user' && this.store.get(id) === undefined ? [id] : [],
    );
  }

  /** An answer is to be given again: those that came after the message are gone. */
  #forgetAfter(id: string | undefined): void {
    const { messages } = this.store;
    const at = messages.findLastIndex((message) => message.id === id);
    if (at >= 0) this.store.delete(messages.slice(at + 1).map((message) => message.id));
  }

  #checked(messages: readonly ChatMessage[]): ChatMessage[] {
    const schemas = dataSchemasOf(this.#agent);
    // What a client says about the answer that is under way is older than what is known of it here.
    const liveId = this.#turns.live?.builder.id;
    return messages.filter(({ id }) => id !== liveId).map((message) => withCheckedData(message, schemas));
  }

  #broadcastMessages(except: ReadonlySet<number>): void {
    const { outbound } = this.#parts;
    if (!outbound.isWanted('chat')) return;
    outbound.broadcast({ type: 'cf_agent_chat_messages', messages: this.list() }, except);
  }

  #tellInterrupted(connection: Connection): void {
    const { context, outbound } = this.#parts;
    if (!this.store.exists) return;
    // Of the thread's death, or of one before it: what it died of may come again in its replay.
    const interrupted = this.#log.interruptedSince(context.now() - limits.shardRestartWindowMs);
    for (const id of interrupted) {
      const failure = this.#log.get(id)?.failure ?? undefined;
      outbound.send(connection, doneFrame(id, { failure }));
    }
    if (interrupted.length === 0) return;
    outbound.send(connection, { type: 'cf_agent_chat_messages', messages: this.list() });
  }
}
