import { testExecutor } from '../../conformance/executor.ts';

testExecutor('quickjs');
