import { styleText } from 'node:util';
import type { FleetStatistics } from './statistics.ts';

/** One thing that had to hold, and whether it did. */
export interface Check {
  readonly name: string;
  readonly held: boolean;
  /** The numbers behind it. */
  readonly detail: string;
}

/** Rows as text in two aligned columns. */
export function formatTable(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n');
}

export function formatStatistics(statistics: FleetStatistics, seed: number): string {
  const { pubackP50Ms, pubackP95Ms, pubackP99Ms } = statistics;
  const ms = (value: number | null): string => (value === null ? '-' : `${value} ms`);
  return formatTable([
    ['seed', String(seed)],
    ['devices online', `${statistics.connected} of ${statistics.devices}`],
    ['telemetry measured', String(statistics.measured)],
    ['telemetry sent', String(statistics.sent)],
    ['telemetry PUBACKed', String(statistics.acked)],
    ['waiting for PUBACK', String(statistics.pending)],
    ['dropped', String(statistics.dropped)],
    ['PUBACK p50', ms(pubackP50Ms)],
    ['PUBACK p95', ms(pubackP95Ms)],
    ['PUBACK p99', ms(pubackP99Ms)],
    ['commands answered', `${statistics.commands} (${statistics.commandsFailed} refused)`],
    ['reconnects', String(statistics.reconnects)],
    ['failed connection attempts', String(statistics.connectFailures)],
  ]);
}

/** Green or red where the stream shows colours and NO_COLOR is not set; the words say it too. */
export function formatChecks(checks: readonly Check[], stream: NodeJS.WriteStream): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, held, detail }) => {
      const mark = paint(held ? 'green' : 'red', held ? 'ok    ' : 'FAILED', stream);
      return `  ${mark}  ${name.padEnd(width)}  ${detail}`;
    })
    .join('\n');
}

/** Text in a colour, if the stream has colours (NO_COLOR and FORCE_COLOR are honoured). */
export function paint(
  colour: 'green' | 'red' | 'yellow' | 'dim' | 'bold',
  text: string,
  stream: NodeJS.WriteStream,
): string {
  return styleText(colour, text, { stream });
}
