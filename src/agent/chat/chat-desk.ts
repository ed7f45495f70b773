/**
 * The chat of one agent: takes the frames of clients, stores messages, and has turns run in the thought lane, one at a
 * time, so that telemetry never waits for a model.
 *
 *   request -> stored, queued -> (its turn) -> streaming -> completed | error | cancelled
 *           -> superseded, dropped, cleared: one last frame       process ends -> interrupted, at the next wake
 *
 * I1 Every request gets one last frame (`done: true`), whatever becomes of it.
 * I2 The cell of `ChatStore` knows each request whose turn has not ended: after a restart it is found there.
 */
import type { Connection } from '../../actor/index.ts';
import { asBridgeError, BridgeError, unreachable } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { Agent } from '../agent.ts';
import type { AgentParts } from '../agent-parts.ts';
import { isJsonObject } from '../merge-patch.ts';
import type { ChatAuthor, ChatTurnOptions } from './chat-author.ts';
import { chatFailure } from './chat-failure.ts';
import { isId, type ChatMessage } from './chat-message.ts';
import { chatRequest, checkedMessages, checkedTools, type ChatRequest } from './chat-request.ts';
import { ChatStore } from './chat-store.ts';
import { ChatTurn, type TurnScene } from './chat-turn.ts';
import { dataSchemasOf, withCheckedData } from './data-parts.ts';
import { endInterrupted } from './interrupted.ts';
import { doneFrame, LiveStream } from './live-stream.ts';
import { Resumption } from './resumption.ts';
import { StreamLog } from './stream-log.ts';
import { ToolDesk } from './tool-desk.ts';
import { TurnQueue, type TurnRequest } from './turn-queue.ts';

export type ChatFrame = Extract<
  InboundFrame,
  { type: `cf_agent_${'chat' | 'use_chat' | 'stream' | 'tool'}_${string}` }
>;

/** An agent that can chat: an author's class. */
type ChattingAgent = Agent & ChatAuthor;

export class ChatDesk {
  readonly store: ChatStore;
  readonly #scene: TurnScene;
  readonly #resumption: Resumption;
  readonly #queue: TurnQueue;
  #turn: ChatTurn | undefined;
  /** Requests that ended with the process: connections that outlived it have to hear of it. */
  #interrupted: readonly string[] = [];

