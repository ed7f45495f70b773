/** A page of what all shards have together. */
interface Page<Item> {
  readonly items: readonly Item[];
  /** null at the end. */
  readonly cursor: string | null;
}

/** What is listed. */
export interface Listing<Item> {
  /** Of the items, the same in each page. */
  readonly order: (a: Item, b: Item) => number;
  /** Where the page after this item begins; it means the same to every shard. */
  readonly cursorOf: (item: Item) => string;
  readonly limit: number;
}

/** One page of those of all shards. It ends where the first of theirs does: what is beyond may be incomplete. */
export function mergePages<Item>(
  pages: readonly Page<Item>[],
  { order, cursorOf, limit }: Listing<Item>,
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
  const last = items[limit - 1];
  if (last === undefined || items.length <= limit) return { items, cursor: end?.cursor ?? null };
  return { items: items.slice(0, limit), cursor: cursorOf(last) };
}
