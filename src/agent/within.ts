import type { ActorContext } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';

/** `promise`, for at most `ms`. Rejects with BRG_TIMEOUT after that; `what` names what did not come. */
export async function within<T>(
  context: ActorContext,
  ms: number,
  what: string,
  promise: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = context.shard.after(Math.max(0, ms), () =>
    late.reject(new BridgeError('BRG_TIMEOUT', `${what} did not answer in time`)),
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    cancel();
  }
}
