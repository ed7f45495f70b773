/** Whether the bridge's ports are free, or held by a bridge. */
import { createServer } from 'node:net';
import type { Config } from '../config.ts';
import { asObject } from './bridge-client.ts';
import type { Check } from './doctor.ts';

const HEALTH_TIMEOUT_MS = 2_000;

type PortState = { kind: 'free' } | { kind: 'held' } | { kind: 'refused'; reason: string };

export async function checkPorts({ host, mqttPort, httpPort }: Config): Promise<Check[]> {
  const [mqtt, http] = await Promise.all([stateOf(host, mqttPort), stateOf(host, httpPort)]);
  const bridgeVersion = http.kind === 'held' ? await askVersion(host, httpPort) : undefined;
  return [
    portCheck('MQTT port', 'MOORING_MQTT_PORT', mqttPort, mqtt, bridgeVersion),
    portCheck('HTTP port', 'MOORING_HTTP_PORT', httpPort, http, bridgeVersion),
  ];
}

function portCheck(
  name: string,
  setting: string,
  port: number,
  state: PortState,
  bridgeVersion: string | undefined,
): Check {
  if (port === 0) return { name, status: 'ok', text: 'any free port' };
  if (state.kind === 'free') return { name, status: 'ok', text: `${port} is free` };
  if (state.kind === 'refused') {
    const fix = `set ${setting} to a port above 1023, or check the host`;
    return { name, status: 'fail', text: `${port} cannot be used: ${state.reason}`, fix };
  }
  if (bridgeVersion !== undefined) {
    // MQTT has no way to ask who listens; beside a bridge's HTTP port it is that bridge's.
    return { name, status: 'ok', text: `${port} is held, and a bridge (${bridgeVersion}) is running here` };
  }
  const fix = `end the program that has it (\`ss -ltnp 'sport = :${port}'\` names it), or set ${setting} to another port`;
  return { name, status: 'fail', text: `${port} is held by another program`, fix };
}

function stateOf(host: string, port: number): Promise<PortState> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? { kind: 'held' } : { kind: 'refused', reason: error.message });
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve({ kind: 'free' })));
  });
}

/** The version of the bridge at this port; undefined when something else answers there. */
async function askVersion(host: string, port: number): Promise<string | undefined> {
  try {
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/healthz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    const { status, version } = asObject(await response.json());
    return status === 'ok' && typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
