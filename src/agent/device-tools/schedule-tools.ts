/**
 * Tools for what is to happen at another time. A command for later is a schedule of the agent: it survives restarts,
 * runs at its time or late, never now, and is a dead job when it could not be sent.
 */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { JsonSchema } from '../../tools/index.ts';
import { CronTimes } from '../jobs/cron.ts';
import type { Schedule } from '../jobs/index.ts';
import { actTool, readTool, type DeviceTool, type Input } from './device-tool.ts';
import { describeTarget, describeTime, type ActionTarget } from './policy.ts';
import { timeOf } from './read-tools.ts';
import { scheduleFromSentence } from './schedule-sentence.ts';
import { SCHEDULED_COMMAND, type ScheduledCommand, type ToolBench } from './tool-bench.ts';
import { commandProperties, describeCommands } from './value-schema.ts';

const TEXT = { type: 'string' } as const;
const ITEM: JsonSchema = {
  type: 'object',
  properties: {
    id: TEXT,
    command: TEXT,
    value: {},
    next: { ...TEXT, description: 'RFC 3339' },
    cron: TEXT,
    timeZone: TEXT,
    by: TEXT,
  },
  required: ['id', 'command', 'next'],
};
const CHANGED: JsonSchema = {
  type: 'object',
  properties: {
    outcome: { enum: ['scheduled', 'cancelled', 'refused', 'needs-approval'] },
    explanation: TEXT,
    scheduled: ITEM,
    approval: { type: 'object' },
  },
  required: ['outcome', 'explanation'],
};

/** Once at a time (ms since epoch), or whenever a pattern comes true. */
type Timing =
  | { readonly kind: 'once'; readonly atMs: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string; readonly atMs: number };

interface Plan {
  readonly target: ActionTarget;
  readonly timing: Timing;
}

/** None for a device that takes no commands. */
export function scheduleTools(bench: ToolBench, askedBy: () => string): DeviceTool[] {
  if (bench.desk.definition.commands.length === 0) return [];
  return [scheduleCommand(bench, askedBy), listScheduled(bench), cancelScheduled(bench, askedBy)];
}

function scheduleCommand(bench: ToolBench, askedBy: () => string): DeviceTool {
  const { commands } = bench.desk.definition;
  const { command: action, ...values } = commandProperties(commands);
  return actTool(
    bench,
    {
      name: 'schedule_command',
      description:
        `Sends a command later, not now (${describeCommands(commands)}). Give action and one of in_seconds, at, cron; ` +
        'or text, such as "close the vent in ten minutes".',
      properties: {
        // Not `command`: whoever looks for a way to do it now must not find this one.
        action,
        ...values,
        in_seconds: { type: 'number', minimum: 1, maximum: limits.scheduledCommandDelayMaxMs / 1000 },
        at: { ...TEXT, description: 'RFC 3339' },
        cron: { ...TEXT, description: 'five fields' },
        time_zone: { ...TEXT, description: `of cron; default ${bench.gate.timeZone}` },
        text: { ...TEXT, maxLength: limits.toolSentenceCharactersMax },
      },
      outputSchema: CHANGED,
      plan: (input, askedAtMs) => {
        const { target, timing } = planOf(bench, input, askedAtMs);
        const { atMs } = timing;
        return {
          targets: [target],
          later: { atMs, said: saidOf(bench, timing), isOnce: timing.kind === 'once' },
        };
      },
      act: (input, { by, approvedBy, askedAtMs = bench.desk.context.now() }) => {
        const { schedules } = bench.desk.parts.work;
        const { target, timing } = planOf(bench, input, askedAtMs);
        const count = ownSchedules(bench).length;
        if (count >= limits.scheduledCommandsMax)
          throw new BridgeError(
            'BRG_JOBS_FULL',
            `${count} commands are scheduled, the limit; cancel one first`,
          );
        const { name: command, value } = target;
        const payload: ScheduledCommand = {
          command,
          value,
          by,
          ...(approvedBy === undefined ? {} : { approvedBy }),
        };
        // Tried once: its refusal is told, and `retryDead` tries again.
        const options = { retry: { maxAttempts: 1 } };
        const schedule =
          timing.kind === 'cron'
            ? schedules.schedule(timing.cron, SCHEDULED_COMMAND, payload, {
                ...options,
                timeZone: timing.timeZone,
              })
            : schedules.schedule(new Date(timing.atMs), SCHEDULED_COMMAND, payload, options);
        const scheduled = described(schedule);
        const explanation = `${describeTarget(target)} is scheduled, not done: ${scheduled.next}`;
        return { outcome: 'scheduled', explanation, scheduled };
      },
    },
    askedBy,
  );
}

