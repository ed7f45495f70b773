/**
 * What is left of a directory after a power loss: made from the directory as it was when the process began, and the
 * log of what the process did (fault-shim.c).
 *
 * I1 A name that was made, moved or removed is safe once its directory was synced after it. Of the rest each directory
 *    has the first ones, as file systems with a journal have it. A file's own sync says nothing of its name (POSIX).
 * I2 What files hold: file-image.ts.
 */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { RandomStream } from '../../firmware-sim/random.ts';
import { readDiskLog, type DiskRecord } from './disk-log.ts';
import { FileImage } from './file-image.ts';

type Node = FileImage | 'directory';

interface NameChange {
  readonly number: number;
  readonly directories: readonly string[];
  readonly apply: (names: Map<string, Node>) => void;
  isSafe: boolean;
}

export interface PowerLoss {
  readonly root: string;
  /** A copy of `root` from before the process began. */
  readonly base: string;
  readonly log: string;
  /** Where what is left is written to; it does not exist. */
  readonly out: string;
  readonly random: RandomStream;
}

/** Writes what is left. @returns how many changes were at stake */
export function losePower({ root, base, log, out, random }: PowerLoss): { names: number } {
  const disk = new Disk(root, base, random);
  for (const record of readDiskLog(log)) disk.replay(record);
  return { names: disk.write(out) };
}

class Disk {
  readonly #root: string;
  readonly #random: RandomStream;
  /** By path below the root, `''` itself: as the process sees it, and as it was safe at its beginning. */
  readonly #names = new Map<string, Node>();
  readonly #safe: Map<string, Node>;
  readonly #changes: NameChange[] = [];
  readonly #open = new Map<number, { readonly node: Node; readonly path: string }>();

  constructor(root: string, base: string, random: RandomStream) {
    this.#root = root;
    this.#random = random;
    scan(base, '', this.#names);
    this.#safe = new Map(this.#names);
  }

  replay(record: DiskRecord): void {
    const { kind, number, fd, offset, data } = record;
    const file = this.#open.get(fd);
    switch (kind) {
      case 'open':
        this.#opened(record);
        return;
      case 'close':
        this.#open.delete(fd);
        return;
      case 'write':
        imageOf(file?.node).change({ number, kind: 'write', offset, data });
        return;
      case 'truncate':
        imageOf(file?.node).change({ number, kind: 'truncate', bytes: offset });
        return;
      case 'sync':
        if (file?.node === 'directory') this.#directorySynced(file.path, offset);
        else imageOf(file?.node).synced(offset);
        return;
      case 'sync-failed':
        if (file?.node !== 'directory') imageOf(file?.node).syncFailed(offset, this.#random);
        return;
      default:
        this.#named(record);
    }
  }

  /** @returns how many names were not safe */
  write(out: string): number {
    const names = this.#safe;
    const cut = new Set<string>();
    const open = this.#changes.filter(({ isSafe }) => !isSafe);
    const survival = this.#random.next();
    for (const change of this.#changes) {
      const isKept =
        change.isSafe ||
        (!change.directories.some((directory) => cut.has(directory)) && this.#random.next() < survival);
      if (isKept) change.apply(names);
      else for (const directory of change.directories) cut.add(directory);
    }
    mkdirSync(out);
    for (const [path, node] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (path === '' || !isReachable(names, path)) continue;
      if (node === 'directory') mkdirSync(join(out, path));
      else this.#writeFile(join(out, path), node);
    }
    return open.length;
  }

  #writeFile(path: string, image: FileImage): void {
    const { untouched } = image;
    if (untouched === null) writeFileSync(path, image.afterPowerLoss(this.#random));
    else copyFileSync(untouched, path);
  }

  #opened({ path: absolute, fd, number, isCreated, isTruncated }: DiskRecord): void {
    const path = this.#below(absolute);
    if (isCreated) {
      const image = new FileImage(null);
      this.#change({ number, directories: [parentOf(path)], apply: (names) => void names.set(path, image) });
    }
    const node = this.#names.get(path);
    if (node === undefined) throw new Error(`the log opens ${path}, which is not there`);
    if (isTruncated) imageOf(node).change({ number, kind: 'truncate', bytes: 0 });
    this.#open.set(fd, { node, path });
  }

  #named({ kind, path: absolute, to: absoluteTo, number }: DiskRecord): void {
    const path = this.#below(absolute);
    const directories = [parentOf(path)];
    if (kind === 'mkdir') {
      this.#change({ number, directories, apply: (names) => void names.set(path, 'directory') });
    } else if (kind === 'rename') {
      const to = this.#below(absoluteTo);
      const node = this.#names.get(path);
      if (node === undefined) throw new Error(`the log renames ${path}, which is not there`);
      if (node === 'directory') throw new Error('no process of a bridge renames directories');
      const apply = (names: Map<string, Node>): void => {
        names.delete(path);
        names.set(to, node);
      };
      this.#change({ number, directories: [...directories, parentOf(to)], apply });
    } else {
      this.#change({ number, directories, apply: (names) => void names.delete(path) });
    }
  }

  #change(change: Omit<NameChange, 'isSafe'>): void {
    change.apply(this.#names);
    this.#changes.push({ ...change, isSafe: false });
  }

  #directorySynced(path: string, upto: number): void {
    for (const change of this.#changes) {
      if (change.number <= upto && change.directories.includes(path)) change.isSafe = true;
    }
  }

  #below(absolute: string): string {
    return relative(this.#root, absolute);
  }
}

function scan(base: string, below: string, into: Map<string, Node>): void {
  into.set(below, 'directory');
  for (const entry of readdirSync(join(base, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) scan(base, path, into);
    else into.set(path, new FileImage(join(base, path)));
  }
}

function isReachable(names: ReadonlyMap<string, Node>, path: string): boolean {
  for (let up = parentOf(path); up !== ''; up = parentOf(up)) if (names.get(up) !== 'directory') return false;
  return true;
}

function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}

function imageOf(node: Node | undefined): FileImage {
  if (node === undefined || node === 'directory') throw new Error('the log writes to what is no open file');
  return node;
}
