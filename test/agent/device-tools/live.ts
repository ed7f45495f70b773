/** A bridge with a valve on it, and an actuator that behaves as told. */
import { fileURLToPath } from 'node:url';
import { startBridge, temporaryDir, type TestBridge } from '../../support/bridge.ts';

export type Behaviour = 'moves' | 'moves-mutely' | 'stuck' | 'refuses' | 'silent';

const devices = fileURLToPath(new URL('../../support/tool-devices.ts', import.meta.url));

export function start(dataDir = temporaryDir(), shards = 0): Promise<TestBridge> {
  return startBridge({ devices, dataDir, shards });
}

export interface Outcome {
  readonly outcome?: string;
  readonly explanation?: string;
  readonly error?: string;
  readonly cid?: string;
  readonly [key: string]: unknown;
}

/** An answer of a tool, called beside the device lane. */
export async function tool(
  bridge: TestBridge,
  name: string,
  input: unknown = {},
  approval?: unknown,
): Promise<Outcome> {
  const args = [name, input, ...(approval === undefined ? [] : [approval])];
  return (await call(bridge, 'tool', args)) as Outcome;
}

export async function call(bridge: TestBridge, method: string, args: unknown[] = []): Promise<unknown> {
  const answer = await bridge.fetch(`/api/agents/valve/v1/call/${method}`, { body: { args } });
  if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body['value'];
}

export interface Actuator {
  /** Names and arguments of the commands that came, in order. */
  readonly got: { readonly name: string; readonly cid: string; readonly args: unknown }[];
  behaviour: Behaviour;
  say(values: object): Promise<unknown>;
  report(patch: object): Promise<unknown>;
  leave(): Promise<void>;
}

/** A simulated valve over MQTT; `v1` is running, at 10 %. */
export async function actuator(
  bridge: TestBridge,
  behaviour: Behaviour,
  first: object | null = START,
): Promise<Actuator> {
  const client = await bridge.mqtt();
  const topic = (rest: string): string => `devices/valve/v1/${rest}`;
  const publish = (rest: string, value: object): Promise<unknown> =>
    client.publishAsync(topic(rest), JSON.stringify(value), { qos: 1 });
  const device: Actuator = {
    got: [],
    behaviour,
    say: (values) => publish('telemetry', values),
    report: (patch) => publish('reported', patch),
    leave: () => client.endAsync(),
  };
  client.on('message', (at, payload) => {
    const [, , , , name = '', cid = ''] = at.split('/');
    const args: unknown = JSON.parse(payload.toString());
    device.got.push({ name, cid, args });
    // The end of a test may come between its two messages.
    obey(device, name, cid, args, publish).catch(() => undefined);
  });
  if (first !== null) await device.say(first);
  await client.subscribeAsync(topic('command/#'), { qos: 1 });
  await bridge.describedAs('valve/v1', ({ presence }) => presence === 'online');
  return device;
}

const START = { position: 10, target: 20, running: true, mode: 'eco' };

async function obey(
  device: Actuator,
  name: string,
  cid: string,
  args: unknown,
  publish: (rest: string, value: object) => Promise<unknown>,
): Promise<void> {
  if (device.behaviour === 'silent') return;
  if (device.behaviour === 'refuses') {
    await publish(`result/${cid}`, { ok: false, error: 'interlock open' });
    return;
  }
  if (device.behaviour !== 'moves-mutely') await publish(`result/${cid}`, { ok: true, value: 'accepted' });
  if (device.behaviour === 'stuck') {
    // It goes on measuring: nothing has moved.
    await device.say({ position: 10, running: true });
    return;
  }
  const shown = { move: { position: args }, start: { running: true }, stop: { running: false } };
  if (Object.hasOwn(shown, name)) await device.say(shown[name as keyof typeof shown]); // checked just before
}

export interface AuditRow {
  readonly kind: string;
  readonly event: string;
  readonly subject: string;
  readonly by: string;
  readonly detail: { readonly [key: string]: unknown };
}

/** Rows about tools, oldest first. */
export async function auditOf(bridge: TestBridge, kind = 'tool'): Promise<AuditRow[]> {
  const { body } = await bridge.fetch(`/api/audit?agent=valve/v1&kind=${kind}`);
  return (body['items'] as AuditRow[]).reverse(); // the route's schema
}
