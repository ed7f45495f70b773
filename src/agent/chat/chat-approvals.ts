/**
 * Approvals of a chat: a call that the model wants and that waits for people is a part of a message and an approval at the
 * same time, and whatever decides about the one decides about the other.
 *
 *   the stream asks -> part `approval-requested`, approval `pending`, one commit
 *   approved        -> part `approval-responded`; the bridge runs its own tools, and the assistant goes on with the
 *                      outcome; tools of the author run in the turn that goes on
 *   denied, expired -> part `output-denied`; the assistant goes on, knowing why
 */
import { assert, BridgeError } from '../../base/errors.ts';
import type { Json } from '../../tools/index.ts';
import type { AgentParts } from '../agent-parts.ts';
import { describeEnd, type Approval } from '../approvals/approval.ts';
import { bindingOf } from '../device-tools/binding.ts';
import type { ApprovedCalls } from '../approvals/index.ts';
import type { AskingDecision } from '../device-tools/policy.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import type { MessageBuilder, Chunk } from './message-builder.ts';
import { toolNameOf } from './message-builder.ts';
import type { ToolDesk } from './tool-desk.ts';

/** Who says something in the chat itself, while it is being said. */
interface Speaker {
  readonly connection: number;
  /** The client wants the assistant to go on by itself. */
  readonly autoContinue: boolean;
}

export class ChatApprovals {
  readonly #parts: AgentParts;
  readonly #tools: ToolDesk;
  /** Calls of the bridge's tools whose request for approval is on its way through the stream. */
  readonly #expected = new Map<string, AskingDecision>();
  #speaker: Speaker | undefined;
  #bridgeCalls: ApprovedCalls | undefined;

  constructor(parts: AgentParts, tools: ToolDesk) {
    this.#parts = parts;
    this.#tools = tools;
  }

  /** From then on there may be approvals. */
  join(calls: ApprovedCalls): void {
    this.#bridgeCalls = calls;
  }

  get #calls(): ApprovedCalls {
    void this.#parts.approvals; // makes them, and has them join
    assert(this.#bridgeCalls, 'approvals have joined the chat');
    return this.#bridgeCalls;
  }

  /** A tool of the bridge needs consent for this call: the AI SDK will ask for it. */
  expect(toolCallId: string, decision: AskingDecision): void {
    this.#expected.set(toolCallId, decision);
  }

