/** Makes room in a map that is kept in bounds: the entry that was set first goes. An empty one stays as it is. */
export function forgetOldest(map: Map<unknown, unknown>): void {
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
