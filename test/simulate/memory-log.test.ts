import { testPartitionLog } from '../conformance/partition-log.ts';
import { LogMedium, MemoryLog } from './memory-log.ts';

testPartitionLog('MemoryLog', () => {
  const medium = new LogMedium();
  const small = new LogMedium(600_000);
  let opened = medium;
  return {
    open: () => new MemoryLog(opened),
    openSmall: () => new MemoryLog((opened = small)),
    largeBytes: 64 * 1024,
  };
});
