/** Who knocks at a bridge and means no good, until it is killed. argv[2]: the port. Closed connections come again. */
import { connect, type Socket } from 'node:net';
import { connectPacket } from './mqtt-packets.ts';

const SILENT = 5000;
const DRIPPING = 100;
const HUGE = 50;
/** Opened at once: a listener's backlog is some hundred. */
const STEP = 250;
const STEP_MS = 50;
const DRIP_MS = 1000;
const AGAIN_MS = 1000;

const port = Number(process.argv[2]);
const slow = connectPacket('somebody-who-takes-a-long-time');
/** CONNECT with the largest remaining length there is, and what it sends of it. */
const declared = Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(64 * 1024)]);

type Kind = 'silent' | 'dripping' | 'huge';

function knock(kind: Kind): void {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined).resume();
  socket.once('close', () => setTimeout(() => knock(kind), AGAIN_MS));
  socket.once('connect', () => {
    if (kind === 'dripping') drip(socket);
    if (kind === 'huge') stream(socket);
  });
}

function drip(socket: Socket): void {
  let at = 0;
  const timer = setInterval(() => socket.write(slow.subarray(at, ++at)), DRIP_MS);
  socket.once('close', () => clearInterval(timer));
}

function stream(socket: Socket): void {
  socket.on('drain', () => socket.write(declared));
  socket.write(declared);
}

for (let n = 0; n < DRIPPING; n++) knock('dripping');
for (let n = 0; n < HUGE; n++) knock('huge');
let silent = 0;
const opening = setInterval(() => {
  for (let n = 0; n < STEP && silent < SILENT; n++, silent++) knock('silent');
  if (silent === SILENT) clearInterval(opening);
}, STEP_MS);
