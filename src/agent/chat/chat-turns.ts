/**
 * The turns of a chat: which is under way, which wait, and what is stored of them.
 *
 * I1 Every request gets one last frame (`done: true`), whatever becomes of it.
 * I2 The cell of `ChatStore` knows each request whose turn has not ended: after a restart it is found there.
 * I3 A turn is to answer what was written before it; what waits for an answer of its own comes after it.
 */
import { asBridgeError } from '../../base/errors.ts';
import { channels, tell } from '../../base/events.ts';
import { newId } from '../../base/ids.ts';
import type { Agent } from '../agent.ts';
import type { AgentParts } from '../agent-parts.ts';
import { isJsonObject } from '../merge-patch.ts';
import { ChatApprovals } from './chat-approvals.ts';
import type { ChatAuthor, ChatTurnOptions } from './chat-author.ts';
import type { ChatFailure } from './chat-failure.ts';
import type { ChatMessage } from './chat-message.ts';
import type { ChatStore } from './chat-store.ts';
import { ChatTurn, type TurnScene } from './chat-turn.ts';
import { dataSchemasOf } from './data-parts.ts';
import { endInterrupted } from './interrupted.ts';
import { doneFrame, LiveStream } from './live-stream.ts';
import type { StreamLog } from './stream-log.ts';
import { ToolDesk } from './tool-desk.ts';
import type { EngineMemory } from './engine-memory.ts';
import { TurnQueue, type TurnRequest } from './turn-queue.ts';

/** Ids of turns in which the assistant goes on by itself, with the message's id: a restart before they begin loses none. */
const GO_ON = 'go-on_';

/** An agent that can chat: an author's class. */
export type ChattingAgent = Agent & ChatAuthor;

/** What the turns need of the chat around them. */
export interface TurnsHost {
  readonly agent: ChattingAgent;
  readonly parts: AgentParts;
  readonly store: ChatStore;
  readonly log: StreamLog;
  readonly memory: EngineMemory;
  /** Connections that do not get this stream, as yet. */
  heldBack(id: string): ReadonlySet<number> | undefined;
  /** Tells the clients all messages. */
  broadcastMessages(except: ReadonlySet<number>): void;
  /** The request is closed: there is an answer, or there will be none. @param told what the stream said of its failure */
  turnEnded(id: string, told?: ChatFailure): void;
}

export class ChatTurns {
  readonly tools: ToolDesk;
  readonly approvals: ChatApprovals;
  readonly #host: TurnsHost;
  readonly #scene: TurnScene;
  readonly #queue: TurnQueue;
  #turn: ChatTurn | undefined;
  /** The request whose turn waits for what people approved. */
  #held: string | undefined;

