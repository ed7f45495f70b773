/** The commands about identities work on the data directory itself: they come before a bridge may be reachable at all. */
import { parseAddress } from '../base/address.ts';
import { USER_NAME } from '../identity/index.ts';
import { IdentityStore, type IdentityRow } from '../store/index.ts';
import { UsageError, type Invocation } from './command.ts';
import { configOf, settingOptions } from './settings.ts';

export const DATA_DIR_OPTION = settingOptions(['data-dir']);

/** Opens `identity.db`, hands it on, and closes it. @throws BridgeError BRG_DATA_DIR, BRG_STORE */
export async function withIdentities<T>(
  invocation: Invocation,
  use: (store: IdentityStore) => T | Promise<T>,
): Promise<T> {
  const store = new IdentityStore(configOf(invocation).dataDir);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

/** Of a device (`model/id`) or a user. @throws UsageError */
export function checkedName(name: string): string {
  if (USER_NAME.test(name) || parseAddress(name) !== undefined) return name;
  throw new UsageError(
    `${JSON.stringify(name)} can be no name: letters, digits, . _ ~ : - for a user, <model>/<id> for a device`,
  );
}

/** @throws UsageError when nobody has the name */
export function knownRow(store: IdentityStore, name: string): IdentityRow {
  const row = store.find(checkedName(name));
  if (row === undefined)
    throw new UsageError(`nobody is known as ${JSON.stringify(name)}; see: mooring user list`);
  return row;
}
