/** The number of the shard of an agent, by its key `model/id`: the same in every run with as many shards. */
export function shardOf(key: string, shards: number): number {
  return shards === 1 ? 0 : hash(key) % shards;
}

/** FNV-1a, 32 bits. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
