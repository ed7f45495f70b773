/**
 * Copies of agents and of all of a shard: `export`, `import`, `backup`, `backupStatus` and `backups` of
 * docs/design/requests.md. They take their time beside the shard's loop and are answered when they are done.
 *
 * I1 Committed state only: what turns wrote is committed before it is looked at.
 * I2 An import is no message of the journal, so no backup runs meanwhile: a replay could not repeat it.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress, type AgentAddress } from '../base/address.ts';
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentSort, BackupPart, BackupProgress, BackupSummary, PreparedImport } from '../store/index.ts';
import { KIND, FLAG_RESUMED, type InboundRecord } from './messages.ts';
import type { Shard } from './shard.ts';
import { unknownAgent } from './unknown-agent.ts';

interface ExportBody {
  readonly by: string;
}

interface ImportBody {
  /** The uploaded file, in the directory of transfers. */
  readonly path: string;
  /** An agent that has the address may go. */
  readonly replace: boolean;
  /** The export may be of another address. */
  readonly rename: boolean;
  readonly by: string;
}

interface BackupBody {
  /** Delete all but so many afterwards; null keeps all. */
  readonly keep: number | null;
}

/** How the running backup, or the last one, goes. */
type BackupStatus =
  | { readonly state: 'none' }
  | ({ readonly state: 'running' } & BackupProgress)
  | {
      readonly state: 'done';
      readonly summary: BackupSummary;
      readonly path: string;
      readonly pruned: readonly string[];
    }
  | { readonly state: 'failed'; readonly code: string; readonly message: string };

const LOOK_MS = 5;

export class CopyDesk {
  readonly #shard: Shard;
  #transfers = 0;
  #imports = 0;
  #status: BackupStatus = { state: 'none' };

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  /** Whether requests of this name, to an agent or to the shard, are answered here. */
  answers({ key, subject }: InboundRecord): boolean {
    if (key === '') return ['backup', 'backupStatus', 'backups'].includes(subject);
    return subject === 'export' || subject === 'import';
  }

  /** Never throws; the answer may come much later. */
  answer(record: InboundRecord): void {
    const { connection: request, key, subject: name } = record;
    const { effects } = this.#shard;
    const body: unknown = JSON.parse(record.payload.toString());
    this.#run(name, key, body)
      .then(
        (answer) => this.#isStopped() || effects.reply(request, answer),
        (error: unknown) => this.#isStopped() || effects.replyError(request, asBridgeError(error)),
      )
      .finally(() => this.#isStopped() || this.#shard.scheduleCommit());
  }

  async #run(name: string, key: string, body: unknown): Promise<unknown> {
    switch (name) {
      case 'export':
        return this.#transfer(() => this.#export(key, body as ExportBody)); // written by the gateway
      case 'import':
        return this.#transfer(() => this.#import(key, body as ImportBody)); // written by the gateway
      case 'backup':
        return this.#backUp(body as BackupBody); // checked by the gateway's schema
      case 'backups':
        return { items: this.#shard.store.copies.backups.list() };
      default:
        return this.#status;
    }
  }

  async #transfer<T>(run: () => Promise<T>): Promise<T> {
    if (this.#transfers >= limits.transfersMax) {
      throw new BridgeError('BRG_BUSY', `${this.#transfers} exports and imports are under way; try again`);
    }
    this.#transfers++;
    try {
      return await run();
    } finally {
      this.#transfers--;
    }
  }

