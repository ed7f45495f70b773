/** What tests of copies ask a bridge with the agents of copy-devices.ts. */
import { resolve } from 'node:path';
import type { BridgeProcess } from './bridge-process.ts';

export const DEVICES = ['--devices', resolve(import.meta.dirname, '../support/copy-devices.ts')];

export async function call(
  bridge: BridgeProcess,
  address: string,
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  const { status, body } = await bridge.request('POST', `/api/agents/${address}/call/${method}`, { args });
  if (status !== 200) throw new Error(`${method} of ${address} answers ${status}: ${JSON.stringify(body)}`);
  return (body as { value?: unknown }).value; // docs/design/requests.md
}

export async function count(
  bridge: BridgeProcess,
  address: string,
): Promise<{ applied: number; duplicates: number }> {
  return bridge.get(`/api/agents/${address}/telemetry/count`);
}

export async function points(bridge: BridgeProcess, address: string): Promise<number> {
  interface History {
    series: { points: { count: number }[] }[];
  }
  const { series } = await bridge.get<History>(
    `/api/agents/${address}/telemetry?metric=x&from=-1h&points=10`,
  );
  return (series[0]?.points ?? []).reduce((sum, point) => sum + point.count, 0);
}

export async function bridgeState(bridge: BridgeProcess, address: string): Promise<unknown> {
  return (await bridge.get<{ state: unknown }>(`/api/agents/${address}`)).state;
}
