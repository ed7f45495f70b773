import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/base/log.ts';
import { TlsListener } from '../../src/broker/tls-listener.ts';
import { Authority } from '../support/certificates.ts';
import { until } from './start.ts';

test('checklist 16: so many TLS handshakes are under way at most, and each place is free again when one has ended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const { cert, key } = new Authority(directory).files;
  const said: string[] = [];
  const { server } = new TlsListener(
    { cert, key, ca: null },
    createLog({ level: 'silent', format: 'json' }),
    {
      handshakesMax: 2,
      accept: () => said.push('accepted'),
      refused: () => said.push('refused'),
    },
  );
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const silent = async () => {
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const [first] = [await silent(), await silent()];
  const third = await silent();
  await once(third, 'close');
  expect(said).toEqual(['refused']);
  first.destroy();
  await until(() => {
    const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    client.on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    return said.includes('accepted');
  });
});
