/**
 * Commands to a device: queued -> sent -> done | failed | expired, kept until answered or expired.
 *
 * I1 A command is stored in the turn that accepts it, before anybody hears of it.
 * I2 It is delivered at least once: a device that comes back gets everything unanswered again, with
 *    the same correlation id, by which it can tell a repetition.
 * I3 Each one ends exactly once; later answers to it are ignored.
 */
import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { checkCommandArgument, downlinkTopics, type DeviceDefinition } from '../device/index.ts';
import { encodePayload, type Codec } from '../wire/index.ts';
import { noteCreated, noteDropped, noteEnded } from './command-notes.ts';
import { isJsonObject } from './merge-patch.ts';
import type { Outbound } from './outbound.ts';

export type CommandStatus = 'queued' | 'sent' | 'done' | 'failed' | 'expired';

/** A command to a device as it stands; `createdAtMs` and `expiresAtMs` are ms since epoch. */
export interface CommandRecord {
  readonly cid: string;
  readonly name: string;
  readonly args: unknown;
  readonly status: CommandStatus;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly value?: unknown;
  readonly error?: string;
}

export interface CommandResult {
  readonly ok: boolean;
  readonly value?: unknown;
  readonly error?: string;
}

interface Waiter {
  readonly request: number;
  readonly untilMs: number;
}

const NONE: readonly CommandRecord[] = [];
/** Nobody writes to this one: most devices have no waiter. */
const NO_WAITERS = new Map<string, Waiter>();

export class Commands {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;
  readonly #definition: DeviceDefinition;
  readonly #onEnded: (record: CommandRecord) => void;
  /** API callers waiting for an answer; they do not survive a restart, their commands do. */
  #waiters = NO_WAITERS;

  /** @param onEnded hears of each command that ends, however it does */
  constructor(
    context: ActorContext,
    outbound: Outbound,
    definition: DeviceDefinition,
    onEnded: (record: CommandRecord) => void,
  ) {
    this.#onEnded = onEnded;
    this.#context = context;
    this.#outbound = outbound;
    this.#definition = definition;
  }

  /** Unanswered commands, oldest first. */
  get pending(): readonly CommandRecord[] {
    return this.#read('commands');
  }

