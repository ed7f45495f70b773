/** A bridge that asks who connects, over TLS, with the clients people have: mosquitto's and MQTT.js. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { promisify } from 'node:util';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashSecret, newSecret } from '../../src/identity/index.ts';
import { IdentityStore } from '../../src/store/index.ts';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { Authority, type CertificateFiles } from '../support/certificates.ts';
import { until } from '../support/until.ts';

const TOPIC = 'devices/pump/p1/telemetry';
const SECRET = newSecret();

let files: {
  ca: string;
  server: CertificateFiles;
  renewed: CertificateFiles;
  device: CertificateFiles;
  stranger: CertificateFiles;
};

const directory = mkdtempSync(join(tmpdir(), 'mooring-certificates-'));

beforeAll(() => {
  const authority = new Authority(directory);
  const others = new Authority(directory, 'others');
  files = {
    ca: authority.files.cert,
    server: authority.sign('localhost', 'server'),
    renewed: authority.sign('renewed.example', 'renewed'),
    device: authority.sign('pump/p1', 'device'),
    stranger: others.sign('pump/p1', 'stranger'),
  };
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function startSecure(): Promise<{ bridge: TestBridge; port: string }> {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  store.put({
    name: 'pump/p1',
    role: 'device',
    model: 'pump',
    id: 'p1',
    secret: hashSecret(SECRET),
    createdAtMs: 0,
  });
  store.close();
  const { server, ca } = files;
  const tls = { mqttsPort: 0, tlsCert: server.cert, tlsKey: server.key, tlsCa: ca };
  const bridge = await startBridge({ dataDir, ...tls });
  return { bridge, port: String(bridge.bridge.mqtts?.port) };
}

async function publish(port: string, ...args: string[]): Promise<string> {
  const message = [
    '-h',
    '127.0.0.1',
    '-p',
    port,
    '-q',
    '1',
    '-t',
    TOPIC,
    '-m',
    '{"vibration":1}',
    '--cafile',
    files.ca,
  ];
  try {
    await promisify(execFile)('mosquitto_pub', [...message, ...args]);
    return 'acknowledged';
  } catch (error) {
    return String((error as { stderr: unknown }).stderr); // of execFile
  }
}

test('mosquitto_pub with a name and a secret, with a certificate, and with what is wrong', async () => {
  const { bridge, port } = await startSecure();
  const { device, stranger } = files;
  expect(await publish(port, '-u', 'pump/p1', '-P', SECRET)).toBe('acknowledged');
  expect(await publish(port, '--cert', device.cert, '--key', device.key)).toBe('acknowledged');
  expect(await publish(port)).toContain('not authorised');
  expect(await publish(port, '-u', 'pump/p1', '-P', 'wrong')).toContain('not authorised');
  expect(await publish(port, '--cert', stranger.cert, '--key', stranger.key)).not.toBe('acknowledged');
  expect(await publish(port, '-u', 'pump/p1', '-P', SECRET, '-t', 'devices/pump/p2/telemetry')).not.toBe(
    'acknowledged',
  );
  await bridge.describedAs('pump/p1/telemetry/count', ({ applied }) => applied === 2);
});

test('older TLS is refused, and a renewed certificate is used without a restart', async () => {
  const { port } = await startSecure();
  const nameOf = (maxVersion: SecureVersion = 'TLSv1.3'): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        {
          host: '127.0.0.1',
          port: Number(port),
          ca: readFileSync(files.ca),
          minVersion: 'TLSv1',
          maxVersion,
        },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });
  const open = await connectAsync(`mqtts://127.0.0.1:${port}`, {
    ca: readFileSync(files.ca),
    username: 'pump/p1',
    password: SECRET,
    reconnectPeriod: 0,
  });
  await expect(nameOf('TLSv1.1')).rejects.toThrow();
  expect(await nameOf('TLSv1.2')).toBe('localhost');
  // The old pair is of no more use to the tests of this file after this one.
  cpSync(files.renewed.key, files.server.key);
  cpSync(files.renewed.cert, files.server.cert);
  await until(async () => (await nameOf()) === 'renewed.example', 'the renewed certificate');
  await open.publishAsync(TOPIC, '{"vibration":2}', { qos: 1 }); // who was connected stays so
  await open.endAsync();
});
