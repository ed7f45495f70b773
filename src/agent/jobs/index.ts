/**
 * Work for later: `schedule`, `queue`, `retry`, and the dead letters of what failed for good. Each is a
 * module that an agent has; docs/jobs.md says what authors can rely on.
 */
export { DeadJobs, type DeadJob } from './dead-jobs.ts';
export { MissingHandlerError, type Capability, type JobContext } from './job-context.ts';
export { JobQueue, type QueueItem } from './queue.ts';
export { retry, type CallRetryOptions, type RetryOptions } from './retry.ts';
export type { IntervalOptions, ScheduleOptions } from './schedule-options.ts';
export type { Schedule } from './schedule.ts';
export { Schedules, type ScheduleCriteria } from './schedules.ts';
