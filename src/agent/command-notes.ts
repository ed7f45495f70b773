/**
 * What the audit log and subscribers hear of a command. Ids derive from the command's own, so that a turn that
 * is replayed writes no second row; each command has one row for its beginning and one for its end.
 */
import type { ActorContext } from '../actor/index.ts';
import { channels, tell } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { CommandRecord } from './commands.ts';

/** It was accepted. @param by who asked for it */
export function noteCreated(context: ActorContext, record: CommandRecord, by: string): void {
  const { cid, name: command, args, expiresAtMs, status } = record;
  note(context, record, 'created', by, { args, expiresAtMs, status });
  if (channels.command.hasSubscribers) tell('command:create', context, { cid, command, by });
}

/** It ended: done, failed or expired. */
export function noteEnded(context: ActorContext, record: CommandRecord, by: string): void {
  const { cid, name: command, status, value, error: text, createdAtMs } = record;
  const durationMs = context.now() - createdAtMs;
  const error = text?.slice(0, limits.eventErrorCharactersMax);
  note(context, record, status, by, { durationMs, value, error });
  if (!channels.command.hasSubscribers) return;
  const facts = { cid, command, durationMs };
  if (status === 'failed') tell('command:failed', context, { ...facts, error: error ?? '' });
  else tell(status === 'done' ? 'command:done' : 'command:expired', context, facts);
}

/** Its agent was deleted while it waited. @param by who deleted it */
export function noteDropped(context: ActorContext, record: CommandRecord, by: string): void {
  const { cid, name: command, createdAtMs } = record;
  const durationMs = context.now() - createdAtMs;
  note(context, record, 'dropped', by, { durationMs });
  if (channels.command.hasSubscribers) tell('command:dropped', context, { cid, command, durationMs });
}

function note(
  context: ActorContext,
  { cid, name }: CommandRecord,
  event: string,
  by: string,
  detail: object,
): void {
  const id = `${cid}.${event === 'created' ? event : 'ended'}`;
  context.audit({ id, kind: 'command', event, subject: `${name}/${cid}`, by, detail });
}
