/** What is in the data directory: whether a start finds all of it, and what to do when not. */
import {
  checkData,
  repairJournal,
  type JournalReport,
  type SharedReport,
  type ShardReport,
} from '../store/index.ts';
import type { Check } from './doctor.ts';
import { sizeText } from './text-table.ts';

const NAMED_MAX = 3;
const RESTORE = 'restore a backup (`mooring restore`)';

/** @param isSettingAside what of the journal cannot be read is to be taken out */
export function checkStoredData(dataDir: string, isSettingAside: boolean): Check[] {
  const done = isSettingAside ? setAside(dataDir) : [];
  const report = checkData(dataDir);
  switch (report.kind) {
    case 'empty':
      return [...done, { name: 'data', status: 'info', text: `${dataDir} has no agents yet` }];
    case 'in-use':
      return [
        ...done,
        { name: 'data', status: 'info', text: 'a bridge runs on it: stop it to have its files checked' },
      ];
    case 'checked':
      return [
        ...done,
        ...journalChecks(report.journal),
        ...report.shards.map(shardCheck),
        ...report.shared.map(sharedCheck),
      ];
  }
}

function journalChecks({ bytes, wal, damaged, unreadable, toReplay }: JournalReport): Check[] {
  const name = 'journal';
  const fix = `${RESTORE}, or go on without what is lost: \`mooring doctor --data --set-aside\` (the file is kept)`;
  const fails: Check[] = [];
  if (unreadable !== null)
    fails.push({ name, status: 'fail', text: `it cannot be read: ${unreadable}`, fix });
  if (wal.kind === 'damaged') {
    const text = `acknowledged messages are lost: its WAL is damaged at byte ${wal.fromByte}, and ${wal.commits} commits from there on cannot be read`;
    fails.push({ name, status: 'fail', text, fix });
  }
  for (const { first, count } of damaged.slice(0, NAMED_MAX)) {
    const text = `the ${count} acknowledged messages ${first} to ${first + count - 1} are lost: they are not what was written`;
    fails.push({ name, status: 'fail', text, fix });
  }
  if (damaged.length > NAMED_MAX)
    fails.push({
      name,
      status: 'fail',
      text: `${damaged.length - NAMED_MAX} more of its entries are damaged`,
      fix,
    });
  if (fails.length > 0) return fails;
  const torn = wal.kind === 'torn' ? '; it ends in a commit that was under way and was not acknowledged' : '';
  const replay = toReplay === 0 ? 'nothing to replay' : `${toReplay} messages to replay at the next start`;
  return [{ name, status: 'ok', text: `${sizeText(bytes)}, ${replay}${torn}` }];
}

function shardCheck({ file, agents, problems, missing, hasDiary }: ShardReport): Check {
  if (problems.length > 0) return { name: file, status: 'fail', text: problems.join('; '), fix: RESTORE };
  if (missing.length > 0) {
    const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : '';
    const text = `the files of ${missing.slice(0, NAMED_MAX).join(', ')}${more} are missing: these agents begin anew`;
    return {
      name: file,
      status: 'warn',
      text,
      fix: `${RESTORE}, or import the agents (\`mooring agent import\`)`,
    };
  }
  const diary = hasDiary ? '; the last start ended in its replay: the next ones find the message it was' : '';
  return { name: file, status: 'ok', text: `${agents} agents${diary}` };
}

function sharedCheck({ file, problems }: SharedReport): Check {
  if (problems.length === 0) return { name: file, status: 'ok', text: 'whole' };
  return { name: file, status: 'fail', text: problems.join('; '), fix: RESTORE };
}

function setAside(dataDir: string): Check[] {
  const name = 'set aside';
  const repaired = repairJournal(dataDir, Date.now());
  if (repaired === null) return [{ name, status: 'ok', text: 'nothing of the journal is damaged' }];
  const { kept, lost, lostAfter } = repaired;
  const entries = lost.map(({ first, count }) => `${first} to ${first + count - 1}`);
  const tail = lostAfter === null ? [] : [`all after ${lostAfter}`];
  const text = `lost are messages ${[...entries, ...tail].join(', ')}; the journal as it was is in ${kept}`;
  return [{ name, status: 'warn', text, fix: 'start the bridge: it goes on with what is left' }];
}