function listScheduled(bench: ToolBench): DeviceTool {
  return readTool({
    name: 'list_scheduled',
    description: 'Commands that are to be sent later.',
    properties: {},
    outputSchema: {
      type: 'object',
      properties: { scheduled: { type: 'array', items: ITEM } },
      required: ['scheduled'],
    },
    read: () => ({ scheduled: ownSchedules(bench).map(described) }),
  });
}

function cancelScheduled(bench: ToolBench, askedBy: () => string): DeviceTool {
  return actTool(
    bench,
    {
      name: 'cancel_scheduled',
      description: 'Cancels a command that is to be sent later.',
      properties: { id: { ...TEXT, maxLength: limits.jobKeyCharactersMax } },
      required: ['id'],
      outputSchema: CHANGED,
      isDestructive: true,
      plan: ({ id }) => {
        const known = ownSchedules(bench).some((schedule) => schedule.id === id);
        if (!known)
          throw new BridgeError('BRG_BAD_REQUEST', 'cancel_scheduled: no such id; list_scheduled shows them');
        return { targets: [{ kind: 'tools', name: 'cancel_scheduled', value: null }] };
      },
      act: ({ id }) => {
        bench.desk.parts.work.schedules.cancelSchedule(String(id));
        return { outcome: 'cancelled', explanation: 'it will not be sent' };
      },
    },
    askedBy,
  );
}

/** For people, who may be asked about it. */
function saidOf({ gate }: ToolBench, timing: Timing): string {
  if (timing.kind === 'once') return describeTime(timing.atMs, gate.timeZone);
  const { cron, timeZone, atMs } = timing;
  return `again and again ("${cron}"), next ${describeTime(atMs, timeZone)},`;
}

/**
 * "In ten minutes" counts from when it was asked for, not from when people agreed to it.
 * @throws BridgeError that says what is missing, or too much
 */
function planOf(bench: ToolBench, input: Input, askedAtMs: number): Plan {
  const { text, action: command, value, in_seconds: delay, at, cron, time_zone: zone } = input;
  const { definition, context } = bench.desk;
  const timeZone = typeof zone === 'string' ? zone : bench.gate.timeZone;
  const given = [delay, at, cron].filter((one) => one !== undefined).length;
  if (typeof text === 'string' && command === undefined && given === 0) {
    const names = [context.address.model, context.address.id];
    const { deed, time } = scheduleFromSentence(text, definition, names);
    const { target } = bench.command(deed.command, deed.value);
    if (time.kind === 'delay') return { target, timing: once(bench, askedAtMs + time.seconds * 1000) };
    const timing = cronOf(time.cron, timeZone, time.isOnce ? askedAtMs : context.now());
    return { target, timing: time.isOnce ? once(bench, timing.atMs) : timing };
  }
  if (text !== undefined || command === undefined || given !== 1)
    throw new BridgeError(
      'BRG_BAD_REQUEST',
      'schedule_command: give action and one of in_seconds, at, cron; or only text',
    );
  const { target } = bench.command(command, value);
  if (typeof cron === 'string') return { target, timing: cronOf(cron, timeZone, context.now()) };
  const atMs = at === undefined ? askedAtMs + Number(delay) * 1000 : timeOf(at, 'schedule_command: at');
  return { target, timing: once(bench, atMs) };
}

function once({ desk: { context } }: ToolBench, atMs: number): Timing {
  const now = context.now();
  const time = new Date(atMs).toISOString();
  if (atMs <= now)
    throw new BridgeError(
      'BRG_BAD_REQUEST',
      `schedule_command: ${time} is past; now it is ${new Date(now).toISOString()}`,
    );
  if (atMs > now + limits.scheduledCommandDelayMaxMs)
    throw new BridgeError('BRG_BAD_REQUEST', `schedule_command: ${time} is more than a year away`);
  return { kind: 'once', atMs };
}

/** @throws BridgeError BRG_JOB */
function cronOf(cron: string, timeZone: string, afterMs: number): Timing {
  const atMs = new CronTimes(cron, timeZone).after(afterMs);
  if (atMs === null)
    throw new BridgeError('BRG_JOB', `cron pattern ${JSON.stringify(cron)} never comes true`);
  return { kind: 'cron', cron, timeZone, atMs };
}

function ownSchedules({ desk }: ToolBench): Schedule<ScheduledCommand>[] {
  const all = desk.parts.work.schedules.getSchedules();
  // `schedule_command` made the payload of each.
  return all.filter(({ callback }) => callback === SCHEDULED_COMMAND) as Schedule<ScheduledCommand>[];
}

function described(schedule: Schedule): { readonly next: string } & Readonly<Record<string, unknown>> {
  const { command, value, by } = schedule.payload as ScheduledCommand; // as above
  const next = new Date(schedule.time).toISOString();
  const repeats = schedule.type === 'cron' ? { cron: schedule.cron, timeZone: schedule.timeZone } : {};
  return { id: schedule.id, command, ...(value === null ? {} : { value }), next, ...repeats, by };
}
