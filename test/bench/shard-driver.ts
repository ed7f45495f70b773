/** A shard in this process, with the shipped device models, driven batch by batch as the main thread would. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BatchWriter } from '../../src/actor/envelope.ts';
import { KIND } from '../../src/actor/messages.ts';
import type { Shard } from '../../src/actor/index.ts';
import { openShard } from '../../src/shard.ts';
import { projectRoot } from './machine.ts';

const FLAG_DURABLE = 1;
/** Agents do not leave memory unless the benchmark says so. */
const NEVER_MS = 3_600_000;

export class ShardDriver {
  readonly shard: Shard;
  readonly #writer = new BatchWriter();
  #batches = 0;

  private constructor(shard: Shard) {
    this.shard = shard;
  }

  static async open(dataDir: string): Promise<ShardDriver> {
    const devicesUrl = pathToFileURL(join(projectRoot, 'devices/index.ts')).href;
    const settings = {
      dataDir,
      devicesUrl,
      logLevel: 'error',
      logFormat: 'json',
      idleTimeoutMs: NEVER_MS,
    } as const;
    const shard = await openShard(settings, () => undefined);
    await shard.start();
    return new ShardDriver(shard);
  }

  /** One telemetry message for each of the thermostats, journaled, applied and committed when it returns. */
  tell(ids: Iterable<string>, payload: Buffer): void {
    for (const id of ids) {
      this.#writer.write(KIND.telemetry, FLAG_DURABLE, `thermostat/${id}`, '', 0, 0, Date.now(), payload);
    }
    const { count, durableCount } = this.#writer;
    const pack = this.#writer.take();
    const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength);
    this.shard.receive(`bench-${process.pid}-${this.#batches++}`, bytes, count, durableCount);
  }

  /** Every agent leaves memory. */
  sleep(): void {
    const { roster } = this.shard;
    for (const actor of [...roster.all()]) {
      const reason = roster.hibernate(actor, 'now');
      if (reason !== undefined) throw new Error(`${actor.key} stays awake: ${reason}`);
    }
  }
}
