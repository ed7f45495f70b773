/** Debian's mosquitto clients against the bridge, used the way a new user would. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { encodePayload } from '../../src/wire/index.ts';
import { BridgeProcess, newDataDir } from './bridge-process.ts';
import { until } from '../support/until.ts';

const HOW_TO_INSTALL = 'mosquitto_pub and mosquitto_sub are needed: apt-get install mosquitto-clients';
/** mosquitto_sub gives up after this. */
const WAIT_SECONDS = '10';

let bridge: BridgeProcess;
let dataDir: string;

beforeAll(async () => {
  if (spawnSync('mosquitto_pub', ['--help']).error !== undefined) throw new Error(HOW_TO_INSTALL);
  dataDir = await newDataDir();
  bridge = await BridgeProcess.start(dataDir);
}, 30_000);

afterAll(async () => {
  await bridge?.end('SIGTERM');
  if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Exit code. */
  readonly ended: Promise<number>;
}

function start(command: 'mosquitto_pub' | 'mosquitto_sub', args: readonly string[]): Run {
  // Into a pipe they write in blocks; stdbuf (coreutils) makes it lines, and execs: the pid is theirs.
  const child = spawn('stdbuf', ['-oL', command, '-h', '127.0.0.1', '-p', String(bridge.mqttPort), ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { text: '' };
  const lines: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    output.text += chunk.toString();
    const complete = output.text.split('\n');
    output.text = complete.pop() ?? '';
    lines.push(...complete);
  });
  child.stderr.on('data', (chunk: Buffer) => lines.push(`stderr: ${chunk.toString().trim()}`));
  return { child, lines, ended: once(child, 'close').then(([code]) => Number(code)) };
}

async function publish(topic: string, ...args: readonly string[]): Promise<void> {
  const run = start('mosquitto_pub', ['-t', topic, ...args]);
  expect({ code: await run.ended, lines: run.lines }).toEqual({ code: 0, lines: [] });
}

/** Subscribes, and resolves when the SUBACK came: `-d` says so on stdout. Debug lines are not in `messages`. */
async function subscribe(args: readonly string[]): Promise<Run & { messages: () => string[] }> {
  const run = start('mosquitto_sub', ['-d', '-W', WAIT_SECONDS, ...args]);
  await until(() => run.lines.some((line) => line.startsWith('Subscribed')), 'the SUBACK');
  const isDebug = /^(Client|Subscribed|stderr)/;
  return { ...run, messages: () => run.lines.filter((line) => !isDebug.test(line)) };
}

interface Described {
  readonly presence: string;
  readonly state: unknown;
  readonly messages: number;
}

const describeAgent = (path: string): Promise<Described> => bridge.get<Described>(`/api/agents/${path}`);

async function untilApplied(path: string, applied: number): Promise<void> {
  await until(async () => {
    const { status, body } = await bridge.request('GET', `/api/agents/${path}/telemetry/count`);
    return status === 200 && (body as { applied: number }).applied === applied; // documented in the OpenAPI
  }, `${path} to have applied ${applied}`);
}

describe('mosquitto_pub', () => {
  it.each([0, 1, 2])('publishes JSON telemetry at QoS %i', async (qos) => {
    const id = `json-${qos}`;
    const payload = `{"temperature": 2${qos}.5, "humidity": 55}`;
    await publish(`devices/greenhouse/${id}/telemetry`, '-q', String(qos), '-m', payload);
    await untilApplied(`greenhouse/${id}`, 1);
    expect(await describeAgent(`greenhouse/${id}`)).toMatchObject({
      state: { temperature: 20.5 + qos, humidity: 55 },
      messages: 1,
    });
  });

  it.each([0, 1, 2])('publishes a CBOR file at QoS %i', async (qos) => {
    const id = `cbor-${qos}`;
    const file = join(dataDir, `telemetry-${qos}.cbor`);
    await writeFile(file, encodePayload({ t: 19 + qos, b: 88 }, 'cbor'));
    await publish(`devices/greenhouse/${id}/telemetry`, '-q', String(qos), '-f', file);
    await untilApplied(`greenhouse/${id}`, 1);
    expect(await describeAgent(`greenhouse/${id}`)).toMatchObject({
      state: { temperature: 19 + qos, battery: 88 },
    });
  });

  it('publishes many lines of one connection (-l) in order', async () => {
    const run = start('mosquitto_pub', ['-t', 'devices/pump/lines/telemetry', '-q', '1', '-l']);
    const lines = Array.from({ length: 200 }, (_, rpm) => `{"rpm": ${rpm}}`);
    run.child.stdin?.end(`${lines.join('\n')}\n`);
    expect(await run.ended).toBe(0);
    await untilApplied('pump/lines', 200);
    expect(await describeAgent('pump/lines')).toMatchObject({ state: { rpm: 199 } });
  });

  it('stays connected after malformed JSON and a value out of range, which are kept with their reasons', async () => {
    const run = start('mosquitto_pub', ['-t', 'devices/greenhouse/bad/telemetry', '-q', '1', '-l']);
    run.child.stdin?.end('{"temperature": 21\n{"temperature": 900}\n{"temperature": 22}\n');
    expect({ code: await run.ended, lines: run.lines }).toEqual({ code: 0, lines: [] });
    await untilApplied('greenhouse/bad', 1);
    expect(await describeAgent('greenhouse/bad')).toMatchObject({ state: { temperature: 22 }, messages: 3 });
    const { items } = await bridge.get<{ items: unknown[] }>('/api/agents/greenhouse/bad/rejected');
    expect(items).toMatchObject([
      { code: 'BRG_PAYLOAD_RANGE', channel: 'telemetry', payload: '{"temperature": 900}', encoding: 'utf8' },
      { code: 'BRG_PAYLOAD_SYNTAX', channel: 'telemetry', payload: '{"temperature": 21', bytes: 18 },
    ]);
  });

  it('counts a publish for an unknown model as unmapped and accepts it as an ordinary message', async () => {
    const before = await bridge.metric('mooring_unmapped_total');
    const listener = await subscribe(['-t', 'devices/toaster/#', '-v', '-C', '1']);
    await publish('devices/toaster/t1/telemetry', '-q', '1', '-m', '{"crumbs": 3}');
    expect(await listener.ended).toBe(0);
    expect(listener.messages()).toEqual(['devices/toaster/t1/telemetry {"crumbs": 3}']);
    expect(await bridge.metric('mooring_unmapped_total')).toBe(before + 1);
    expect((await bridge.request('GET', '/api/agents/toaster/t1')).status).toBe(404);
  });
});

describe('mosquitto_sub', () => {
  it('sees what devices publish with devices/# -v -C 3', async () => {
    const listener = await subscribe(['-t', 'devices/#', '-v', '-q', '1', '-C', '3']);
    await publish('devices/pump/seen/telemetry', '-q', '1', '-m', '{"rpm": 1}');
    await publish('devices/pump/seen/telemetry', '-m', '{"rpm": 2}');
    await publish('devices/pump/seen/presence', '-q', '1', '-m', 'online');
    expect(await listener.ended).toBe(0);
    expect(listener.messages()).toEqual([
      'devices/pump/seen/telemetry {"rpm": 1}',
      'devices/pump/seen/telemetry {"rpm": 2}',
      'devices/pump/seen/presence online',
    ]);
  });

  it('gets retained messages when it subscribes, and none after they were cleared', async () => {
    await publish('site/door', '-r', '-q', '1', '-m', 'open');
    const late = await subscribe(['-t', 'site/+', '-v', '-C', '1']);
    expect(await late.ended).toBe(0);
    expect(late.messages()).toEqual(['site/door open']);
    await publish('site/door', '-r', '-n');
    const later = await subscribe(['-t', 'site/#', '-v', '-C', '1']);
    await publish('site/end', '-m', 'of the test');
    expect(await later.ended).toBe(0);
    expect(later.messages()).toEqual(['site/end of the test']);
  });

  it.each([0, 1, 2])('exchanges ordinary messages with mosquitto_pub at QoS %i', async (qos) => {
    const topic = `chat/room ${qos}/ünïcode`;
    const listener = await subscribe(['-t', `chat/room ${qos}/+`, '-v', '-q', String(qos), '-C', '2']);
    await publish(topic, '-q', String(qos), '-m', 'one');
    await publish(topic, '-q', String(qos), '-m', 'two');
    expect(await listener.ended).toBe(0);
    expect(listener.messages()).toEqual([`${topic} one`, `${topic} two`]);
  });

  it('as a device gets a command, which mosquitto_pub answers', async () => {
    const device = await subscribe(['-t', 'devices/greenhouse/cmd/command/#', '-q', '1', '-v', '-C', '1']);
    const answer = bridge.request('POST', '/api/agents/greenhouse/cmd/commands/vent?timeout=8s', 'open');
    expect(await device.ended).toBe(0);
    const [message = ''] = device.messages();
    const [, cid] = /^devices\/greenhouse\/cmd\/command\/vent\/(\S+) "open"$/.exec(message) ?? [];
    expect(cid, message).toBeDefined();
    const result = '{"ok": true, "value": {"position": 100}}';
    await publish(`devices/greenhouse/cmd/result/${cid}`, '-q', '1', '-m', result);
    expect(await answer).toEqual({ status: 200, body: { cid, status: 'done', value: { position: 100 } } });
  });

  it('with a will makes its device online, and offline when it is killed', async () => {
    const topic = 'devices/pump/willed/presence';
    const device = start('mosquitto_sub', [
      ...['-t', 'devices/pump/willed/command/#', '-d', '-W', WAIT_SECONDS],
      ...['--will-topic', topic, '--will-payload', 'offline', '--will-retain', '--will-qos', '1'],
    ]);
    const presenceIs = (presence: string) => async (): Promise<boolean> => {
      const { body } = await bridge.request('GET', '/api/agents/pump/willed');
      return (body as { presence?: string }).presence === presence; // a problem document has none
    };
    await until(presenceIs('online'), 'it to be online');
    device.child.kill('SIGKILL');
    await until(presenceIs('offline'), 'it to be offline');
    const retained = await subscribe(['-t', topic, '-v', '-C', '1']);
    expect(await retained.ended).toBe(0);
    expect(retained.messages()).toEqual([`${topic} offline`]);
  });
});
