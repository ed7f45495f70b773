/** Commits to an agent's file on a disk that is full, and again when it has room; prints the code of each step. */
import { openSync, writeSync } from 'node:fs';
import { errorCode } from '../../src/store/database.ts';
import { AgentFiles } from '../../src/store/agent-files.ts';
import { BridgeError } from '../../src/base/errors.ts';
import { change, row } from '../store/agent-rows.ts';

const [directory = '', control = ''] = process.argv.slice(2);
const isFullAt = 8; // struct control

function setFull(isFull: number): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(isFull);
  writeSync(openSync(control, 'r+'), value, 0, 4, isFullAt);
}

function outcome(step: () => void): string {
  try {
    step();
    return 'done';
  } catch (error) {
    return error instanceof BridgeError ? error.code : (errorCode(error) ?? String(error));
  }
}

const agent = row('pump', 'p1');
const file = new AgentFiles(directory, 1e9).create(agent, new Map());
const commit = (): void => file.commit(change(agent, file));
const insert = (): void => void file.sql.all('INSERT INTO t VALUES(1)', []);
file.sql.all('CREATE TABLE t(a)', []);
commit();
insert();
setFull(1);
const steps = [outcome(commit)];
setFull(0);
steps.push(outcome(commit), outcome(insert));
file.rollBack();
steps.push(outcome(insert), outcome(commit));
console.log(JSON.stringify({ steps, rows: file.sql.all('SELECT count(*) AS n FROM t', []) }));
