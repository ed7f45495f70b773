/**
 * The state of an agent: checked, stored, told to connections, in this order.
 *
 * I1 A refused change (size, form, `validateStateChange`) has changed nothing, and nobody is told.
 * I2 Memory is what the disk will hold: the state is a copy by way of JSON, committed with the turn.
 * I3 Each change told has a version, one more than the last. Telemetry between two commits is one change,
 *    and while nobody looks the version only moves once: nobody can hold an older state of its number.
 * I4 A patch goes only to a connection that holds exactly the version it starts from.
 */
import type { ActorContext, Connection } from '../actor/index.ts';
import { BridgeError, errorSpec } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { Frame } from '../wire/index.ts';
import type { Agent } from './agent.ts';
import { attachmentOf, type Attachment } from './attachment.ts';
import { traced } from './author-code.ts';
import type { AgentConnection } from './connection.ts';
import { getCurrentAgent, runAs } from './current-agent.ts';
import type { Outbound } from './outbound.ts';
import { PARTS } from './agent-parts.ts';
import { createMergePatch } from './state-patch.ts';
import { within } from './within.ts';

type Source = 'server' | AgentConnection;

/** A state as connections were told it: a copy nobody else has. */
interface Snapshot {
  readonly version: number;
  readonly state: unknown;
}

interface VersionCell {
  readonly version: number;
  /** Whether somebody may hold a state of this version. */
  readonly isSeen: boolean;
}

const FIRST: VersionCell = { version: 0, isSeen: true };

export class StateSync {
  readonly #agent: Agent;
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  /** Streamed changes wait for the end of the batch. */
  #isUntold = false;
  /** A whole change in this batch told what was untold: if it is taken back, that is untold again. */
  #isCovered = false;
  /** Where the next patch starts; kept only while a connection wants patches. */
  #told: Snapshot | undefined;
  /** Resolves when the changes that wait for their validation are through. */
  #validations: Promise<void> | undefined;
  #pending = 0;

