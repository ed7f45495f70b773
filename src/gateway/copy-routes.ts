/** Routes of point-in-time copies: of one agent as a file, of everything as a backup. */
import { z } from 'zod';
import * as answers from './answers.ts';
import { AGENT, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';
import { EXPORT_MEDIA } from './transfers.ts';

const flag = z.enum(['true', 'false']).default('false');
const file = z.string().describe('a SQLite database').meta({ format: 'binary' });

const backupBody = z.strictObject({
  keep: z.number().int().min(1).max(10_000).optional().describe('delete all but so many backups afterwards'),
});

export const copyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/export`,
    operation: 'exportAgent',
    tag: 'copies',
    summary: 'All of an agent as one SQLite file: documents, its own tables, history',
    response: { status: 200, description: 'The file', schema: file, mediaType: EXPORT_MEDIA },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_DISK_FULL', 'BRG_BUSY'],
    does: { kind: 'transfer', transfer: 'export' },
  }),
  route({
    method: 'PUT',
    path: `${AGENT}/import`,
    operation: 'importAgent',
    tag: 'copies',
    summary: 'Bring an exported agent to this address',
    query: z.strictObject({
      replace: flag.describe('an agent that has the address may go'),
      rename: flag.describe('the file may be of another address, of the same sort of model'),
    }),
    body: { schema: file, mediaTypes: [EXPORT_MEDIA], description: 'What the export answered' },
    response: { status: 200, description: 'It is there', schema: answers.importAnswer },
    errors: [
      'BRG_IMPORT_FILE',
      'BRG_IMPORT_MODEL',
      'BRG_AGENT_EXISTS',
      'BRG_AGENT_FULL',
      'BRG_BACKUP_RUNNING',
      'BRG_DISK_FULL',
      'BRG_BUSY',
    ],
    does: { kind: 'transfer', transfer: 'import' },
  }),
  route({
    method: 'POST',
    path: '/api/backup',
    operation: 'startBackup',
    tag: 'copies',
    summary: 'Begin a backup of everything into the data directory; GET tells how it goes',
    body: { schema: backupBody.nullable(), mediaTypes: JSON_ONLY, description: 'None, or what to keep' },
    response: { status: 202, description: 'It has begun', schema: answers.backupStatusAnswer },
    errors: ['BRG_BACKUP_RUNNING', 'BRG_DISK_FULL'],
    does: {
      kind: 'ask',
      ask: ({ body }) => ({ address: null, name: 'backup', body: { keep: body?.keep ?? null } }),
    },
  }),
  route({
    method: 'GET',
    path: '/api/backup',
    operation: 'readBackup',
    tag: 'copies',
    summary: 'How the backup goes that runs, or went that ran last',
    response: { status: 200, description: 'Its state', schema: answers.backupStatusAnswer },
    does: { kind: 'ask', ask: () => ({ address: null, name: 'backupStatus', body: {} }) },
  }),
  route({
    method: 'GET',
    path: '/api/backups',
    operation: 'listBackups',
    tag: 'copies',
    summary: 'The backups in the data directory',
    response: { status: 200, description: 'Newest first', schema: answers.backupListAnswer },
    does: { kind: 'ask', ask: () => ({ address: null, name: 'backups', body: {} }) },
  }),
];
