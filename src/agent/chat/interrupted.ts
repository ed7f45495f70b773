/**
 * Turns that the end of the process cut off, found when the agent wakes: what came of an answer is kept as a message,
 * its stream ends with BRG_CHAT_INTERRUPTED, and `onChatError` is told. Nothing is asked again by itself: a model's
 * tools may have acted. The author decides (`continueLastTurn`).
 */
import { BridgeError } from '../../base/errors.ts';
import { asUIMessage } from './chat-message.ts';
import { chatFailure } from './chat-failure.ts';
import type { TurnScene } from './chat-turn.ts';
import { MessageBuilder, type Chunk } from './message-builder.ts';
import type { StreamRow } from './stream-log.ts';

const MESSAGE = 'the process ended while the agent answered; what it had said is kept';

/** Ends what was left open, but for what still waits for its turn. */
export function endInterrupted(scene: TurnScene, waits: ReadonlySet<string>): void {
  const { store, log } = scene;
  if (!store.exists) return;
  const open = store.open.filter((id) => !waits.has(id));
  if (open.length === 0) return;
  const rows = open.flatMap((id) => log.get(id) ?? []);
  const waiting = rows
    .filter(({ status }) => status === 'queued')
    .flatMap(({ userMessages }) => userMessages);
  for (const row of rows) endOne(scene, row, waiting);
  store.setOpen([...waits]);
}

function endOne(scene: TurnScene, row: StreamRow, waiting: readonly string[]): void {
  const { author, parts, store, log } = scene;
  const error = new BridgeError('BRG_CHAT_INTERRUPTED', MESSAGE);
  const chunks = row.status === 'streaming' ? log.read(row.id, 0, Infinity).chunks : [];
  const id = row.messageId === null ? '' : keptMessage(scene, row, row.messageId, chunks);
  // They were written after it, or while it came.
  if (id !== '') store.moveToEnd(waiting);
  log.end(row.id, 'interrupted', chatFailure(error), chunks.length);
  // Once that is stored, and after `onStart`.
  parts.context.later(() => {
    const stored = store.get(id);
    const message = stored === undefined ? undefined : asUIMessage(stored);
    return parts.runHook('onChatError', () => author.onChatError(error, { requestId: row.id, message }));
  });
}

/** Its id. */
function keptMessage({ store }: TurnScene, row: StreamRow, id: string, chunks: readonly string[]): string {
  const known = store.get(id);
  const parts = known?.parts.slice(0, row.baseParts) ?? [];
  const builder = new MessageBuilder({ ...known, id, role: 'assistant', parts });
  for (const json of chunks) builder.apply(JSON.parse(json) as Chunk); // written from one
  const tools = store.requestContext('clientTools');
  const names = Array.isArray(tools) ? tools.map((tool) => (tool as { name?: unknown } | null)?.name) : [];
  builder.interrupt((name) => names.includes(name));
  if (!builder.isEmpty) store.put(builder.message);
  return builder.id;
}
