/**
 * Load over WebSockets, as a process of its own: one connection an agent, some messages in flight on each.
 * The next message leaves when one was acknowledged with `{"ack":seq}`. Prints a `WsReport` as JSON.
 * argv[2]: `WsSettings` as JSON.
 */
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';

export interface WsSettings {
  /** Address of agent `%`. */
  readonly url: string;
  readonly agents: number;
  readonly inFlight: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface WsReport {
  readonly seconds: number;
  readonly acked: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const settings = JSON.parse(process.argv[2] ?? '') as WsSettings; // written by agents-sdk.ts
const latenciesMs: number[] = [];
let sequence = 0;
let phase: 'warming' | 'measuring' | 'over' = 'warming';

function drive(socket: WebSocket): void {
  const sentMs = new Map<number, number>();
  const fill = (): void => {
    while (phase !== 'over' && sentMs.size < settings.inFlight) {
      const seq = sequence++;
      sentMs.set(seq, performance.now());
      const [t, h] = [20 + Math.random(), 40 + Math.random()];
      socket.send(JSON.stringify({ seq, ts: Date.now(), t, h }));
    }
  };
  socket.on('message', (data: RawData) => {
    // Everything else is a frame of the protocol: identity, and each state.
    const seq = /^\{"ack":(\d+)\}$/.exec(String(data))?.[1];
    const since = seq === undefined ? undefined : sentMs.get(Number(seq));
    if (since === undefined) return;
    sentMs.delete(Number(seq));
    if (phase === 'measuring') latenciesMs.push(performance.now() - since);
    fill();
  });
  socket.on('close', () => {
    if (phase !== 'over') throw new Error('the subject closed a connection');
  });
  fill();
}

const wait = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const sockets = await Promise.all(
  Array.from({ length: settings.agents }, async (_, n) => {
    const socket = new WebSocket(settings.url.replace('%', String(n)));
    await once(socket, 'open');
    return socket;
  }),
);
sockets.forEach(drive);
await wait(settings.warmUpSeconds);
phase = 'measuring';
const startMs = performance.now();
await wait(settings.seconds);
phase = 'over';
const seconds = (performance.now() - startMs) / 1000;
const sorted = latenciesMs.toSorted((a, b) => a - b);
const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
const report: WsReport = { seconds, acked: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
console.log(JSON.stringify(report));
process.exit(0); // acknowledgements still under way are of no interest
