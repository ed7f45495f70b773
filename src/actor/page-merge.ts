/** A page of what all shards have together. */
interface Page<Item> {
  readonly items: readonly Item[];
  /** null at the end. */
  readonly cursor: string | null;
}

/**
 * One page of those of all shards. It ends where the first of theirs does: what is beyond may be incomplete.
 * @param order of the items, the same in each page; a cursor means the same to every shard
 */
export function mergePages<Item>(
  pages: readonly Page<Item>[],
  order: (a: Item, b: Item) => number,
): Page<Item> {
  const ends = pages.flatMap(({ items, cursor }) => {
    const last = items.at(-1);
    return cursor === null || last === undefined ? [] : [{ last, cursor }];
  });
  const end = ends.sort((a, b) => order(a.last, b.last))[0];
  const items = pages
    .flatMap((page) => page.items)
    .filter((item) => end === undefined || order(item, end.last) <= 0)
    .sort(order);
  return { items, cursor: end?.cursor ?? null };
}
