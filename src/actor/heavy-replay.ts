/**
 * After a run that did not end well, files of heavy agents may be older than shard.db says: their part of
 * the journal is applied again from its beginning, and their rows become what their files say.
 */
import { limits } from '../base/limits.ts';
import type { AgentRow } from '../store/index.ts';
import type { Committer } from './committer.ts';
import { readBatch } from './envelope.ts';
import { isLocked } from './locked-agents.ts';
import { FLAG_DURABLE } from './messages.ts';
import type { Shard } from './shard.ts';

/** Applies what the journal holds up to the watermark for these agents; each knows what it has already. */
export async function replayBehind(
  shard: Shard,
  committer: Committer,
  behind: readonly AgentRow[],
): Promise<void> {
  if (behind.length === 0) return;
  const keys = new Set(behind.map(keyOf));
  const { journal, store } = shard;
  const { watermark } = store;
  for await (const { batch, firstSequence } of journal.read(0)) {
    if (firstSequence > watermark) return;
    let sequence = firstSequence;
    for (const record of readBatch(batch)) {
      if ((record.flags & FLAG_DURABLE) === 0) continue;
      if (keys.has(record.key) && sequence <= watermark) shard.replayPast(record, sequence);
      sequence++;
    }
    await committer.commitUntilRoom();
    await new Promise<void>((resume) => shard.clock.soon(resume));
  }
}

/** Lets the rows of those that sleep say what their files say, some in a step. */
export function adoptBehind(shard: Shard, behind: readonly AgentRow[], whenDone: () => void): void {
  const left = [...behind];
  const step = (): void => {
    if (shard.phase === 'stopped') return;
    const locked: AgentRow[] = [];
    for (const row of left.splice(0, limits.checkpointFilesPerStep)) {
      const awake = shard.roster.get(keyOf(row));
      if (awake !== undefined) awake.markDirty();
      // One that was forgotten meanwhile has left its address, perhaps to another.
      else if (shard.store.directory.find(row.model, row.id)?.key === row.key && !isAdopted(shard, row))
        locked.push(row);
    }
    if (locked.length > 0) shard.clock.after(limits.diskRetryMs, () => adoptBehind(shard, locked, whenDone));
    if (left.length > 0) shard.clock.soon(step);
    else whenDone();
  };
  step();
}

/** False: another process has its file open. */
function isAdopted(shard: Shard, row: AgentRow): boolean {
  try {
    shard.store.heavy.adopt(row, shard.clock.now());
    return true;
  } catch (error) {
    if (!isLocked(error)) throw error;
    return false;
  }
}

function keyOf({ model, id }: AgentRow): string {
  return `${model}/${id}`;
}
