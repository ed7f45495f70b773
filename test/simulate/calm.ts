/** Whether a world is calm, and what must hold then. */
import type { Shard } from '../../src/actor/index.ts';
import type { AgentAddress } from '../../src/base/address.ts';
import { DUE } from './scripted-agent.ts';
import type { ShardRun } from './shard-run.ts';
import type { World } from './world.ts';

/** After a start, whoever was online and has not come back is offline. */
const RECONCILED_MS = 1500;

/** The rows say what the agents did, and who is connected. */
export function checkRows({ process, disks, devices, witness }: World): void {
  for (const [shard, { facts }] of disks.entries()) {
    const owner = process?.runs[shard]?.shard;
    if (owner === undefined) continue;
    for (const device of devices) {
      const { model, id } = device.address;
      const row = owner.store.directory.find(model, id);
      if (row === undefined) continue;
      device.checkRow(row, facts);
      const due = JSON.parse(owner.store.cell(row.key, DUE) ?? '[]') as unknown[]; // a ScriptedAgent wrote it
      if (due.length > 0 && !isHeld(owner, row)) witness.violation(`alarms of ${model}/${id} did not ring`);
    }
  }
}

/** Whatever was begun has been forgotten by everybody. */
export function checkAsleep({ process, disks, witness }: World): void {
  const { main, runs } = process ?? {};
  // What beats in a shard is its housekeeping.
  if (main !== undefined && main.timers > 0)
    witness.violation(`${main.timers} timers are left in ${main.name}`);
  for (const [number, run] of (runs ?? []).entries()) {
    if (run === undefined) continue;
    const { shard, thread } = run;
    if (shard !== undefined && shard.roster.size > 0)
      witness.violation(`${shard.roster.size} agents stay awake`);
    // An agent that was forgotten may leave an alarm behind, which then wakes nobody.
    const isAlarmLeft = disks[number]?.facts.areSomeForgotten === true;
    const alarms = shard?.store.directory.nextAlarmMs() == null && !isAlarmLeft ? 0 : 1;
    if (thread.timers > 1 + alarms) witness.violation(`${thread.timers} timers are left in ${thread.name}`);
  }
}

/** After a stop nothing is left to replay. */
export function checkStopped({ disks, witness }: World): void {
  for (const [shard, { medium, database }] of disks.entries()) {
    const watermark =
      database.database.prepare("SELECT value FROM meta WHERE name = 'watermark'").pluck().get() ?? 0;
    const last = medium.entries.filter((entry) => entry.shard === shard).at(-1);
    // Its last one may be trimmed when another shard has come after it.
    if (last === undefined) continue;
    const end = last.firstSequence + last.count - 1;
    if (Number(watermark) !== end) witness.violation(`stopped at ${String(watermark)} of ${end} messages`);
  }
}

/** What a shard is still doing. */
export function unrest({ shard, thread, isStarted, startedMs }: ShardRun): string | undefined {
  if (shard === undefined || !isStarted) return `${thread.name} starts`;
  if (shard.phase !== 'idle') return `${thread.name} is ${shard.phase}`;
  if (shard.unapplied > 0) return `${shard.unapplied} messages are not applied`;
  for (const actor of shard.roster.all()) {
    if (actor.isDirty || !actor.mailbox.isIdle || actor.mailbox.length > 0) return `${actor.key} is busy`;
  }
  if (thread.localMs < startedMs + RECONCILED_MS) return 'presence may be older than the start';
  if (shard.store.directory.nextAlarmMs() === null) return undefined;
  const waiting = shard.store.directory.due(Infinity, 100).find((due) => !isHeld(shard, due));
  return waiting === undefined ? undefined : `an alarm in ${waiting.atMs - thread.now()} ms`;
}

/** Its alarm waits until its author's code may run again. */
function isHeld(shard: Shard, { model, id }: AgentAddress): boolean {
  return shard.quarantine.isHeld(`${model}/${id}`, shard.clock.now());
}
