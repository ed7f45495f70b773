/** Long work beside the lanes that survives crashes, and what keeps an agent in memory; see docs/fibers.md. */
export type { FiberHost, FiberScope } from './fiber-host.ts';
export type {
  FiberContext,
  FiberCriteria,
  FiberFunction,
  FiberInfo,
  FiberOptions,
  FiberStatus,
  RecoveredFiber,
} from './fiber.ts';
export { Fibers } from './fibers.ts';
