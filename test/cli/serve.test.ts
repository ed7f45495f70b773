import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BIN, mooring, startBridge, temporaryDirectory, type Outcome } from './start.ts';

const FREE_PORTS = ['--mqtt-port', '0', '--http-port', '0'];

async function publish(mqttPort: number, topic: string, payload: string): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`);
  await client.publishAsync(topic, payload, { qos: 1 });
  await client.endAsync();
}

/** Exit code 1, nothing on stdout, one line on stderr. */
function expectOneLine({ code, stdout, stderr }: Outcome, text: RegExp): void {
  expect(stderr).toMatch(text);
  expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
    code: 1,
    stdout: '',
    lines: 1,
  });
}

describe('mooring serve', () => {
  it('prints one ready line, exits 0 on SIGTERM, and knows after a restart what it acknowledged', async () => {
    const dataDir = join(temporaryDirectory(), 'data');
    const first = await startBridge(dataDir);
    await publish(first.mqttPort, 'devices/greenhouse/g7/telemetry', '{"temperature":21.5}');
    const { code, stdout } = await first.stop('SIGTERM');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(1);

    const second = await startBridge(dataDir);
    const shown = await mooring(['agent', 'show', 'greenhouse/g7', '--json', '--url', second.url]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: { temperature: 21.5 }, messages: 1 });
    expect((await second.stop('SIGINT')).code).toBe(0);
  });

  it('takes SIGINT twice within a moment, as from a terminal and from npm, for one', async () => {
    const bridge = await startBridge(join(temporaryDirectory(), 'data'));
    void bridge.stop('SIGINT');
    expect((await bridge.stop('SIGINT')).code).toBe(0);
  });

  it('refuses a port in use with one line that names the setting', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const port = String((server.address() as AddressInfo).port); // listening on TCP
    const data = ['--data-dir', join(temporaryDirectory(), 'data')];
    const http = mooring(['serve', '--mqtt-port', '0', '--http-port', port, ...data]);
    expectOneLine(await http, new RegExp(`HTTP port ${port} .* in use.*MOORING_HTTP_PORT`));
    const mqtt = mooring(['serve', '--mqtt-port', port, '--http-port', '0', ...data]);
    expectOneLine(await mqtt, new RegExp(`MQTT port ${port} .* in use.*MOORING_MQTT_PORT`));
  });

  it('refuses a data directory that cannot be made', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    const outcome = await mooring(['serve', ...FREE_PORTS, '--data-dir', join(file, 'data')]);
    expectOneLine(outcome, /file\/data cannot be written.*MOORING_DATA_DIR/);
  });

  it('refuses the data directory of a running bridge', async () => {
    const dataDir = join(temporaryDirectory(), 'data');
    await startBridge(dataDir);
    const outcome = await mooring(['serve', ...FREE_PORTS, '--data-dir', dataDir]);
    expectOneLine(outcome, /another bridge runs on this data directory/);
  });

  it('refuses unknown settings and bad values', async () => {
    const cwd = temporaryDirectory();
    expectOneLine(await mooring(['serve'], { env: { MOORING_PROT: '1' } }), /unknown setting MOORING_PROT/);
    expectOneLine(await mooring(['serve', '--mqtt-port', 'x']), /--mqtt-port: "x" is not allowed/);
    expectOneLine(
      await mooring(['serve', '--host', '0.0.0.0']),
      /0\.0\.0\.0 is reachable from other machines/,
    );
    writeFileSync(join(cwd, 'mooring.config.json'), '{"mqttPrt":1}');
    expectOneLine(await mooring(['serve'], { cwd }), /unknown setting mqttPrt/);
  });

  it('refuses a model that cannot be asked at once, not after a number of restarts', async () => {
    const data = ['--data-dir', join(temporaryDirectory(), 'data')];
    const outcome = await mooring(['serve', ...FREE_PORTS, ...data, '--model', 'gpt-4']);
    expectOneLine(outcome, /model: .* allowed are 'rules'.*BRG_MODEL_SPEC/);
  });

  it('says in JSON why it does not start, with --json', async () => {
    const { code, stdout, stderr } = await mooring(['serve', '--json', '--shards', '-1']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'BRG_CONFIG' } });
  });
});

describe('an older Node', () => {
  const old =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } })";
  const nodeArguments = ['--import', `data:text/javascript,${encodeURIComponent(old)}`];

  it('hands over to the Node of the project', async () => {
    const { code, stdout } = await mooring(['devices', 'list', '--json'], { nodeArguments, script: BIN });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(5);
  });

  it('says in one line what to do when it is started by hand', async () => {
    expectOneLine(
      await mooring(['serve'], { nodeArguments }),
      /Node 24 or newer is needed.*npm ci.*npm start/,
    );
  });
});
