/** Applies again what the journal holds beyond the last commit: after a crash, a power loss, a restore. */
import type { Committer } from './committer.ts';
import type { Shard } from './shard.ts';

/** Resolves when all of it was applied and committed; says how far it is after each batch. */
export async function replayJournal(shard: Shard, committer: Committer): Promise<void> {
  const { journal, store, effects, log } = shard;
  journal.advanceTo(store.watermark + 1);
  const total = journal.countAfter(store.watermark);
  let replayed = 0;
  for (const entry of journal.read(store.watermark)) {
    shard.apply(entry.batch, entry.firstSequence, entry.count, true);
    await committer.commitUntilRoom();
    replayed += entry.count;
    effects.readiness({ kind: 'replaying', applied: replayed, total });
    effects.flush();
    await new Promise((resume) => setImmediate(resume));
  }
  if (total > 0) log.info({ messages: total }, 'journal replayed');
}
