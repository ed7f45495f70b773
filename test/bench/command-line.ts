/** What `npm run bench` was asked for. */
import { parseArgs } from 'node:util';

export interface CommandLine {
  /** Empty: all. */
  readonly names: readonly string[];
  /** Undefined, as the rest: what the benchmark takes by itself. */
  readonly seconds: number | undefined;
  readonly rounds: number | undefined;
  readonly connections: number | undefined;
  readonly qos: 0 | 1 | undefined;
  readonly isJson: boolean;
  readonly isHelp: boolean;
  /** Measure nothing; write docs/performance.md of what was measured before. */
  readonly isWritingDocs: boolean;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;

/** Or what is wrong with it. @param known names of benchmarks */
export function parseCommandLine(args: readonly string[], known: readonly string[]): CommandLine | string {
  const options = {
    seconds: TEXT,
    rounds: TEXT,
    connections: TEXT,
    qos: TEXT,
    json: FLAG,
    help: FLAG,
    'write-docs': FLAG,
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined) return `there is no benchmark ${unknown}`;
    const qos = number(values.qos);
    if (qos !== undefined && qos !== 0 && qos !== 1) return '--qos takes 0 or 1';
    const seconds = number(values.seconds);
    if (seconds !== undefined && !(seconds > 0 && seconds <= 3600))
      return '--seconds takes a number up to 3600';
    const [rounds, connections] = [number(values.rounds), number(values.connections)];
    if (!isWhole(rounds, 1000)) return '--rounds takes a whole number up to 1000';
    if (!isWhole(connections, 10_000)) return '--connections takes a whole number up to 10000';
    return {
      names: positionals,
      seconds,
      rounds,
      connections,
      qos,
      isJson: values.json,
      isHelp: values.help,
      isWritingDocs: values['write-docs'],
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function isWhole(value: number | undefined, max: number): boolean {
  return value === undefined || (Number.isInteger(value) && value >= 1 && value <= max);
}
