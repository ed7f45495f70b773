/** What the commands about one agent share. */
import { parseAddress } from '../base/address.ts';
import { UsageError, type Invocation } from './command.ts';

/** Its path in the API. @throws UsageError when the first argument is no address */
export function agentPath({ positionals: [text = ''] }: Invocation): string {
  const address = parseAddress(text);
  if (address === undefined) {
    throw new UsageError(`${JSON.stringify(text)} is no agent; allowed is <model>/<id>, e.g. greenhouse/g7`);
  }
  return `/api/agents/${address.model}/${encodeURIComponent(address.id)}`;
}

/** The words after the agent. @throws UsageError for one that is none of `known`, and for too few or too many after it */
export function subcommand<Name extends string>(
  { positionals: [, name = 'list', ...rest] }: Invocation,
  known: Readonly<Record<Name, readonly string[]>>,
): { readonly name: Name; readonly words: readonly string[] } {
  if (!Object.hasOwn(known, name))
    throw new UsageError(`${JSON.stringify(name)} is none of: ${Object.keys(known).join(', ')}`);
  const found = name as Name; // checked just before
  if (rest.length !== known[found].length)
    throw new UsageError(`${[found, ...known[found]].join(' ')} is what is wanted after the agent`);
  return { name: found, words: rest };
}
