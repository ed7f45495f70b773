/** Answers of an agent to the API about its programs: docs/design/requests.md. */
import { BridgeError } from '../../base/errors.ts';
import type { AuditRecord } from '../../tools/index.ts';
import { isJsonObject } from '../merge-patch.ts';
import type { PausedProgram } from './paused-program.ts';
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

interface ProgramAnswer {
  readonly run: string;
  /** As the audit log names who had it run. */
  readonly by: string;
  readonly state: PausedProgram['state'] | 'ended';
  /** Null: its record was too large to be kept whole. */
  readonly text: string | null;
}

export function answerProgramsRequest(programs: Programs): ProgramsAnswer {
  const waiting = programs.waiting.map(({ id: run, by, paused }) => {
    const approvals = paused.filter(({ decision }) => decision === null).map(({ approval }) => approval);
    return { run, by, approvals };
  });
  return { waiting, runs: programs.runs.list().toReversed(), chain: programs.runs.check() };
}

/**
 * One program, for whoever decides about its calls: an approval names the run, and the text is kept with it alone.
 * @throws BridgeError BRG_UNKNOWN_PROGRAM
 */
export function answerProgramRequest(programs: Programs, { run }: { readonly run: string }): ProgramAnswer {
  const waiting = programs.waiting.find(({ id }) => id === run);
  if (waiting !== undefined) {
    const { by, state, text } = waiting;
    return { run, by, state, text };
  }
  for (const { body } of programs.runs.list().toReversed()) {
    if (!isJsonObject(body) || body['run'] !== run) continue;
    const { user, programText } = body; // as `auditBody` makes it, or cut
    const text = typeof programText === 'string' ? programText : null;
    return { run, by: typeof user === 'string' ? user : '', state: 'ended', text };
  }
  throw new BridgeError('BRG_UNKNOWN_PROGRAM', `no program of run "${run}" is kept`);
}