  async #export(key: string, { by }: ExportBody): Promise<unknown> {
    const { store, clock, roster } = this.#shard;
    const address = addressOf(key);
    this.#shard.commitNow();
    const row = store.directory.find(address.model, address.id);
    const sort = roster.sortOf(address.model);
    if (row === undefined || sort === undefined) throw unknownAgent(key);
    const { exporter, transfers } = store.copies;
    mkdirSync(transfers, { recursive: true });
    const path = join(transfers, `export-${this.#shard.chance.newId()}.db`);
    await exporter.export(row, path, { sort, nowMs: clock.now() });
    this.#note(key, 'exported', by);
    return { path, bytes: statSync(path).size };
  }

  async #import(key: string, body: ImportBody): Promise<unknown> {
    const { importer, backups } = this.#shard.store.copies;
    if (backups.isRunning) throw new BridgeError('BRG_BACKUP_RUNNING', 'wait until the backup has ended');
    this.#imports++;
    try {
      const address = addressOf(key);
      const prepared = await importer.prepare(body.path, address);
      try {
        this.#checkFits(prepared, this.#shard.roster.sortOf(address.model), body.rename);
        await this.#untilInstalled(key, prepared, body.replace);
      } catch (error) {
        importer.discard(prepared);
        throw error;
      }
      this.#note(key, 'imported', body.by);
      const { model, id, storage } = prepared.info;
      return { model: address.model, id: address.id, from: `${model}/${id}`, storage };
    } finally {
      this.#imports--;
    }
  }

  #checkFits({ info, address }: PreparedImport, sort: AgentSort | undefined, isRenaming: boolean): void {
    const isSame = info.model === address.model && info.id === address.id;
    if (!isSame && !isRenaming) {
      const message = `the file is of ${info.model}/${info.id}: say that it is to become ${address.model}/${address.id} (?rename=true, --as)`;
      throw new BridgeError('BRG_IMPORT_MODEL', message);
    }
    if (info.sort === sort) return;
    const message = `${info.model} is ${nameOf(info.sort)}, ${address.model} here is ${nameOf(sort)}`;
    throw new BridgeError('BRG_IMPORT_MODEL', message);
  }

  /** Waits for the turn that is under way, if any; what is looked at and done then is one piece. */
  async #untilInstalled(key: string, prepared: PreparedImport, isReplacing: boolean): Promise<void> {
    const giveUpMs = this.#shard.clock.elapsedMs() + limits.copyWaitMs;
    while (!this.#install(key, prepared, isReplacing)) {
      if (this.#shard.clock.elapsedMs() > giveUpMs)
        throw new BridgeError('BRG_BUSY', `a turn of ${key} does not end; try again`);
      await this.#shard.clock.pause(LOOK_MS);
    }
  }

  /** False: a turn is under way. */
  #install(key: string, prepared: PreparedImport, isReplacing: boolean): boolean {
    const shard = this.#shard;
    const { store, journal, connections } = shard;
    const { model, id } = prepared.address;
    if (shard.phase !== 'idle') return false;
    shard.commitNow();
    if (!isReplacing && store.directory.find(model, id) !== undefined) {
      throw new BridgeError('BRG_AGENT_EXISTS', `${key} exists: delete it, or say that it is to be replaced`);
    }
    if (!this.#putOut(key)) return false;
    const isOnline = connections.devicesOf(key).length > 0;
    // Whatever the journal holds for this address was for the agent that goes.
    store.copies.importer.install(prepared, { appliedSequence: journal.nextSequence - 1, isOnline });
    this.#introduce(key);
    return true;
  }

  /** Out of memory, whatever it is doing beside its turns. False: a turn is under way. */
  #putOut(key: string): boolean {
    const shard = this.#shard;
    const actor = shard.roster.get(key);
    if (actor === undefined) return true;
    if (actor.mailbox.isMidTurn || actor.isDirty) return false;
    if (shard.roster.hibernate(actor, 'now') === undefined) return true;
    const error = new BridgeError('BRG_AGENT_RESTARTED', `${key} was replaced by an import`);
    for (const effect of actor.abandon(error)) shard.effects.add(effect);
    shard.abandoned(actor);
    return true;
  }

  /** The connections of the address stay open: they get what a fresh agent sends first. */
  #introduce(key: string): void {
    const { connections, store, clock, overview } = this.#shard;
    const address = addressOf(key);
    const alarmAtMs = store.directory.find(address.model, address.id)?.alarmAtMs ?? null;
    if (alarmAtMs !== null) this.#shard.alarmSet(alarmAtMs);
    for (const { id } of connections.of(key)) {
      this.#shard.receiveOne({
        kind: KIND.connect,
        flags: FLAG_RESUMED,
        key,
        subject: '',
        connection: id,
        code: 0,
        receivedAtMs: clock.now(),
        payload: Buffer.from('{}'), // what it is, is known
      });
    }
    overview.committed([{ key }]);
  }

  #backUp({ keep }: BackupBody): BackupStatus {
    if (this.#imports > 0) throw new BridgeError('BRG_BUSY', 'an import is under way; try again');
    const { store, journal, clock, log } = this.#shard;
    const { backups } = store.copies;
    if (backups.isRunning)
      throw new BridgeError('BRG_BACKUP_RUNNING', 'one at a time: wait until it has ended');
    this.#shard.commitNow();
    this.#status = { state: 'running', phase: 'agents', files: 0, bytes: 0, bytesTotal: 0 };
    const running = backups.run(
      journal,
      clock,
      (progress) => (this.#status = { state: 'running', ...progress }),
    );
    running
      .then(async (summary) => {
        const pruned = keep === null ? [] : await backups.prune(keep);
        const path = join(backups.directory, summary.name);
        this.#status = { state: 'done', summary, path, pruned };
        log.info({ path, bytes: summary.bytes, agents: summary.agents }, 'backup made');
      })
      .catch((error: unknown) => {
        const { code, message } = asBridgeError(error);
        this.#status = { state: 'failed', code, message };
        log.error({ code, err: message }, 'backup failed');
      });
    return this.#status;
  }

  /** This shard's part of a backup that another one makes. */
  part(directory: string): Promise<BackupPart> {
    if (this.#imports > 0) throw new BridgeError('BRG_BUSY', 'an import is under way; try again');
    this.#shard.commitNow();
    return this.#shard.store.copies.backups.part(directory);
  }

  #note(key: string, event: string, by: string): void {
    const tsMs = this.#shard.clock.now();
    const entry = {
      id: this.#shard.chance.newId(),
      tsMs,
      agent: key,
      kind: 'agent',
      event,
      subject: '',
      by,
      detail: null,
    } as const;
    this.#shard.store.audit.append([entry]);
  }

  #isStopped(): boolean {
    return this.#shard.phase === 'stopped';
  }
}

function addressOf(key: string): AgentAddress {
  const address = parseAddress(key);
  if (address === undefined) throw new BridgeError('BRG_ADDRESS', `${key} is no address`);
  return address;
}

function nameOf(sort: AgentSort | undefined): string {
  return sort === 'device' ? 'a device' : sort === 'agent' ? 'an agent without a device' : 'not known';
}
