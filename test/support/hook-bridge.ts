import { fileURLToPath } from 'node:url';
import type { BridgeOptions } from '../../src/bridge.ts';
import type { Config } from '../../src/config.ts';
import { startBridge, type TestBridge } from './bridge.ts';
import type { FrameSocket } from './frame-socket.ts';
import { until } from './until.ts';

const devices = fileURLToPath(new URL('./hook-devices.ts', import.meta.url));

/** A bridge with the agents of hook-devices.ts, in this thread. */
export function hookBridge(
  overrides: Partial<Config> = {},
  options: BridgeOptions = {},
): Promise<TestBridge> {
  return startBridge({ devices, ...overrides }, options);
}

let calls = 0;

/** Calls a method over the (JSON) socket: its result, or the text of its error. */
export async function call(socket: FrameSocket, method: string, ...args: unknown[]): Promise<unknown> {
  const id = `c${++calls}`;
  socket.send({ type: 'rpc', id, method, args });
  const isLast = (frame: { id: string; done?: boolean; success: boolean }): boolean =>
    frame.id === id && (!frame.success || frame.done === true);
  const answer = await until(() => socket.ofType('rpc').find(isLast), `the answer of ${method}`);
  return answer.success ? answer.result : answer.error;
}