  constructor(agent: Agent, context: ActorContext, outbound: Outbound) {
    this.#agent = agent;
    this.#context = context;
    this.#outbound = outbound;
    context.onTakenBack((name) => this.#takenBack(name));
  }

  /** The last state set; undefined when none was. */
  get current(): unknown {
    return this.#context.cell('state');
  }

  get version(): number {
    return this.#versionCell.version;
  }

  get #versionCell(): VersionCell {
    // Only this class writes it.
    return (this.#context.cell('stateVersion') as VersionCell | undefined) ?? FIRST;
  }

  /** A change waits for its validation. */
  get isBusy(): boolean {
    return this.#validations !== undefined;
  }

  /** The agent has entered memory: what its connections hold is on disk. */
  wake(): void {
    const isWanted = this.#context.connections().some((connection) => attachmentOf(connection).wantsPatches);
    if (isWanted) this.#told = this.#snapshot();
  }

  /** A change by the agent's own code. @throws as `replace` does; BRG_FORBIDDEN on behalf of a readonly connection */
  set(state: unknown): void | Promise<void> {
    if (this.#actorOf('server')?.can('state.write') === false) {
      throw new BridgeError('BRG_FORBIDDEN', 'Connection is readonly');
    }
    return this.replace(state, 'server');
  }

  /**
   * Replaces the state, tells every connection but its source, and calls `onStateChanged`. A promise only
   * when a hook is asynchronous; it rejects when the change was refused.
   * @throws BridgeError BRG_STATE_TOO_LARGE, BRG_PAYLOAD_SHAPE, BRG_BUSY; what `validateStateChange` throws
   */
  replace(state: unknown, source: Source): void | Promise<void> {
    const next = copyOf(state);
    this.#agent[PARTS].extension?.checkState(next);
    if (this.#pending >= limits.stateChangesPendingMax) {
      throw new BridgeError('BRG_BUSY', `${this.#pending} changes of the state wait for their validation`);
    }
    const take = (): void => this.#take(next, source);
    if (this.#validations !== undefined) {
      return this.#wait(this.#validations.then(() => this.#validate(next, source)).then(take), next, source);
    }
    const verdict = this.#validate(next, source);
    if (verdict !== undefined) return this.#wait(verdict.then(take), next, source);
    take();
    return this.#changed(next, source);
  }

  /** Changes are taken in the order in which they were asked for. */
  #wait(taken: Promise<void>, next: unknown, source: Source): Promise<void> {
    this.#pending++;
    const settled: Promise<void> = taken
      .catch(() => undefined) // whoever asked for the change hears of it
      .then(() => {
        this.#pending--;
        if (this.#validations === settled) this.#validations = undefined;
      });
    this.#validations = settled;
    return taken.then(() => this.#changed(next, source));
  }

  #validate(next: unknown, source: Source): Promise<void> | undefined {
    const verdict: unknown = this.#context.attempt(() =>
      traced(this.#agent, 'validateStateChange', this.#actorOf(source), () =>
        runAs(this.#agent, this.#actorOf(source), () => this.#agent.validateStateChange(next, source)),
      ),
    );
    if (verdict === undefined) return undefined;
    // Whatever else it is, it is waited for: a promise of another kind must not pass as a yes.
    const promise = Promise.resolve(verdict).then(() => undefined);
    return within(this.#context, limits.stateValidationMs, 'validateStateChange', promise);
  }

  #take(next: unknown, source: Source): void {
    this.#context.attempt(() => {
      this.#context.setCell('state', next);
      this.#isCovered ||= this.#isUntold;
      this.#isUntold = false;
      this.#tell(source === 'server' ? undefined : Number(source.id));
    });
  }

  #changed(next: unknown, source: Source): void | Promise<void> {
    if (channels.state.hasSubscribers) {
      const kind = source === 'server' ? source : 'connection';
      tell('state:update', this.#context, { version: this.version, source: kind });
    }
    return this.#agent[PARTS].runHook(
      'onStateChanged',
      () => this.#agent.onStateChanged(next, source),
      this.#actorOf(source),
    );
  }

  /** On whose behalf the change is made. */
  #actorOf(source: Source): AgentConnection | undefined {
    if (source !== 'server') return source;
    const { agent, connection } = getCurrentAgent();
    return agent === this.#agent ? connection : undefined;
  }

  /**
   * Replaces the state of a stream of small changes: one state frame per commit, however many changes it
   * holds, because only the last one counts.
   */
  stream(state: unknown): void {
    this.#context.setCell('state', state);
    this.#isUntold = true;
  }

  /** Frames that wait for the end of the batch. */
  beforeCommit(): void {
    this.#flush();
    this.#isCovered = false;
  }

  /** The state as a new connection gets it, after what waited is told to the others. */
  firstFrames(wantsPatches: boolean): Frame[] {
    this.#flush();
    const { state } = this.#agent;
    // Falsy states are states.
    if (state === undefined) return [];
    const { version, isSeen } = this.#versionCell;
    if (!isSeen) this.#context.setCell('stateVersion', { version, isSeen: true });
    if (wantsPatches) this.#told ??= this.#snapshot();
    return [{ type: 'cf_agent_state', state, version }];
  }

  #flush(): void {
    if (!this.#isUntold) return;
    this.#isUntold = false;
    this.#isCovered = true;
    if (this.#outbound.isWanted('state')) this.#tell(undefined);
    else this.#move();
    if (channels.state.hasSubscribers) {
      tell('state:update', this.#context, { version: this.version, source: 'telemetry' });
    }
  }

  /** Nobody looks. */
  #move(): void {
    const { version, isSeen } = this.#versionCell;
    if (isSeen) this.#context.setCell('stateVersion', { version: version + 1, isSeen: false });
    this.#told = undefined;
  }

  /** Tells the present state as the next version; `source` has it already. */
  #tell(source: number | undefined): void {
    const version = this.version + 1;
    this.#context.setCell('stateVersion', { version, isSeen: true });
    const before = this.#told;
    this.#told = undefined;
    let patch: Frame | undefined;
    const whole: Frame = { type: 'cf_agent_state', state: this.#agent.state ?? null, version };
    this.#outbound.broadcastState(version, (connection: Connection, attachment: Attachment) => {
      if (attachment.wantsPatches && this.#told === undefined) {
        this.#told = this.#snapshot();
        patch = patchFrame(before, this.#told);
      }
      if (connection.id !== source) {
        return attachment.wantsPatches && attachment.stateVersion === before?.version
          ? (patch ?? whole)
          : whole;
      }
      attachment.stateVersion = version;
      return undefined;
    });
  }

  #snapshot(): Snapshot {
    return { version: this.version, state: JSON.parse(JSON.stringify(this.#agent.state ?? null)) as unknown };
  }

  /** What was told with it was not sent. */
  #takenBack(name: string): void {
    if (name !== 'stateVersion') return;
    this.#told = undefined;
    this.#isUntold ||= this.#isCovered;
  }
}

/** Undefined where a patch cannot say the change, or not in fewer bytes. */
function patchFrame(before: Snapshot | undefined, now: Snapshot): Frame | undefined {
  if (before === undefined) return undefined;
  const patch = createMergePatch(before.state, now.state);
  if (patch === undefined || JSON.stringify(patch).length >= JSON.stringify(now.state).length)
    return undefined;
  return { type: 'mooring_state_patch', patch, version: now.version };
}

/** The state as it will be read from disk. @throws BridgeError BRG_PAYLOAD_SHAPE, BRG_STATE_TOO_LARGE */
function copyOf(state: unknown): unknown {
  const text = jsonOf(state);
  if (text === undefined) {
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'a state is a JSON value; null is one, undefined is not');
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.stateBytesMax) return JSON.parse(text) as unknown;
  throw new BridgeError(
    'BRG_STATE_TOO_LARGE',
    `the state is ${bytes} bytes, the limit is ${limits.stateBytesMax}`,
    { details: { bytes, limit: limits.stateBytesMax } },
  );
}

function jsonOf(state: unknown): string | undefined {
  try {
    return JSON.stringify(state) as string | undefined; // its type forgets JSON.stringify(undefined)
  } catch (error) {
    // Cycles, bigints, nesting beyond the stack.
    throw new BridgeError('BRG_PAYLOAD_SHAPE', `the state is no JSON value: ${String(error)}`, {
      cause: error,
    });
  }
}

/** What a client hears of its refused state: the texts of the Agents SDK, and our own about size and shape. */
export function refusalText(error: unknown): string {
  return error instanceof BridgeError && errorSpec(error.code).public
    ? error.message
    : 'State update rejected';
}
