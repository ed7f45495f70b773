/** What bounds one client or one address, so that the others do not notice it. */
export { Flapping } from './flapping.ts';
export { PendingBytes } from './pending-bytes.ts';
export { Throttle, type RateLimits } from './throttle.ts';
export { WaitingRoom, type Visitor } from './waiting-room.ts';
