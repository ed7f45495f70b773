import type { FleetStatistics } from './statistics.ts';

interface TerminalStream {
  readonly isTTY?: boolean;
  /** 0 where the terminal does not tell. */
  readonly columns?: number;
  write(text: string): unknown;
}

const ERASE_LINE = '\r\u001b[2K';

/**
 * One line of progress, rewritten in place on a terminal; nothing where there is none. `print` puts a
 * lasting line above it, and works everywhere.
 */
export class LiveLine {
  readonly #stream: TerminalStream;
  #shown = '';

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  update(text: string): void {
    if (this.#stream.isTTY !== true) return;
    this.#shown = text.slice(0, Math.max(20, (this.#stream.columns || 80) - 1));
    this.#stream.write(`${ERASE_LINE}${this.#shown}`);
  }

  print(text: string): void {
    const isLive = this.#shown !== '';
    this.#stream.write(`${isLive ? ERASE_LINE : ''}${text}\n${isLive ? this.#shown : ''}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown !== '') this.#stream.write(ERASE_LINE);
    this.#shown = '';
  }
}

/** The fleet in one line. */
export function describeProgress(statistics: FleetStatistics): string {
  const { connected, devices, ackedPerSecond, acked, pending, commands, reconnects, dropped } = statistics;
  const { pubackP50Ms, pubackP95Ms, pubackP99Ms } = statistics;
  const latency = [pubackP50Ms, pubackP95Ms, pubackP99Ms]
    .map((ms) => (ms === null ? '-' : ms.toFixed(0)))
    .join('/');
  const parts = [
    `${connected}/${devices} online`,
    `${ackedPerSecond} msg/s`,
    `acked ${acked}`,
    `pending ${pending}`,
    `PUBACK p50/95/99 ${latency} ms`,
    `commands ${commands}`,
    `reconnects ${reconnects}`,
  ];
  return (dropped > 0 ? [...parts, `dropped ${dropped}`] : parts).join('  ');
}
