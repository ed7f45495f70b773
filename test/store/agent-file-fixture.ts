/** Agents' files in a directory of the test's own, without a shard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { AgentFile } from '../../src/store/agent-file.ts';
import { AgentFiles } from '../../src/store/agent-files.ts';
import { row } from './agent-rows.ts';

export const MiB = 1024 * 1024;

export function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mooring-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function newFile(bytesMax = limits.agentBytesMax): {
  files: AgentFiles;
  file: AgentFile;
} {
  const files = new AgentFiles(join(directory(), 'agents'), bytesMax);
  onTestFinished(() => files.closeAll());
  return { files, file: files.create(row('pump', 'p1'), new Map([['state', '1']])) };
}
