import { pino, type Logger } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A logger to stderr (stdout is for results). `pretty` is one readable line a record, `json` one
 * object. Payloads are never logged above debug.
 */
export function createLog(options: { level: LogLevel; format: 'pretty' | 'json' }): Log {
  const destination = options.format === 'json' ? pino.destination({ dest: 2, sync: true }) : prettyStream();
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

const LEVEL_NAMES: Record<number, string> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

function prettyStream(): { write(line: string): void } {
  return {
    write(line) {
      process.stderr.write(prettyLine(line));
    },
  };
}

function prettyLine(line: string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== 'object' || record === null) return line;
  const { level, time, msg, ...fields } = record as Record<string, unknown>; // pino writes objects
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join('');
  return `${clock} ${(LEVEL_NAMES[Number(level)] ?? '').padEnd(5)} ${String(msg)}${rest}\n`;
}