  constructor(agent: ChattingAgent, parts: AgentParts) {
    const { context, outbound } = parts;
    this.store = new ChatStore(context, () => agent.maxPersistedMessages);
    const log = new StreamLog(context);
    const live = (): LiveStream | undefined => this.#live;
    const continueTurn = (connection: number): void => void this.#submit('continue', connection, newId());
    const tools = new ToolDesk({ parts, store: this.store, live, continueTurn });
    this.#scene = { agent, author: agent, parts, store: this.store, log, tools };
    this.#resumption = new Resumption(outbound, this.store, log);
    this.#queue = new TurnQueue(context, {
      run: (request) => this.#run(request),
      superseded: (request) => this.#over(request.id),
    });
  }

  get isBusy(): boolean {
    return this.#queue.isBusy;
  }

  get #live(): LiveStream | undefined {
    return this.#turn?.live;
  }

  // --- for the agent's parts -----------------------------------------------------------------------

  wake(): void {
    try {
      this.#interrupted = endInterrupted(this.#scene);
    } catch (error) {
      this.#scene.parts.context.log.error({ err: asBridgeError(error).message }, 'chat cannot be read');
    }
  }

  beforeCommit(): void {
    try {
      this.#live?.flush();
    } catch (error) {
      // The database is full: the turn fails at its next chunk, or at its end.
      this.#scene.parts.context.log.error({ err: asBridgeError(error).message }, 'answer not stored');
      this.#live?.abort.abort(error);
    }
  }

  /** A connection was let in. @param isResumed it outlived a restart of the shard */
  admitted(connection: Connection, isResumed: boolean): void {
    if (isResumed) this.#tellInterrupted(connection);
    const live = this.#live;
    if (live !== undefined) this.#resumption.offer(connection, live);
  }

  gone(connection: number): void {
    this.#resumption.gone(connection);
  }

  /** The agent leaves memory for good: what is under way is found at the next wake. */
  stop(): void {
    this.#queue.clear();
    this.#turn?.discard();
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

  /** @throws BridgeError BRG_CHAT_REQUEST, BRG_CHAT_DATA, BRG_AGENT_FULL */
  persist(messages: readonly unknown[], exceptIds: readonly string[]): void {
    const checked = this.#checked(checkedMessages(messages));
    for (const message of checked) this.store.put(message);
    this.#broadcastMessages(new Set(exceptIds.map(Number)));
  }

  /** Stores messages and answers them in a turn. Returns the id of its request. @throws as `persist`, and BRG_BUSY */
  save(messages: readonly unknown[]): string {
    this.#queue.refuses('queue');
    this.persist(messages, []);
    return this.#submit('saved', 0, newId());
  }

  /** Adds to the last message, which has to be the assistant's. @throws BridgeError BRG_CHAT_REQUEST, BRG_BUSY */
  continueLast(): string {
    this.#queue.refuses('queue');
    if (this.store.messages.at(-1)?.role !== 'assistant') {
      throw new BridgeError(
        'BRG_CHAT_REQUEST',
        'the last message is not the assistant’s: there is nothing to continue',
      );
    }
    return this.#submit('continue', 0, newId());
  }

  clear(connection = 0): void {
    const { parts, tools, log } = this.#scene;
    const waiting = this.#queue.clear();
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.discard();
    tools.clear();
    if (this.store.exists) {
      this.store.clear();
      log.clear();
      this.store.setOpen([]);
    }
    // I1
    if (turn !== undefined) parts.outbound.broadcast(doneFrame(turn.live.id));
    for (const { id } of waiting) parts.outbound.broadcast(doneFrame(id));
    parts.outbound.broadcast({ type: 'cf_agent_chat_clear' }, new Set([connection]));
    if (channels.chat.hasSubscribers) tell('chat:clear', parts.context, {});
  }

  // --- frames --------------------------------------------------------------------------------------

  /** One frame of a connection that may send it. What is wrong with it is answered; nothing has changed then. */
  receive(connection: Connection, frame: ChatFrame): void {
    const { parts } = this.#scene;
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
        this.#keepLiveInOrder();
        this.store.takeOver(this.#checked(checkedMessages(frame.messages)));
        return this.#broadcastMessages(new Set([connection.id]));
      case 'cf_agent_chat_clear':
        return this.clear(connection.id);
      case 'cf_agent_chat_request_cancel':
        return this.#cancel(frame.id);
      case 'cf_agent_stream_resume_request':
      case 'cf_agent_stream_resume_ack':
        return this.#resumption.receive(connection, frame, this.#live);
      case 'cf_agent_tool_result':
        checkedTools(frame.clientTools);
        return this.#scene.tools.result(connection, frame);
      case 'cf_agent_tool_approval': {
        const by = `connection:${connection.user ?? connection.id}`;
        const { toolCallId, approved, autoContinue } = frame;
        this.#scene.tools.decide(toolCallId, approved, by, connection.id, autoContinue === true);
        return;
      }
      default:
        unreachable(frame);
    }
  }

  #request(connection: Connection, id: string, request: ChatRequest): void {
    if (!isId(id)) throw new BridgeError('BRG_CHAT_REQUEST', 'the id of the request is empty or too long');
    if (this.store.open.includes(id))
      throw new BridgeError('BRG_CHAT_REQUEST', `a request ${id} is open already`);
    const { author, parts } = this.#scene;
    const { outbound } = parts;
    if (!request.isRegeneration && this.#queue.refuses(author.messageConcurrency)) {
      // Nothing of it is kept: the client is told what there is.
      outbound.send(connection, doneFrame(id));
      outbound.send(connection, { type: 'cf_agent_chat_messages', messages: this.list() });
      return;
    }
    const messages = this.#checked(request.messages);
    const fresh = messages.filter(
      (message) => message.role === 'user' && this.store.get(message.id) === undefined,
    );
    this.#keepLiveInOrder();
    this.store.takeOver(messages);
    if (request.isRegeneration) this.#forgetAfter(messages.at(-1)?.id);
    this.store.setRequestContext('body', request.body);
    if (request.clientTools !== undefined) this.store.setRequestContext('clientTools', request.clientTools);
    this.#broadcastMessages(new Set([connection.id]));
    const userMessages = fresh.map((message) => message.id);
    const { body, clientTools } = request;
    const kind = request.isRegeneration ? 'regenerate' : 'submit';
    this.#submit(kind, connection.id, id, { userMessages, body, clientTools });
  }

  /** The answer under way stands before what is written while it comes. */
  #keepLiveInOrder(): void {
    const live = this.#live;
    if (live !== undefined && !live.builder.isEmpty) this.store.put(live.builder.message);
  }

  /** An answer is to be given again: those that came after the message are gone. */
  #forgetAfter(id: string | undefined): void {
    const { messages } = this.store;
    const at = messages.findLastIndex((message) => message.id === id);
    if (at >= 0) this.store.delete(messages.slice(at + 1).map((message) => message.id));
  }

  #cancel(id: string): void {
    if (this.#live?.id === id) this.#turn?.cancel();
    else if (this.#queue.remove(id) !== undefined) this.#over(id);
  }

  #checked(messages: readonly ChatMessage[]): ChatMessage[] {
    const schemas = dataSchemasOf(this.#scene.agent);
    // What a client says about the answer that is under way is older than what is known of it here.
    const liveId = this.#live?.builder.id;
    return messages.filter(({ id }) => id !== liveId).map((message) => withCheckedData(message, schemas));
  }

  // --- turns ---------------------------------------------------------------------------------------

  #submit(
    kind: TurnRequest['kind'],
    connection: number,
    id: string,
    facts: Partial<TurnRequest> = {},
  ): string {
    const { context } = this.#scene.parts;
    this.store.setOpen([...this.store.open, id]);
    this.#scene.log.open(id);
    const request = { userMessages: [], merge: [], ...facts, id, kind, connection };
    this.#queue.add(request, this.#scene.author.messageConcurrency);
    if (channels.chat.hasSubscribers) tell('chat:request', context, { request: id, kind });
    return id;
  }

  /** A request gets no turn, and no answer. */
  #over(id: string): void {
    this.#scene.log.end(id, 'cancelled', null);
    this.#closed(id);
    this.#scene.parts.outbound.broadcast(doneFrame(id));
  }

  #closed(id: string): void {
    this.store.setOpen(this.store.open.filter((open) => open !== id));
  }

  async #run(request: TurnRequest): Promise<void> {
    const { parts, tools, log } = this.#scene;
    // The turn that asked for it was taken back.
    if (!this.store.open.includes(request.id)) return;
    if (parts.isHeld) {
      const failure = chatFailure(
        new BridgeError('BRG_AGENT_HELD', 'the agent runs without its own code for a while'),
      );
      log.end(request.id, 'error', failure);
      this.#closed(request.id);
      return parts.outbound.broadcast(doneFrame(request.id, { failure }));
    }
    this.#merge(request);
    const turn = this.#newTurn(request);
    this.#turn = turn;
    await turn.run();
    if (parts.context.turn.isAbandoned || this.#turn !== turn) return;
    this.#turn = undefined;
    this.#closed(request.id);
    this.#broadcastMessages(new Set([request.connection]));
    tools.turnEnded();
  }

  #newTurn({ id, kind, connection, ...request }: TurnRequest): ChatTurn {
    const { parts, log, agent } = this.#scene;
    const last = this.store.messages.at(-1);
    const isContinuation = kind === 'continue' && last?.role === 'assistant';
    const fresh: ChatMessage = { id: `assistant_${newId()}`, role: 'assistant', parts: [] };
    const schemas = dataSchemasOf(agent);
    const heldBack = (stream: string): ReadonlySet<number> | undefined => this.#resumption.heldBack(stream);
    const places = { context: parts.context, outbound: parts.outbound, log, schemas, heldBack };
    const live = new LiveStream(id, isContinuation ? last : fresh, isContinuation, places);
    const body = request.body ?? this.store.requestContext('body');
    const clientTools = request.clientTools ?? this.store.requestContext('clientTools');
    const options: ChatTurnOptions = {
      abortSignal: live.abort.signal,
      requestId: id,
      clientTools: Array.isArray(clientTools) ? clientTools : [],
      body: isJsonObject(body) ? body : {},
      continuation: isContinuation,
    };
    return new ChatTurn(this.#scene, live, options, connection);
  }

  /** Messages that were to wait become one with the last. */
  #merge({ merge, userMessages }: TurnRequest): void {
    const into = this.store.get(userMessages.at(-1) ?? '');
    const earlier = merge.map((id) => this.store.get(id)).filter((message) => message !== undefined);
    if (into === undefined || earlier.length === 0) return;
    this.store.delete(earlier.map(({ id }) => id));
    this.store.put({ ...into, parts: [...earlier.flatMap(({ parts }) => parts), ...into.parts] });
    this.#broadcastMessages(new Set());
  }

  #broadcastMessages(except: ReadonlySet<number>): void {
    const { outbound } = this.#scene.parts;
    if (!outbound.isWanted('chat')) return;
    outbound.broadcast({ type: 'cf_agent_chat_messages', messages: this.list() }, except);
  }

  #tellInterrupted(connection: Connection): void {
    const { log, parts } = this.#scene;
    for (const id of this.#interrupted) {
      const failure = log.get(id)?.failure ?? undefined;
      parts.outbound.send(connection, doneFrame(id, { failure }));
    }
    if (this.#interrupted.length === 0) return;
    parts.outbound.send(connection, { type: 'cf_agent_chat_messages', messages: this.list() });
  }
}
