import type { JournalReader } from './remote-journal.ts';
import type { Shard } from './shard.ts';

/** What a shard does with what comes from the journal's thread. @param stop ends its thread */
export function shardReader(shard: Shard, stop: () => void): JournalReader {
  return {
    receive: ({ id, pack, count, durableCount }) => {
      shard.receive(id, Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength), count, durableCount);
    },
    journalFull: (sinceMs) => shard.journalFull(sinceMs),
    backUpPart: async (directory) => shard.copyDesk.part(directory),
    backupEnded: () => shard.store.copies.backups.partEnded(),
    stop,
  };
}
