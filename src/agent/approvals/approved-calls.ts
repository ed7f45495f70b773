/**
 * Runs what people approved and the bridge runs: calls of a device's own tools, beside both lanes, so that no turn waits
 * for what comes of them.
 *
 *   decided -> (that is committed) -> begun, committed with what it sends -> its outcome
 *                                  -> the process ends: at the next wake it begins, or what came of it is not known
 *
 * I1 A call begins once. Whoever wants it again (a continued chat) gets its outcome.
 */
import type { ActorContext } from '../../actor/index.ts';
import { asBridgeError, BridgeError, errorSpec, publicMessage } from '../../base/errors.ts';
import type { DeviceTool } from '../device-tools/device-tool.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import { approversOf, type Approval } from './approval.ts';
import type { Approvals } from './approvals.ts';

/** What it needs of the agent. */
export interface CallPlaces {
  readonly context: ActorContext;
  /** The author's code, and with it the policy, is not there. */
  readonly isHeld: boolean;
}

type ToolLookup = (name: string, by: string) => DeviceTool | undefined;

/** Hears what came of an approved call, in the commit that stores it. */
export type CallListener = (approval: Approval, outcome: JsonObject) => void;

const LOST: JsonObject = {
  outcome: 'sent, not confirmed',
  explanation:
    'the process ended while the device was waited for: what came of it is not known; look at its state',
};

export class ApprovedCalls {
  readonly #places: CallPlaces;
  readonly #approvals: Approvals;
  readonly #toolOf: ToolLookup;
  readonly #waiting = new Map<string, PromiseWithResolvers<JsonObject>>();
  readonly #abort = new AbortController();
  #listener: CallListener | undefined;
  #running = 0;

  /** @param toolOf a tool of the bridge's own, or of an MCP server of the agent; `by`: who asked, as the audit log names it */
  constructor(places: CallPlaces, approvals: Approvals, toolOf: ToolLookup) {
    this.#toolOf = toolOf;
    this.#places = places;
    this.#approvals = approvals;
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Hears of the calls of a chat. */
  listen(listener: CallListener): void {
    this.#listener = listener;
  }

  /** The agent has entered memory: begins what was approved and had not begun, ends what the process cut off. */
  wake(): void {
    for (const { id, runBy, outcome } of this.#approvals.list('approved'))
      if (runBy === 'bridge' && outcome === null) this.start(id);
  }

  /** Once what was written so far is committed. */
  start(id: string): void {
    this.#places.context.aside(() => this.#begin(id));
  }

  /** What came of an approved call, or comes of it; rejects with BRG_ABORTED when the agent leaves memory before that. */
  outcomeOf({ id, outcome }: Approval): Promise<JsonObject> {
    if (outcome !== null) return Promise.resolve(outcome);
    const known = this.#waiting.get(id) ?? Promise.withResolvers<JsonObject>();
    this.#waiting.set(id, known);
    return known.promise;
  }

  /** The agent leaves memory: what is under way is found at its next wake. */
  stop(): void {
    this.#abort.abort();
    const error = new BridgeError(
      'BRG_ABORTED',
      'the agent left memory while an approved call was under way',
    );
    for (const { promise, reject } of this.#waiting.values()) {
      promise.catch(() => undefined);
      reject(error);
    }
    this.#waiting.clear();
  }

  #begin(id: string): void {
    const { context, isHeld } = this.#places;
    const approval = this.#approvals.get(id);
    // Without its code the agent has no `static policy` either: at its next wake.
    if (isHeld || approval?.outcome !== null || this.#abort.signal.aborted) return;
    if (approval.begunAtMs !== null) return this.#end(approval, LOST);
    const { tool: name, arguments: input, binding, requestedBy, createdAtMs: askedAtMs } = approval;
    try {
      const running = context.attempt(() => {
        if (!this.#approvals.begin(id)) return undefined;
        const tool = this.#toolOf(name, requestedBy);
        if (tool === undefined) throw new BridgeError('BRG_NOT_FOUND', `there is no tool ${name} any more`);
        const { signal } = this.#abort;
        return tool.run(input, { signal, approval: { binding, by: approversOf(approval), askedAtMs } });
      });
      if (running !== undefined) this.#await(approval, running);
    } catch (error) {
      this.#end(approval, failed(error));
    }
  }

  #await(approval: Approval, running: Promise<unknown>): void {
    this.#running++;
    void running
      .then(
        (outcome) => (isJsonObject(outcome) ? outcome : { outcome: 'done', explanation: String(outcome) }),
        failed,
      )
      .then((outcome) => {
        this.#running--;
        // Nothing is written any more: the next wake says that it is not known.
        if (this.#abort.signal.aborted || this.#places.context.turn.isAbandoned) return;
        this.#end(approval, outcome);
      })
      .catch((error: unknown) =>
        this.#places.context.log.error({ err: String(error) }, 'outcome of an approved call is lost'),
      );
  }

  #end(approval: Approval, outcome: JsonObject): void {
    this.#places.context.attempt(() => {
      this.#approvals.finish(approval.id, outcome);
      if (approval.origin.kind === 'chat') this.#listener?.(approval, outcome);
    });
    this.#waiting.get(approval.id)?.resolve(outcome);
    this.#waiting.delete(approval.id);
  }
}

/** What a tool says to wrong arguments, or to a call that is not allowed, it says before it acts. */
function failed(error: unknown): JsonObject {
  const failure = asBridgeError(error);
  return {
    outcome: errorSpec(failure.code).status < 500 ? 'refused' : 'failed',
    explanation: `${failure.code}: ${publicMessage(failure)}`,
  };
}
