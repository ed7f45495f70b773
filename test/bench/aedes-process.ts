/**
 * Bare aedes on a free port: acknowledges a QoS 1 publish from memory and forgets it. argv: messages its emitter
 * works on at once; 0 is no limit. With its own default (100) and subscribers that cannot keep up it recurses
 * through what waits until the stack overflows.
 */
import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';

const concurrency = Number(process.argv[2] ?? 100);
const aedes = await Aedes.createBroker({ concurrency });
const server = createServer({ noDelay: true }, (socket) => aedes.handle(socket));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // it listens on TCP, not on a pipe
  console.log(`aedes ready mqtt=127.0.0.1:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
