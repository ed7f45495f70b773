/** Bare aedes on a free port: acknowledges a QoS 1 publish from memory and forgets it. */
import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';

const aedes = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => aedes.handle(socket));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // it listens on TCP, not on a pipe
  console.log(`aedes ready mqtt=127.0.0.1:${port}`);
});
process.once('SIGTERM', () => process.exit(0));
