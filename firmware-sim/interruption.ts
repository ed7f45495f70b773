import { EXIT } from './args.ts';

/**
 * npm passes on the Ctrl-C that the terminal has sent to us as well, so one key press arrives twice;
 * only a later one means "now".
 */
const SAME_KEY_PRESS_MS = 1_000;

/** Ctrl-C (SIGINT) or SIGTERM: `happened` resolves, then never rejects; a second one ends the process at once. */
export function interruption(): { readonly happened: Promise<void>; stopListening(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      resolve();
    } else if (performance.now() - firstMs > SAME_KEY_PRESS_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    happened: promise,
    stopListening: () => {
      if (firstMs !== undefined) return; // the same key press may still come again
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
