import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mooring, startBridge, temporaryDirectory, type StartedBridge } from './start.ts';

/** A bridge with a greenhouse that answers `vent`, and whose last message was out of range. */
async function startWithDevice(): Promise<StartedBridge> {
  const bridge = await startBridge(join(temporaryDirectory(), 'data'));
  const device = await connectAsync(`mqtt://127.0.0.1:${bridge.mqttPort}`);
  onTestFinished(() => void device.end(true));
  device.on('message', (topic) => {
    const cid = topic.split('/').at(-1) ?? '';
    void device.publishAsync(`devices/greenhouse/g7/result/${cid}`, '{"ok":true,"value":"moved"}', {
      qos: 1,
    });
  });
  await device.subscribeAsync('devices/greenhouse/g7/command/+/+', { qos: 1 });
  await device.publishAsync('devices/greenhouse/g7/presence', 'online', { qos: 1, retain: true });
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":21.5}', { qos: 1 });
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":999}', { qos: 1 });
  return bridge;
}

describe('mooring agent', () => {
  it('shows a device, its history and what was rejected, as tables and as JSON', async () => {
    const { url } = await startWithDevice();
    const listed = await mooring(['agent', 'list', '--url', url]);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^AGENT +PRESENCE.*\ngreenhouse\/g7 +online .*"temperature":21\.5/);
    const json = await mooring(['agent', '--json', '--model', 'greenhouse', '--url', url]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      agents: [{ model: 'greenhouse', id: 'g7' }],
      cursor: null,
    });
    const none = await mooring(['agent', 'list', '--presence', 'never', '--url', url]);
    expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('no such agents') });

    const history = await mooring([
      'agent',
      'history',
      'greenhouse/g7',
      'temperature',
      '--from',
      '-1h',
      '--url',
      url,
    ]);
    expect(history.stdout).toMatch(/temperature \(°C\)\nTIME .*\n.* 21\.5 +21\.5 +21\.5 +1\n/);
    const rejected = await mooring(['agent', 'rejected', 'greenhouse/g7', '--url', url]);
    expect(rejected.stdout).toContain('temperature is 999 °C');
  });

  it('sends a command, prints the answer of the device, and lists it', async () => {
    const { url } = await startWithDevice();
    const sent = await mooring(['agent', 'send', 'greenhouse/g7', 'vent', 'open', '--url', url]);
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^done: moved \(/) });
    const commands = await mooring(['agent', 'commands', 'greenhouse/g7', '--url', url]);
    expect(commands.stdout).toMatch(/vent +open +done +moved/);
    const wrong = await mooring(['agent', 'send', 'greenhouse/g7', 'vent', 'ajar', '--url', url]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('open | closed') });
  });

  it('sends numbers as numbers, negative ones too, and says what waits for a sleeping device', async () => {
    const { url, mqttPort } = await startBridge(join(temporaryDirectory(), 'data'));
    const device = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
    await device.publishAsync('devices/thermostat/t1/telemetry', '{"temperature":20}', { qos: 1 });
    await device.endAsync();
    const send = (value: string) =>
      mooring(['agent', 'send', 'thermostat/t1', 'set-target', value, '--timeout', '50ms', '--url', url]);
    expect(await send('21.5')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^pending: thermostat\/t1/),
    });
    expect(await send('-5')).toMatchObject({ code: 1, stderr: expect.stringContaining('5..35') });
  });

  it('forgets an agent only with --yes', async () => {
    const { url } = await startWithDevice();
    const asked = await mooring(['agent', 'forget', 'greenhouse/g7', '--url', url]);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await mooring(['agent', 'forget', 'greenhouse/g7', '--yes', '--url', url])).toMatchObject({
      code: 0,
    });
    const gone = await mooring(['agent', 'show', 'greenhouse/g7', '--json', '--url', url]);
    expect(gone.code).toBe(1);
    expect(JSON.parse(gone.stderr)).toMatchObject({ error: { code: 'BRG_UNKNOWN_AGENT' } });
  });

  it('needs the token of a bridge that has one', async () => {
    const env = { MOORING_ADMIN_TOKEN: 'a-token-of-some-length' };
    const { url } = await startBridge(join(temporaryDirectory(), 'data'), { env });
    const refused = await mooring(['agent', 'list', '--url', url]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('MOORING_ADMIN_TOKEN') });
    expect(await mooring(['agent', 'list', '--url', url], { env })).toMatchObject({ code: 0 });
  });

  it('exits 3 when no bridge answers, and says how to start one', async () => {
    const bridge = await startBridge(join(temporaryDirectory(), 'data'));
    await bridge.stop();
    const { code, stderr } = await mooring(['agent', 'list', '--url', bridge.url]);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(/ECONNREFUSED.*mooring serve.*--url/),
    });
  });
});
