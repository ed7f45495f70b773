export { GuardedInput } from './guarded-input.ts';
export type { GuardLimits } from './packet-guard.ts';
export type { Violation } from './packets.ts';
export type { QuickPublish } from './quick-publish.ts';
