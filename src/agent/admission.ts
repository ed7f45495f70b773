/**
 * Lets a new connection in. The author's hooks decide, one after the other, what it is called, what it may
 * do and what it is sent; each may be asynchronous. Only then it gets its first frames, and `onConnect` is
 * called; the device lane holds back whatever it sends until then.
 *
 * I1 A hook that throws, rejects, answers nonsense or takes too long denies what it was asked about.
 */
import type { Connection } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { attachmentOf, decide, remember } from './attachment.ts';
import { traced } from './author-code.ts';
import { checkedCapabilities } from './capabilities.ts';
import { runAs } from './current-agent.ts';
import { within } from './within.ts';

type Step = () => void | Promise<void>;

/** @param isResumed the connection outlived a crash of the shard: it is no new one for `onConnect` */
export function admit(agent: Agent, connection: Connection, isResumed: boolean): void | Promise<void> {
  const parts = agent[PARTS];
  const attachment = attachmentOf(connection);
  const own = parts.wrap(connection.id);
  const { uri, user } = connection;
  const context = { uri, user };
  const giveUpMs = parts.context.now() + limits.protocolDecisionMs;

  /** Asks a hook; what it answers is taken, what fails leaves the connection denied as it is. */
  function asking<T>(name: string, hook: () => T | Promise<T>, take: (answer: T) => void): Step {
    return () => {
      try {
        const answer = parts.context.attempt(() => traced(agent, name, own, () => runAs(agent, own, hook)));
        if (!(answer instanceof Promise)) return take(answer);
        return within(parts.context, giveUpMs - parts.context.now(), name, answer)
          .then(take)
          .catch((error: unknown) => parts.hookFailed(error, own));
      } catch (error) {
        return parts.hookFailed(error, own);
      }
    };
  }

  return inOrder([
    asking(
      'getConnectionTags',
      () => agent.getConnectionTags(own, context),
      (tags) => (attachment.tags = checkedTags(tags)),
    ),
    asking(
      'shouldConnectionBeReadonly',
      () => agent.shouldConnectionBeReadonly(own, context),
      (answer) => (attachment.isReadonly = answer !== false),
    ),
    asking(
      'getConnectionCapabilities',
      () => agent.getConnectionCapabilities(own, context),
      (list) => (attachment.capabilities = checkedCapabilities(list)),
    ),
    asking(
      'shouldSendProtocolMessages',
      () => agent.shouldSendProtocolMessages(own, context),
      (decision) => decide(connection, decision),
    ),
    () => {
      if (attachment.decision.kind === 'open') decide(connection, undefined);
      remember(parts.context, connection);
      for (const frame of parts.firstFrames(attachment.wantsPatches)) parts.outbound.send(connection, frame);
      parts.openChat?.admitted(connection, isResumed);
      if (isResumed) return undefined;
      if (channels.connection.hasSubscribers) {
        const { id, transport, codec } = own;
        tell('connect', parts.context, { connection: id, transport, codec, user });
      }
      return parts.runHook('onConnect', () => agent.onConnect(own, context), own);
    },
  ]);
}

function inOrder(steps: readonly Step[]): void | Promise<void> {
  for (const [n, step] of steps.entries()) {
    const running = step();
    if (running instanceof Promise) return running.then(() => inOrder(steps.slice(n + 1)));
  }
  return undefined;
}

function checkedTags(tags: readonly string[]): readonly string[] {
  const { connectionTagsMax, connectionTagCharactersMax } = limits;
  const isTag = (tag: unknown): boolean =>
    typeof tag === 'string' && tag.length <= connectionTagCharactersMax;
  if (Array.isArray(tags) && tags.length <= connectionTagsMax && tags.every(isTag)) return [...tags];
  const message = `tags of a connection: at most ${connectionTagsMax} texts of at most ${connectionTagCharactersMax} characters`;
  throw new BridgeError('BRG_BAD_REQUEST', message);
}
