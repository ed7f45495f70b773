/** What makes something almost right out of something right. */
import type { Random } from './random.ts';

/** Values where lengths and counts turn over. */
const EDGES = [0, 1, 0x7f, 0x80, 0xbf, 0xc0, 0xd8, 0xfe, 0xff];

/** One to four small changes: bits, edge values, bytes gone, bytes more, a piece twice, a cut. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let n = 1 + random.below(4); n > 0; n--) changed = change(changed, random);
  return changed;
}

function change(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const copy = Buffer.from(bytes);
  switch (random.below(7)) {
    case 0:
      if (at < copy.length) copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
    case 1:
      if (at < copy.length) copy[at] = random.pick(EDGES);
      return copy;
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(4)), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
    case 5:
      return bytes.subarray(0, at);
    default:
      copy.fill(random.below(256), at, Math.min(copy.length, at + 1 + random.below(8)));
      return copy;
  }
}