  /** The latest first. */
  list(max: number): CommandRecord[] {
    return [...this.#read('commandsDone'), ...this.pending]
      .sort((a, b) => b.createdAtMs - a.createdAtMs)
      .slice(0, max);
  }

  get hasWaiters(): boolean {
    return this.#waiters.size > 0;
  }

  /**
   * Accepts a command; it leaves with the commit of this turn when the device is there.
   * @param by who asked for it, as the audit log names it
   * @throws BridgeError BRG_UNKNOWN_COMMAND, BRG_COMMAND_ARGUMENT, BRG_COMMANDS_FULL
   */
  create(name: string, args: unknown, ttlMs: number, codec: Codec, by: string): CommandRecord {
    const command = this.#definition.commands.find((known) => known.name === name);
    if (command === undefined) throw this.#unknown(name);
    const argument = checkCommandArgument(command, args);
    if (this.pending.length >= limits.commandsPendingMax) {
      const message = `${this.pending.length} commands are waiting for the device; try again when some expired`;
      throw new BridgeError('BRG_COMMANDS_FULL', message);
    }
    const now = this.#context.now();
    const isThere = this.#context.presence === 'online';
    const record: CommandRecord = {
      cid: this.#context.effectId(),
      name,
      args: argument,
      status: isThere ? 'sent' : 'queued',
      createdAtMs: now,
      expiresAtMs: now + Math.min(ttlMs, limits.commandTtlMaxMs),
    };
    this.#context.setCell('commands', [...this.pending, record]);
    if (isThere) this.#publish(record, codec, 0);
    this.#tell(record);
    noteCreated(this.#context, record, by);
    return record;
  }

  /** The caller of `request` gets the outcome, or `pending` at `untilMs`. */
  wait(cid: string, request: number, untilMs: number): void {
    if (this.#waiters === NO_WAITERS) this.#waiters = new Map();
    this.#waiters.set(cid, { request, untilMs });
  }

  /** Whoever waits gets no outcome any more: the commands stay, the agent does not. */
  letGo(): void {
    for (const [cid, { request }] of this.#waiters) this.#context.reply(request, { cid, status: 'pending' });
    this.#waiters.clear();
  }

  /** The device listens: sends it everything unanswered. */
  sendTo(connection: number, codec: Codec): void {
    // The alarm of one that expired while the bridge was down may come after the device.
    this.tick(this.#context.now());
    if (this.pending.length === 0) return;
    const sent = this.pending.map((record): CommandRecord => ({ ...record, status: 'sent' }));
    for (const record of sent) {
      this.#publish(record, codec, connection);
      this.#tell(record);
    }
    this.#context.setCell('commands', sent);
  }

  /** The device answered; undefined when no such command is waiting. */
  answered(cid: string, result: CommandResult): CommandRecord | undefined {
    const record = this.pending.find((pending) => pending.cid === cid);
    if (record === undefined) return undefined;
    const { counters } = this.#context;
    if (result.ok) {
      counters.commandsDone++;
      return this.#end({ ...record, status: 'done', value: result.value }, 'device');
    }
    counters.commandsFailed++;
    return this.#end({ ...record, status: 'failed', error: result.error }, 'device');
  }

  /** Whether a command of this id has ended already: an answer to it is a repetition. */
  hasEnded(cid: string): boolean {
    return this.#read('commandsDone').some((record) => record.cid === cid);
  }

  /** Ends what has expired and lets go callers that have waited long enough. */
  tick(nowMs: number): void {
    for (const record of this.pending) {
      if (record.expiresAtMs > nowMs) continue;
      this.#context.counters.commandsExpired++;
      this.#end({ ...record, status: 'expired' }, 'bridge');
      const { address, shard } = this.#context;
      const text = `command ${record.name} expired: the device did not answer`;
      shard.attention.add({ ...address, reason: 'command-expired', ts: nowMs, text });
    }
    for (const [cid, waiter] of this.#waiters) {
      if (waiter.untilMs > nowMs) continue;
      this.#waiters.delete(cid);
      this.#context.reply(waiter.request, { cid, status: 'pending' });
    }
  }

  /** The agent is being deleted: nobody will hear what becomes of them. */
  drop(by: string): void {
    for (const record of this.pending) noteDropped(this.#context, record, by);
  }

  /** When `tick` has something to do, ms since epoch; null for never. */
  nextAlarmMs(): number | null {
    let next = Infinity;
    for (const record of this.pending) next = Math.min(next, record.expiresAtMs);
    for (const waiter of this.#waiters.values()) next = Math.min(next, waiter.untilMs);
    return next === Infinity ? null : next;
  }

  #end(record: CommandRecord, by: string): CommandRecord {
    this.#context.setCell(
      'commands',
      this.pending.filter((pending) => pending.cid !== record.cid),
    );
    this.#context.setCell(
      'commandsDone',
      [record, ...this.#read('commandsDone')].slice(0, limits.commandsFinishedMax),
    );
    this.#tell(record);
    noteEnded(this.#context, record, by);
    this.#onEnded(record);
    const waiter = this.#waiters.get(record.cid);
    if (waiter !== undefined) {
      this.#waiters.delete(record.cid);
      const { cid, status, value, error } = record;
      this.#context.reply(waiter.request, { cid, status, value, error });
    }
    return record;
  }

  #tell(record: CommandRecord): void {
    const { cid, name, status, value, error } = record;
    this.#outbound.broadcast({ type: 'mooring_command', cid, name, status, value, error });
  }

  #publish(record: CommandRecord, codec: Codec, connection: number): void {
    const topic = downlinkTopics(this.#context.address).command(record.name, record.cid);
    const payload = encodePayload(record.args, codec);
    this.#context.publish({ topic, payload, qos: 1, retain: false, connection });
  }

  #read(name: 'commands' | 'commandsDone'): readonly CommandRecord[] {
    // Only this class writes these cells.
    return (this.#context.cell(name) as readonly CommandRecord[] | undefined) ?? NONE;
  }

  #unknown(name: string): BridgeError {
    const known = this.#definition.commands.map((command) => command.name).join(', ') || 'none';
    return new BridgeError(
      'BRG_UNKNOWN_COMMAND',
      `no command "${name}"; ${this.#definition.model} knows: ${known}`,
    );
  }
}

/** Checks `{ok: true, value?}` or `{ok: false, error}`. @throws BridgeError BRG_PAYLOAD_SHAPE */
export function parseResult(value: unknown): CommandResult {
  if (!isJsonObject(value) || typeof value['ok'] !== 'boolean') {
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'a result is {ok: true, value?} or {ok: false, error}');
  }
  const { ok, value: result, error } = value;
  if (ok === true) return { ok, value: result };
  if (error === undefined) return { ok: false, error: 'the device gave no reason' };
  return { ok: false, error: typeof error === 'string' ? error : JSON.stringify(error) };
}
