/**
 * What happens in the demo besides telemetry: devices fall asleep and wake, every command is sent, a
 * rule stops a shaking pump. Each part ends in a check of the summary. Timers here never keep the
 * process alive: an interrupted demo just leaves them behind.
 */
import { assert } from '../src/base/errors.ts';
import type { Command } from '../src/device/index.ts';
import type { BridgeApi } from './bridge-api.ts';
import type { Fleet } from './fleet.ts';
import type { SimulatedDevice } from './simulated-device.ts';
import type { Check } from './summary.ts';

const POLL_MS = 100;
const DEADLINE_MS = 15_000;
const NAP_EVERY_MS = 1_500;
const NAP_MS = 4_000;
/** Above the pump's usual 2.5 mm/s, below the limit of the model's own rule. */
const VIBRATION_LIMIT = 12;
const VIBRATION_SHAKING = 15;

export function deviceName(device: SimulatedDevice): string {
  return `${device.model}/${device.id}`;
}

/** Polls until `isTrue`; false when it did not become so in time. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await isTrue())) {
    if (Date.now() >= deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS).unref());
  }
  return true;
}

/** Waits for the ramp. */
export async function everybodyConnected(fleet: Fleet): Promise<boolean> {
  return eventually(() => fleet.devices.every(({ isOnline }) => isOnline));
}

/** Lets one device after the other lose its network for a while; the returned function ends it. */
export function napping(fleet: Fleet, busy: readonly SimulatedDevice[]): () => void {
  const sleepers = fleet.devices.filter((device, index) => index % 3 === 1 && !busy.includes(device));
  let next = 0;
  const timer = setInterval(() => {
    const sleeper = sleepers[next++ % Math.max(sleepers.length, 1)];
    if (sleeper?.isOnline === true) sleeper.drop(NAP_MS);
  }, NAP_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** The bridge and the simulator agree on who is online: everybody. */
export async function checkOnline(fleet: Fleet, api: BridgeApi): Promise<Check> {
  const name = 'all devices online';
  const names = fleet.devices.map(deviceName);
  let missing = names;
  const held = await eventually(async () => {
    const online = await api.online();
    missing = names.filter((device) => !online.has(device));
    return missing.length === 0;
  });
  const who = held ? '' : `, missing ${missing.slice(0, 5).join(' ')}`;
  return { name, held, detail: `${names.length - missing.length} of ${names.length}${who}` };
}

/**
 * What was PUBACKed was applied, once. Messages lost in a full outbox may or may not have arrived, so
 * they are allowed on top. `appliedBefore`: what an older data directory already counted.
 */
export async function checkApplied(fleet: Fleet, api: BridgeApi, appliedBefore: number): Promise<Check> {
  const names = fleet.devices.map(deviceName);
  const isDrained = await fleet.drain();
  const { acked, dropped } = fleet.statistics();
  let applied = 0;
  const isApplied = await eventually(async () => {
    applied = (await api.applied(names)) - appliedBefore;
    return applied >= acked;
  });
  const held = isDrained && isApplied && applied <= acked + dropped && acked > 0;
  const waiting = isDrained ? '' : ', and some still wait for their PUBACK';
  return {
    name: 'every PUBACKed message applied',
    held,
    detail: `${acked} PUBACKed, ${applied} applied${waiting}`,
  };
}

/** Every command of every model, there and back. */
export async function checkCommands(targets: readonly SimulatedDevice[], api: BridgeApi): Promise<Check> {
  const failures: string[] = [];
  let sent = 0;
  let slowestMs = 0;
  const exercise = async (device: SimulatedDevice): Promise<void> => {
    for (const { name, argument } of trials(device)) {
      const startedAtMs = performance.now();
      const status = await api.command(deviceName(device), name, argument).catch(String);
      sent += 1;
      slowestMs = Math.max(slowestMs, performance.now() - startedAtMs);
      if (status !== 'done') failures.push(`${deviceName(device)} ${name}: ${status}`);
    }
  };
  await Promise.all(targets.map(exercise));
  const held = sent > 0 && failures.length === 0;
  const summary = `${sent - failures.length} of ${sent} answered, slowest ${slowestMs.toFixed(0)} ms`;
  return { name: 'a round trip per command', held, detail: [summary, ...failures].join('; ') };
}

interface Trial {
  readonly name: string;
  readonly argument: unknown;
}

/** Each command with each kind of argument; the device ends as it began. */
function trials(device: SimulatedDevice): Trial[] {
  const state = { ...device.reportedState(), ...device.readings() };
  return device.definition.commands
    .toReversed() // what stops a thing is defined after what starts it
    .flatMap((command) => argumentsOf(command, state).map((argument) => ({ name: command.name, argument })));
}

function argumentsOf({ name, argument, effect }: Command, state: Record<string, unknown>): unknown[] {
  if (argument === null) return [null];
  const current = state[effect?.metric ?? name];
  switch (argument.kind) {
    case 'enumeration':
      return [
        ...argument.values.filter((value) => value !== current),
        ...(typeof current === 'string' ? [current] : []),
      ];
    case 'numeric':
      return [Math.min(argument.max, Math.max(argument.min, typeof current === 'number' ? current + 1 : 2))];
    case 'binary':
      return [current !== true, current === true];
    case 'text':
      return ['demo'];
  }
}

/** Installs the rules and shakes the pump: an alert is raised and the bridge stops the pump. */
export async function checkRule(pump: SimulatedDevice, api: BridgeApi): Promise<Check> {
  const agent = deviceName(pump);
  const when = { metric: 'vibration', op: '>', value: VIBRATION_LIMIT };
  const text = `vibration above ${VIBRATION_LIMIT} mm/s`;
  const alert = await api.addRule(agent, { when, do: { kind: 'alert', text } });
  await api.addRule(agent, { when, do: { kind: 'command', name: 'stop' } });
  const stopped = shakeUntilStopped(pump);
  const isAlerted = await eventually(async () => (await api.alertedRules(agent)).has(alert));
  const isStopped = await eventually(() => stopped.isTrue());
  stopped.end();
  const detail = `${agent}: ${isAlerted ? 'alert raised' : 'NO alert'}, ${isStopped ? 'pump stopped' : 'pump NOT stopped'}`;
  return { name: 'a rule fired', held: isAlerted && isStopped, detail };
}

/** Shakes the pump every half minute; a rule stops it, and somebody starts it again. */
export function shakingEverySoOften(pump: SimulatedDevice, api: BridgeApi): () => void {
  let current = shakeUntilStopped(pump);
  const timer = setInterval(() => {
    current.end();
    api.command(deviceName(pump), 'start', null).then(
      () => (current = shakeUntilStopped(pump)),
      () => {}, // it sleeps or the bridge stops: next time
    );
  }, 30_000).unref();
  return () => {
    clearInterval(timer);
    current.end();
  };
}

function shakeUntilStopped(pump: SimulatedDevice): { isTrue(): boolean; end(): void } {
  assert(pump.model === 'pump', 'the rule of the demo is for a pump');
  let isStopped = false;
  const onCommand = ({ name, result }: { name: string; result: { ok: boolean } }): void => {
    if (name === 'stop' && result.ok) isStopped = true;
  };
  pump.on('command', onCommand);
  pump.set('vibration', VIBRATION_SHAKING);
  return {
    isTrue: () => isStopped,
    end: () => {
      pump.off('command', onCommand);
      pump.release('vibration');
    },
  };
}
