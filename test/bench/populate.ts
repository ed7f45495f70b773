/** Makes agents: publishes one reading for each of many devices at QoS 1, as fast as a bridge takes them. */
import { connect } from 'node:net';
import { CONNACK_BYTES, connectPacket, PUBACK_BYTES, publishPacket } from './mqtt-packets.ts';

/** A bridge lets one connection speak for 10,000 agents. */
const AGENTS_PER_CONNECTION = 5000;

/** Resolves when each of the devices `thermostat/d<n>`, `from` <= n < `from + count`, has one more message acknowledged. */
export async function publishOncePerAgent(port: number, count: number, from = 0): Promise<void> {
  const starts = Array.from(
    { length: Math.ceil(count / AGENTS_PER_CONNECTION) },
    (_, i) => from + i * AGENTS_PER_CONNECTION,
  );
  await Promise.all(
    starts.map((first) => publish(port, first, Math.min(from + count, first + AGENTS_PER_CONNECTION))),
  );
}

async function publish(port: number, first: number, end: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const payload = Buffer.from(`{"ts":${Date.now()},"t":21.53}`);
  const packets: Buffer[] = [];
  for (let n = first; n < end; n++) {
    packets.push(publishPacket(`devices/thermostat/d${n}/telemetry`, n - first + 1, payload));
  }
  socket.write(connectPacket(`populate-${process.pid}-${first}`));
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    // aedes ends a connection that sends more than 42 packets before its CONNACK.
    if (bytes === 0) socket.write(Buffer.concat(packets));
    bytes += chunk.length;
    if (bytes >= CONNACK_BYTES + packets.length * PUBACK_BYTES) break;
  }
  // Nothing else comes back. The loop has destroyed the socket when it ended.
  if (bytes !== CONNACK_BYTES + packets.length * PUBACK_BYTES) {
    throw new Error('the bridge closed a connection, or sent something else than PUBACKs');
  }
}