  /**
   * The stream asks for consent: people are asked with it. Returns the chunk with the reason for people.
   * @throws BridgeError BRG_APPROVALS_FULL, BRG_PAYLOAD_TOO_LARGE
   */
  asked(builder: MessageBuilder, chunk: Chunk): Chunk {
    const toolCallId = String(chunk['toolCallId']);
    const part = builder.tool(toolCallId);
    if (part === undefined || chunk['isAutomatic'] === true) return chunk;
    const tool = toolNameOf(part);
    const input = isJsonObject(part['input']) ? part['input'] : { input: part['input'] ?? null };
    const decision = this.#expected.get(toolCallId);
    this.#expected.delete(toolCallId);
    const said = typeof chunk['reason'] === 'string' ? chunk['reason'] : undefined;
    const explanation = said ?? decision?.explanation ?? `${tool} wants a person's approval`;
    this.#parts.approvals.ask({
      origin: { kind: 'chat', toolCallId },
      tool,
      arguments: input,
      binding: bindingOf(tool, input as Json), // it came as JSON
      explanation,
      requestedBy: 'chat',
      runBy: decision === undefined ? 'asker' : 'bridge',
      ...(decision === undefined ? {} : { needed: decision.persons, ttlMs: decision.ttlMs }),
    });
    return { ...chunk, reason: explanation };
  }

  /**
   * A word about a call by a frame. False: nobody was asked about it.
   * @throws BridgeError of `Approvals.decide`
   */
  say(toolCallId: string, approved: boolean, by: string, via: string, speaker: Speaker): boolean {
    const approval = this.#parts.approvals.ofToolCall(toolCallId);
    if (approval === undefined) return false;
    this.#speaker = speaker;
    try {
      const { status } = this.#parts.approvals.decide(approval.id, { approved, by, via });
      // Clients have shown it as decided.
      if (status === 'pending') this.#tools.tellAbout(toolCallId);
    } finally {
      this.#speaker = undefined;
    }
    return true;
  }

  /** In the turn that decides. */
  decided(approval: Approval): void {
    const { id, status, runBy, origin } = approval;
    if (origin.kind !== 'chat') return;
    const isApproved = status === 'approved';
    const reason = isApproved ? undefined : describeEnd(approval);
    const { connection = 0, autoContinue = true } = this.#speaker ?? {};
    const isBridges = runBy === 'bridge';
    // A refusal by a client is for the client to go on from (Agents SDK).
    const isLeftToClient = this.#speaker !== undefined && !isApproved && !isBridges;
    const goesOn = autoContinue && !isLeftToClient && !(isApproved && isBridges);
    const word = { toolCallId: origin.toolCallId, approved: isApproved, reason };
    const isThere = this.#tools.respond(word, connection, goesOn && isApproved);
    if (isApproved && isBridges) return isThere ? this.#run(id) : this.#forget(id);
    if (!isApproved && !isLeftToClient) this.#tools.denied(origin.toolCallId, connection, goesOn);
  }

  /** What came of a call that the bridge ran. */
  ended({ origin }: Approval, outcome: JsonObject): void {
    if (origin.kind === 'chat') this.#tools.output(origin.toolCallId, outcome);
  }

  /** Resolves when no approved call is under way: a model is asked when all that it began has an outcome. Never rejects. */
  async settled(): Promise<void> {
    const running = this.#parts.approvals
      .list('approved')
      .filter(
        ({ origin, runBy, outcome }) => origin.kind === 'chat' && runBy === 'bridge' && outcome === null,
      );
    await Promise.allSettled(running.map((approval) => this.#calls.outcomeOf(approval)));
  }

  /** Whether the bridge runs this call, or is about to. */
  isUnderWay(toolCallId: string): boolean {
    const approval = this.#parts.approvals.ofToolCall(toolCallId);
    return approval?.status === 'approved' && approval.runBy === 'bridge' && approval.outcome === null;
  }

  /** The author's stream has the outcome of a call that was approved. */
  advanced(chunk: Chunk): void {
    if (!chunk.type.startsWith('tool-output-') || chunk['preliminary'] === true) return;
    const approval = this.#parts.approvals.ofToolCall(String(chunk['toolCallId']));
    if (approval?.status !== 'approved' || approval.runBy !== 'asker' || approval.outcome !== null) return;
    const { output, errorText } = chunk;
    if (isJsonObject(output)) this.#parts.approvals.finish(approval.id, output);
    else if (output !== undefined) this.#parts.approvals.finish(approval.id, { output });
    else if (errorText !== undefined) this.#parts.approvals.finish(approval.id, { error: String(errorText) });
  }

  /** What came of a call that people approved; undefined: nobody was asked about it. Rejects with BRG_FORBIDDEN: they have not. */
  outcomeOf(toolCallId: string): Promise<JsonObject> | undefined {
    const approval = this.#parts.approvals.ofToolCall(toolCallId);
    if (approval?.runBy !== 'bridge') return undefined;
    if (approval.status === 'approved') return this.#calls.outcomeOf(approval);
    return Promise.reject(new BridgeError('BRG_FORBIDDEN', `${approval.tool}: ${describeEnd(approval)}`));
  }

  /** The process ended in a turn, which may have begun what people had approved: the author's tools are not run again. */
  interrupted(): void {
    for (const { id, origin, runBy, outcome } of this.#parts.approvals.list('approved')) {
      if (origin.kind !== 'chat' || runBy !== 'asker' || outcome !== null) continue;
      const error = 'The process ended in this turn: whether the tool did its work is not known.';
      this.#tools.lost(origin.toolCallId, error);
      this.#parts.approvals.finish(id, { error });
    }
  }

  /** The chat was cleared: nobody goes on with what it asked. */
  clear(by: string): void {
    this.#expected.clear();
    for (const { id, origin } of this.#parts.approvals.pending)
      if (origin.kind !== 'tool' && origin.toolCallId !== undefined) this.#parts.approvals.cancel(id, by);
  }

  #run(id: string): void {
    this.#calls.start(id);
  }

  /** What nobody can see any more is not done. */
  #forget(id: string): void {
    const explanation = 'the chat does not have this call any more: nothing was done';
    this.#parts.approvals.finish(id, { outcome: 'refused', explanation });
  }
}