  constructor(host: TurnsHost) {
    const { agent, parts, store, log, memory } = host;
    this.#host = host;
    const live = (): LiveStream | undefined => this.live;
    const continueTurn = (connection: number, messageId: string): void =>
      void this.submit('continue', connection, `${GO_ON}${newId()}_${messageId}`);
    const isUnderWay = (toolCallId: string): boolean => this.approvals.isUnderWay(toolCallId);
    const keepAnswer = (message: ChatMessage): void => this.#keepAnswer(message);
    this.tools = new ToolDesk({ parts, store, live, keepAnswer, continueTurn, isUnderWay });
    this.approvals = new ChatApprovals(parts, this.tools);
    const { tools, approvals } = this;
    this.#scene = { agent, author: agent, parts, store, log, memory, tools, approvals, keepAnswer };
    this.#queue = new TurnQueue(parts.context, {
      run: (request) => this.#run(request),
      superseded: (request) => this.#over(request.id),
    });
  }

  /** The answer under way. */
  get live(): LiveStream | undefined {
    return this.#turn?.live;
  }

  get isBusy(): boolean {
    return this.#queue.isBusy;
  }

  /** I3: all messages but those that wait. */
  get messages(): readonly ChatMessage[] {
    const waiting = new Set(this.#queue.waitingMessages);
    const { messages } = this.#host.store;
    return waiting.size === 0 ? messages : messages.filter(({ id }) => !waiting.has(id));
  }

  /** Ends what the end of the process cut off. */
  wake(): void {
    const { store, log } = this.#host;
    // Nothing of these was asked yet.
    const waiting = store.open.filter((id) => id.startsWith(GO_ON) && log.get(id)?.status === 'queued');
    const wasUnderWay = store.open.some((id) => log.get(id)?.status === 'streaming');
    endInterrupted(this.#scene, new Set(waiting));
    if (wasUnderWay) this.approvals.interrupted();
    for (const id of waiting) this.#enqueue({ kind: 'continue', connection: 0, id });
  }

  /** Whether a message of a client would not be taken now. @throws BridgeError BRG_BUSY: too many wait */
  refusesMessages(): boolean {
    return this.#queue.refuses(this.#host.agent.messageConcurrency);
  }

  /** @throws BridgeError BRG_BUSY: too many turns wait */
  checkRoom(): void {
    this.#queue.refuses('queue');
  }

  /** A turn will come, once what was written is committed. Returns the id of its request. */
  submit(
    kind: TurnRequest['kind'],
    connection: number,
    id: string,
    facts: Partial<TurnRequest> = {},
  ): string {
    const { parts, store, log } = this.#host;
    store.setOpen([...store.open, id]);
    log.open(id, facts.userMessages ?? []);
    this.#enqueue({ ...facts, id, kind, connection });
    if (channels.chat.hasSubscribers) tell('chat:request', parts.context, { request: id, kind });
    return id;
  }

  #enqueue(request: Partial<TurnRequest> & Pick<TurnRequest, 'id' | 'kind' | 'connection'>): void {
    const { messageConcurrency } = this.#host.agent;
    this.#queue.add({ userMessages: [], earlier: [], isMerging: false, ...request }, messageConcurrency);
  }

  cancel(id: string): void {
    if (this.live?.id === id) this.#turn?.cancel();
    else if (this.#queue.remove(id) !== undefined || this.#held === id) this.#over(id);
  }

  /** Nothing of any turn is left. */
  clear(): void {
    const { parts, store, log } = this.#host;
    const waiting = this.#queue.clear();
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.discard();
    this.tools.clear();
    if (store.exists) {
      log.clear();
      store.setOpen([]);
    }
    // I1
    for (const id of [...(turn === undefined ? [] : [turn.live.id]), ...waiting.map((one) => one.id)]) {
      parts.outbound.broadcast(doneFrame(id));
      this.#host.turnEnded(id);
    }
  }

  /** The agent leaves memory for good: what is under way is found at the next wake. */
  stop(): void {
    this.#queue.clear();
    this.#turn?.discard();
  }

  /** The last moment before a commit: what was sent is stored with it. Never throws. */
  beforeCommit(): void {
    try {
      this.live?.flush();
    } catch (error) {
      // The database is full: the turn fails.
      this.#host.parts.context.log.error({ err: asBridgeError(error).message }, 'answer not stored');
      this.live?.abort.abort(error);
    }
  }

  /** A request gets no turn, and no answer. */
  #over(id: string): void {
    this.#host.log.end(id, 'cancelled', null);
    this.#closed(id);
    this.#host.parts.outbound.broadcast(doneFrame(id));
  }

  #closed(id: string, told?: ChatFailure): void {
    const { parts, store } = this.#host;
    parts.context.turn.tellSynced('everything');
    store.setOpen(store.open.filter((open) => open !== id));
    this.#host.turnEnded(id, told);
  }

  /** I3 */
  #keepAnswer(message: ChatMessage): void {
    const { store } = this.#host;
    const isNew = store.get(message.id) === undefined;
    store.put(message);
    if (isNew) store.moveToEnd(this.#queue.waitingMessages);
  }

  async #run(request: TurnRequest): Promise<void> {
    const { parts, store } = this.#host;
    this.#held = request.id;
    await this.approvals.settled();
    this.#held = undefined;
    // The turn that asked for it was taken back, or it was cancelled meanwhile.
    if (parts.context.turn.isAbandoned || !store.open.includes(request.id)) return;
    if (this.#isOutdated(request.id)) return this.#over(request.id);
    this.#merge(request);
    const turn = this.#newTurn(request);
    this.#turn = turn;
    await turn.run();
    if (parts.context.turn.isAbandoned || this.#turn !== turn) return;
    this.#turn = undefined;
    this.#closed(request.id, turn.live.failure);
    this.#host.broadcastMessages(new Set([request.connection]));
    this.tools.turnEnded();
  }

  /** Somebody has written since, or has had the assistant go on: that turn saw what this one is about. */
  #isOutdated(id: string): boolean {
    if (!id.startsWith(GO_ON)) return false;
    const last = this.#host.store.messages.at(-1)?.id;
    return last === undefined || !id.endsWith(`_${last}`);
  }

  #newTurn({ id, kind, connection, ...request }: TurnRequest): ChatTurn {
    const { agent, parts, store, log, heldBack } = this.#host;
    const last = store.messages.at(-1);
    const isContinuation = kind === 'continue' && last?.role === 'assistant';
    const fresh: ChatMessage = { id: `assistant_${newId()}`, role: 'assistant', parts: [] };
    const { context, outbound } = parts;
    const places = { context, outbound, log, schemas: dataSchemasOf(agent), heldBack };
    const live = new LiveStream(id, isContinuation ? last : fresh, isContinuation, places);
    const body = request.body ?? store.requestContext('body');
    const clientTools = request.clientTools ?? store.requestContext('clientTools');
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
  #merge({ earlier: ids, isMerging, userMessages }: TurnRequest): void {
    const { store } = this.#host;
    const into = store.get(userMessages.at(-1) ?? '');
    const earlier = ids.map((id) => store.get(id)).filter((message) => message !== undefined);
    if (!isMerging || into === undefined || earlier.length === 0) return;
    store.delete(earlier.map(({ id }) => id));
    store.put({ ...into, parts: [...earlier.flatMap(({ parts }) => parts), ...into.parts] });
    this.#host.broadcastMessages(new Set());
  }
}
