/**
 * `ws` alone, the baseline of what holds WebSockets: it keeps its clients, and sends each of them one prepared
 * buffer whenever bytes arrive on its trigger port. argv: bytes of that buffer (0: none), `text` or `binary`.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

const [bytes, kind] = process.argv.slice(2);
const prepared = Buffer.alloc(Number(bytes), 0x20);
const isBinary = kind === 'binary';
const clients = new Set<WebSocket>();
const http = createHttpServer();
const server = new WebSocketServer({
  server: http,
  clientTracking: false,
  perMessageDeflate: false,
  handleProtocols: (offered) => [...offered][0] ?? false,
});
server.on('connection', (client) => {
  clients.add(client);
  client.on('message', () => undefined);
  client.on('error', () => undefined);
  client.once('close', () => clients.delete(client));
});
const trigger = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.on('data', () => {
    for (const client of clients) client.send(prepared, { binary: isBinary });
  });
});
trigger.listen(0, '127.0.0.1', () => {
  http.listen(0, '127.0.0.1', () => {
    const port = (one: typeof trigger | typeof http): number => (one.address() as AddressInfo).port; // TCP both
    console.log(`ws ready mqtt=127.0.0.1:${port(trigger)} http=http://127.0.0.1:${port(http)}`);
  });
});
process.once('SIGTERM', () => process.exit(0));
