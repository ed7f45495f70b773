/** What programs that start a bridge as a process of its own have in common; no part of it needs a test runner. */

/** The line on stdout that says it takes messages. */
const READY = /^mooring ready mqtt=127\.0\.0\.1:(\d+) http=(http:\/\/127\.0\.0\.1:\d+)$/m;

/** Where clients find a bridge. */
export interface BridgeAddress {
  readonly mqttPort: number;
  readonly httpUrl: string;
}

/** What a bridge's stdout says of where it is; null: it is not ready. */
export function readyAddress(stdout: string): BridgeAddress | null {
  const [, mqttPort, httpUrl] = READY.exec(stdout) ?? [];
  return mqttPort === undefined || httpUrl === undefined ? null : { mqttPort: Number(mqttPort), httpUrl };
}

/** Our environment without settings of a bridge: those of whoever runs this must not reach it. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MOORING_')));
}
