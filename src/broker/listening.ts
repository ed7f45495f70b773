/** Opening and closing a listener. */
import type { Server } from 'node:net';
import { BridgeError } from '../base/errors.ts';

/** Where a listener is to be, and the setting of its port. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly setting: string;
}

/** Resolves when the server takes no more connections and has none. */
export function closed(server: Server | null): Promise<void> {
  return new Promise((resolve) => (server === null ? resolve() : server.close(() => resolve())));
}

export function listenError(error: NodeJS.ErrnoException, { host, port, setting }: Place): BridgeError {
  if (error.code === 'EADDRINUSE') {
    return new BridgeError(
      'BRG_PORT_IN_USE',
      `MQTT port ${port} on ${host} is already in use: end the program that has it, or set ${setting} to another port (0 = any free one)`,
      { cause: error },
    );
  }
  return new BridgeError(
    'BRG_CONFIG',
    `cannot listen for MQTT on ${host}:${port} (${error.code ?? error.message}): check MOORING_HOST and ${setting}`,
    { cause: error },
  );
}

/** Resolves with the work, whatever comes of it, or at the deadline. */
export async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()));
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
