/**
 * Applies again what the journal holds beyond the last commit: after a crash, a power loss, a restore.
 *
 * A replay that ends the process comes again with the next start. So the starts are counted in a diary, and
 * after two that got nowhere the messages run one by one: the diary tells the next start which it was, and a
 * message that was running at three deaths is set aside.
 */
import { limits } from '../base/limits.ts';
import type { LogEntry, ReplayDiary } from '../store/index.ts';
import type { Committer } from './committer.ts';
import { readBatch } from './envelope.ts';
import { FLAG_DURABLE } from './messages.ts';
import type { Shard } from './shard.ts';

/** Time between two looks whether a turn has ended, or all of the replay. */
const LOOK_MS = 5;
const LAST_LOOK_MS = 200;

/** Resolves when all of it was given to its agents and committed as far as turns have ended. */
export async function replayJournal(
  shard: Shard,
  committer: Committer,
  diary: ReplayDiary | undefined,
): Promise<void> {
  const { journal, store, effects, log } = shard;
  journal.advanceTo(store.watermark + 1);
  const total = await journal.countAfter(store.watermark);
  if (total === 0) {
    diary?.end();
    return;
  }
  const plan = diary?.begin(store.watermark);
  for (const sequence of plan?.setAside ?? []) shard.poison.add(sequence);
  const step = plan?.isCareful === true ? new CarefulStep(shard, committer, diary) : undefined;
  if (step !== undefined) log.warn({ messages: total }, 'replays ended the process: message by message now');
  let replayed = 0;
  let last = 0;
  for await (const entry of journal.read(store.watermark)) {
    if (step === undefined) shard.apply(entry.batch, entry.firstSequence, entry.count, true);
    else await step.apply(entry);
    await committer.commitUntilRoom();
    replayed += entry.count;
    last = entry.firstSequence + entry.count - 1;
    effects.readiness({ kind: 'replaying', applied: replayed, total });
    effects.flush();
    await new Promise<void>((resume) => shard.clock.soon(resume));
  }
  log.info({ messages: total }, 'journal replayed');
  endWhenApplied(shard, last, diary);
}

class CarefulStep {
  readonly #shard: Shard;
  readonly #committer: Committer;
  readonly #diary: ReplayDiary | undefined;

  constructor(shard: Shard, committer: Committer, diary: ReplayDiary | undefined) {
    this.#shard = shard;
    this.#committer = committer;
    this.#diary = diary;
  }

  async apply({ batch, firstSequence, count }: LogEntry): Promise<void> {
    const { clock } = this.#shard;
    const progress = this.#shard.progressOf(firstSequence, count);
    let sequence = firstSequence;
    for (const record of readBatch(batch)) {
      if ((record.flags & FLAG_DURABLE) === 0) continue;
      this.#diary?.running(sequence);
      this.#shard.replayOne(record, sequence, progress);
      await this.#committer.commitUntilRoom();
      sequence++;
      // A turn that hangs is tried some times and then set aside; a call ends by its own deadline.
      const giveUpMs = clock.elapsedMs() + limits.callDeadlineMs;
      while (progress.outstanding > firstSequence + count - sequence && clock.elapsedMs() < giveUpMs) {
        await clock.pause(LOOK_MS);
      }
    }
  }
}

/** Turns that are still under way may end the process yet. */
function endWhenApplied(shard: Shard, last: number, diary: ReplayDiary | undefined): void {
  if (diary === undefined || shard.phase === 'stopped') return;
  if (shard.store.watermark >= last) diary.end();
  else shard.clock.after(LAST_LOOK_MS, () => endWhenApplied(shard, last, diary));
}
