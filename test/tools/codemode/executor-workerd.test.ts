import { describe, it } from 'vitest';
import { openWorkerd } from '../../../src/tools/codemode/engine-workerd.ts';
import { testExecutor } from '../../conformance/executor.ts';

const engine = await openWorkerd();

if ('unavailable' in engine) {
  describe('workerd', () => {
    it('is not there: its binary comes for Linux with glibc on x64 and arm64 only', ({ skip }) =>
      skip(engine.unavailable));
  });
} else {
  testExecutor('workerd');
}
