/**
 * What an agent does later or beside its turns: schedules, queue, fibers, and their dead letters. Most agents have
 * none of it, and an agent awake is to be small: each is made with its first use, or at a wake that finds documents
 * of it.
 */
import type { Agent } from './agent.ts';
import { fiberHost } from './agent-fibers.ts';
import type { AgentParts } from './agent-parts.ts';
import { Fibers, type FiberHost } from './fibers/index.ts';
import { DeadJobs, JobQueue, Schedules, type Capability } from './jobs/index.ts';

const NONE: readonly Capability[] = Object.freeze([]);

export class WorkDesk {
  readonly #agent: Agent;
  readonly #parts: AgentParts;
  #shared: { readonly host: FiberHost; readonly dead: DeadJobs } | undefined;
  #schedules: Schedules | undefined;
  #jobs: JobQueue | undefined;
  #fibers: Fibers | undefined;
  /** Those that have been made. */
  #made = NONE;

  constructor(agent: Agent, parts: AgentParts) {
    this.#agent = agent;
    this.#parts = parts;
  }

  get schedules(): Schedules {
    const { host, dead } = this.#base;
    return (this.#schedules ??= this.#noted(new Schedules(host, dead)));
  }

  get jobs(): JobQueue {
    const { host, dead } = this.#base;
    return (this.#jobs ??= this.#noted(new JobQueue(host, dead)));
  }

  get fibers(): Fibers {
    const { host, dead } = this.#base;
    return (this.#fibers ??= this.#noted(new Fibers(host, dead)));
  }

  /** A dead letter goes back to where it came from: all of them must be there. */
  get dead(): DeadJobs {
    void [this.schedules, this.jobs, this.fibers];
    return this.#base.dead;
  }

  /** The agent has entered memory. @param kinds of its documents */
  wake(kinds: ReadonlySet<string>): void {
    if (kinds.size === 0) return;
    if (kinds.has('schedule')) this.schedules.start();
    if (kinds.has('queue')) this.jobs.start();
    if (kinds.has('fiber')) this.fibers.start();
  }

  alarm(nowMs: number): void {
    for (const capability of this.#made) capability.alarm(nowMs);
  }

  /** ms since epoch; null for never. */
  nextAlarmMs(): number | null {
    let next = Infinity;
    for (const capability of this.#made) next = Math.min(next, capability.nextAlarmMs() ?? Infinity);
    return next === Infinity ? null : next;
  }

  /** What keeps the agent in memory, for people. */
  heldBy(): string | undefined {
    if (this.#fibers?.isBusy() === true) return 'a fiber is under way, or keepAlive is held';
    return this.#made.some((capability) => capability.isBusy()) ? 'a job is under way' : undefined;
  }

  /** The agent leaves memory. */
  stop(): void {
    this.#fibers?.stop();
  }

  get #base(): { readonly host: FiberHost; readonly dead: DeadJobs } {
    if (this.#shared !== undefined) return this.#shared;
    const host = fiberHost(this.#agent, this.#parts);
    return (this.#shared = { host, dead: new DeadJobs(host) });
  }

  #noted<C extends Capability>(capability: C): C {
    this.#made = [...this.#made, capability];
    return capability;
  }
}
