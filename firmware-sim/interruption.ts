/**
 * Ctrl-C (SIGINT) or SIGTERM, once: `happened` resolves, and a second one ends the process at once as
 * if nobody listened.
 */
export function interruption(): { readonly happened: Promise<void>; stopListening(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onSignal = (): void => {
    stopListening();
    resolve();
  };
  const stopListening = (): void => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { happened: promise, stopListening };
}
