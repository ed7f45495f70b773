/** Progress of a long start: a bar on a terminal, else a line now and then. */
const BAR_CELLS = 30;
const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 3_000;

export interface Progress {
  update(done: number, total: number): void;
  /** Wipes the bar. */
  end(): void;
}

/** Shows nothing until the first update. @param amount a number of what is counted, for people */
export function createProgress(
  stream: NodeJS.WriteStream,
  what: string,
  amount: (count: number) => string = (count) => `${count} changes`,
): Progress {
  // A fast start says nothing to a log; a person sees the bar at once.
  let shownMs = stream.isTTY ? 0 : Date.now();
  let isBarShown = false;
  return {
    update(done, total) {
      const nowMs = Date.now();
      if (nowMs - shownMs < (stream.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS) || total <= 0) return;
      shownMs = nowMs;
      const share = Math.min(1, done / total);
      const text = `${what}: ${amount(done)} of ${amount(total)} (${Math.floor(share * 100)} %)`;
      if (stream.isTTY) {
        const cells = Math.round(share * BAR_CELLS);
        stream.write(`\r\u001b[K[${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}] ${text}`);
        isBarShown = true;
      } else {
        stream.write(`${text}\n`);
      }
    },
    end() {
      if (isBarShown) stream.write('\r\u001b[K');
      isBarShown = false;
    },
  };
}
