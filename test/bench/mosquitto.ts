/** Debian's mosquitto as a peer, alone or with a subscriber that writes into SQLite. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSubject, type Subject } from './subject.ts';

/** Where packages put it; /usr/sbin is not on everybody's path. */
const DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/usr/local/bin'];
const START_WITHIN_MS = 5000;

/** Path of the program; null: not installed here. */
export function findMosquitto(): string | null {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...DIRECTORIES];
  return places.map((place) => join(place, 'mosquitto')).find((path) => existsSync(path)) ?? null;
}

/**
 * Mosquitto on a free port. It acknowledges a QoS 1 publish from memory; without a limit for what it queues,
 * so that it drops nothing for a subscriber that is slower than it.
 */
export async function startMosquitto(directory: string): Promise<Subject> {
  const program = findMosquitto();
  if (program === null) throw new Error('mosquitto is not installed');
  const port = await freePort();
  const file = join(directory, 'mosquitto.conf');
  // As root it would become the user `mosquitto`, who cannot read the directory.
  const lines = [
    'allow_anonymous true',
    'max_queued_messages 0',
    'max_inflight_messages 1000',
    'log_type error',
  ];
  const listener = `listener ${port} 127.0.0.1`;
  writeFileSync(file, [listener, ...lines, `user ${userInfo().username}`, ''].join('\n'));
  const startMs = performance.now();
  const child = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  await untilListening(port);
  return {
    pid: child.pid,
    mqttPort: port,
    httpUrl: '',
    readyMs: performance.now() - startMs,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await exited;
      process.off('exit', kill);
    },
  };
}

/** The subscriber; its `httpUrl` answers `SubscriberReport`. */
export function startMosquittoSubscriber(mosquitto: Subject, directory: string): Promise<Subject> {
  const script = join(import.meta.dirname, 'mosquitto-subscriber.ts');
  return startSubject(script, [String(mosquitto.mqttPort), join(directory, 'subscriber.db')]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP, not on a pipe
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number): Promise<void> {
  const giveUpMs = performance.now() + START_WITHIN_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    if (performance.now() > giveUpMs) throw new Error(`mosquitto does not listen on ${port}`);
    await sleep(20);
  }
}
