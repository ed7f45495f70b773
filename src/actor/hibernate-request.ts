/** `hibernate` of docs/design/requests.md: an operator, or a test, lets an agent leave memory now. */
import { asBridgeError } from '../base/errors.ts';
import type { InboundRecord } from './messages.ts';
import type { Shard } from './shard.ts';
import { parseAddress } from '../base/address.ts';
import { unknownAgent } from './unknown-agent.ts';

/** Answers `{hibernated, reason?}`. It wakes nobody: an agent that is asleep is hibernated already. */
export function answerHibernate(shard: Shard, record: InboundRecord): void {
  try {
    const reason = hibernate(shard, record.key);
    const answer = reason === undefined ? { hibernated: true } : { hibernated: false, reason };
    shard.effects.reply(record.connection, answer);
  } catch (error) {
    shard.effects.replyError(record.connection, asBridgeError(error));
  }
  shard.scheduleCommit();
}

/** What holds the agent in memory; undefined when it has left. */
function hibernate(shard: Shard, key: string): string | undefined {
  // What the messages before this request wrote is no reason to stay.
  shard.commitNow();
  const actor = shard.roster.get(key);
  if (actor !== undefined) return shard.roster.hibernate(actor, 'now');
  const address = parseAddress(key);
  if (address === undefined || shard.store.directory.find(address.model, address.id) === undefined)
    throw unknownAgent(key);
  return undefined;
}
