/** `mooring` with its guard as it is, in front of the parser for every packet, or without. argv: the variant, then its own. */
import { join } from 'node:path';
import { PacketGuard } from '../../src/broker/guard/packet-guard.ts';
import { projectRoot } from './machine.ts';

const variant = process.argv[2];
// Nothing goes around the parser.
if (variant !== 'as it is')
  Object.defineProperty(PacketGuard.prototype, 'isBetweenPackets', { value: false });
if (variant === 'none')
  PacketGuard.prototype.check = (bytes) => ({ end: bytes.length, isConnect: false, violation: null });
process.argv.splice(1, 2, join(projectRoot, 'src/main.ts'));
await import('../../src/main.ts');
