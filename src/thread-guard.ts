/**
 * What a shard's thread does for the one that watches it: it beats, it notes whose code runs when somebody asks
 * or when that code ends the thread, and it tells an author's forgotten errors from its own.
 */
import type { Shard } from './actor/index.ts';
import { currentTurn } from './agent/index.ts';
import { NOTE_CULPRIT } from './shard-watch.ts';
import type { ShardWord } from './shard-thread.ts';
import { reportStray } from './stray-errors.ts';

/** Far less than `limits.shardStallMs`, and next to nothing for an idle thread. */
const BEAT_MS = 250;
/** Deep enough to show who called `process.exit`. */
const EXIT_STACK_LINES = 30;

/** Takes over from the handlers that end the thread at any error. Call the returned function when it is to stop. */
export function guardThread(
  shard: Shard,
  say: (word: ShardWord) => void,
  fail: (error: unknown) => void,
): () => void {
  const { recorder, log } = shard;
  let isStopping = false;
  recorder.beat();
  setInterval(() => recorder.beat(), BEAT_MS).unref();
  const noteCulprit = (): void => {
    const turn = currentTurn();
    // Code that outlived its turn is known by its flow; what is under way otherwise is on record already.
    if (turn === undefined) return;
    const { key, sequence } = turn;
    recorder.note(sequence > 0 ? 'message' : (recorder.read()?.what ?? 'job'), key, sequence);
  };
  Object.defineProperty(globalThis, Symbol.for(NOTE_CULPRIT), { value: noteCulprit });
  process.on('exit', () => {
    if (isStopping) return;
    noteCulprit();
    Error.stackTraceLimit = EXIT_STACK_LINES;
    say({ kind: 'exit', stack: new Error('exit').stack ?? '' });
  });
  const catching = (event: string) => (error: unknown) => {
    if (reportStray(error, event, log)) shard.shardCounters.turnErrors++;
    else {
      isStopping = true;
      recorder.leave();
      fail(error);
    }
  };
  process
    .removeListener('uncaughtException', fail)
    .on('uncaughtException', catching('an error of the agent’s code was not caught'));
  process
    .removeListener('unhandledRejection', fail)
    .on(
      'unhandledRejection',
      catching('a promise of the agent’s code was rejected, and nobody waits for it'),
    );
  return () => (isStopping = true);
}
