/** Answers of an agent to the API about its programs: docs/design/requests.md. */
import type { AuditRecord } from '../../tools/index.ts';
import type { ChainCheck } from './program-runs.ts';
import type { Programs } from './programs.ts';

interface ProgramsAnswer {
  /** Those that wait for people. */
  readonly waiting: readonly {
    readonly run: string;
    readonly by: string;
    readonly approvals: readonly string[];
  }[];
  /** Newest first, as the chain has them. */
  readonly runs: readonly AuditRecord[];
  readonly chain: ChainCheck;
}

export function answerProgramRequest(programs: Programs): ProgramsAnswer {
  const waiting = programs.waiting.map(({ id: run, by, paused }) => {
    const approvals = paused.filter(({ decision }) => decision === null).map(({ approval }) => approval);
    return { run, by, approvals };
  });
  return { waiting, runs: programs.runs.list().toReversed(), chain: programs.runs.check() };
}
