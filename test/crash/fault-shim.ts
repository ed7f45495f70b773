/** The shim of fault-shim.c: compiled where a C compiler is, and told what to fail. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCE = join(import.meta.dirname, 'fault-shim.c');

/** Fields of `struct control`, in its order: u32 each. */
const FIELDS = [
  'syncFailsAfter',
  'writeFailsAfter',
  'isFull',
  'shortPermille',
  'syncMicrosMax',
  'seed',
  'failedSyncs',
  'failedWrites',
  'fullHits',
  'shortWrites',
  'syncs',
] as const;
type Field = (typeof FIELDS)[number];

/** What a disk is told to do; what is left out it does not do. */
export type DiskOrders = Partial<
  Record<'syncFailsAfter' | 'writeFailsAfter' | 'isFull' | 'shortPermille' | 'syncMicrosMax', number>
>;

/** The compiled shim, made once for each of its versions; or why there is none. */
export function compileShim(): { readonly path: string } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: 'LD_PRELOAD is for Linux' };
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `mooring-fault-shim-${version}-${process.arch}.so`);
  if (existsSync(path)) return { path };
  const made = `${path}.${process.pid}`;
  try {
    const flags = ['-O2', '-shared', '-fPIC', '-o', made, SOURCE, '-ldl', '-lpthread'];
    execFileSync('cc', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    return { reason: `no C compiler made it: ${error instanceof Error ? error.message : String(error)}` };
  }
  renameSync(made, path);
  return { path };
}

/** The control block of one process: a file that it has in its memory. */
export class FaultControl {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string, seed: number) {
    this.path = path;
    this.#fd = openSync(path, 'w+');
    writeSync(this.#fd, Buffer.alloc(FIELDS.length * 4), 0, FIELDS.length * 4, 0);
    this.#set('seed', seed >>> 0);
  }

  order(orders: DiskOrders): void {
    for (const [field, value] of Object.entries(orders)) this.#set(field as Field, value); // DiskOrders has them only
  }

  /** How often it did something. */
  count(field: 'failedSyncs' | 'failedWrites' | 'fullHits' | 'shortWrites' | 'syncs'): number {
    const value = Buffer.alloc(4);
    readSync(this.#fd, value, 0, 4, FIELDS.indexOf(field) * 4);
    return value.readUInt32LE();
  }

  /** The environment of the process. @param log where changes and syncs are written; none: they are not */
  environment(shim: string, root: string, log?: string): Record<string, string> {
    return {
      LD_PRELOAD: shim,
      FAULT_SHIM_ROOT: root,
      FAULT_SHIM_CONTROL: this.path,
      ...(log === undefined ? {} : { FAULT_SHIM_LOG: log }),
    };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #set(field: Field, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#fd, bytes, 0, 4, FIELDS.indexOf(field) * 4);
  }
}
