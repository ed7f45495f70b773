/** Shapes of the answers, for the OpenAPI document. The agents make them; docs/design/requests.md names them. */
import { z } from 'zod';

const json = z.unknown();
const ms = z.number().int().describe('ms since epoch');
const record = z.record(z.string(), z.unknown());
const presence = z.enum(['online', 'offline', 'never']);

const agentSummary = z.looseObject({
  model: z.string(),
  id: z.string(),
  presence,
  lastSeen: ms.nullable(),
  messages: z.number().int(),
  rejected: z.number().int(),
  state: json,
});

export const agentListAnswer = z.looseObject({
  agents: z.array(agentSummary),
  cursor: z.string().nullable().describe('give it as ?cursor= to get the next page; null at the end'),
});

export const agentAnswer = z.looseObject({
  model: z.string(),
  id: z.string(),
  presence,
  lastSeen: ms.nullable(),
  state: json,
  reported: json,
  desired: json,
  delta: json,
  version: z.number().int(),
  awake: z.boolean(),
  messages: z.number().int(),
  connections: z.number().int(),
  codec: z.enum(['json', 'cbor']).nullable(),
  rules: z.number().int(),
  alerts: z.number().int(),
  rejected: z.number().int(),
  commandsPending: z.number().int(),
  canChat: z.boolean().optional().describe('whether it can be asked'),
});

export const hibernateAnswer = z.looseObject({ hibernated: z.boolean(), reason: z.string().optional() });

export const historyAnswer = z.looseObject({
  series: z.array(
    z.looseObject({
      metric: z.string(),
      unit: z.string().nullish(),
      points: z.array(
        z.looseObject({
          ts: ms,
          min: z.number(),
          max: z.number(),
          mean: z.number(),
          count: z.number().int(),
        }),
      ),
    }),
  ),
});

export const countAnswer = z.looseObject({
  accepted: z.number().int(),
  applied: z.number().int(),
  rejected: z.number().int(),
  duplicates: z.number().int(),
});

export const rejectedAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      ts: ms,
      channel: z.string(),
      code: z.string(),
      reason: z.string(),
      payload: z.string(),
      encoding: z.enum(['utf8', 'hex']),
      bytes: z.number().int(),
    }),
  ),
});

export const desiredAnswer = z.looseObject({ version: z.number().int(), delta: json });

export const commandAnswer = z.looseObject({
  cid: z.string(),
  status: z.enum(['done', 'failed', 'expired', 'pending']),
  value: json.optional(),
  error: json.optional(),
});

export const commandListAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      cid: z.string(),
      name: z.string(),
      args: json,
      status: z.enum(['queued', 'sent', 'done', 'failed', 'expired']),
      createdAtMs: ms,
      expiresAtMs: ms,
      value: json.optional(),
      error: json.optional(),
    }),
  ),
});

export const ruleAnswer = record.describe('the rule as the engine understood it, with its id');
export const ruleListAnswer = z.looseObject({ rules: z.array(record) });

export const messageListAnswer = z.looseObject({
  messages: z.array(
    z.looseObject({
      id: z.string(),
      role: z.enum(['user', 'assistant', 'system']),
      parts: z.array(z.looseObject({ type: z.string() })).describe('as a UIMessage of the AI SDK has them'),
    }),
  ),
});

export const alertListAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      ts: ms,
      ruleId: z.string().nullable(),
      kind: z.enum(['alert', 'notify']),
      text: z.string(),
      metric: z.string().nullish(),
      value: json.optional(),
    }),
  ),
});

export const approvalAnswer = z.looseObject({
  id: z.string(),
  agent: z.string().describe('model/id'),
  status: z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled']),
  tool: z.string(),
  arguments: record,
  binding: z.string().describe('names this tool with these arguments; the approval is for nothing else'),
  explanation: z.string().describe('for a person: what would happen, and why it asks'),
  origin: z.looseObject({ kind: z.enum(['chat', 'program', 'tool']) }),
  requestedBy: z.string(),
  createdAtMs: ms,
  expiresAtMs: ms.describe('counts as denied from then on'),
  needed: z.union([z.literal(1), z.literal(2)]).describe('different people who have to approve'),
  votes: z.array(
    z.looseObject({
      by: z.string().describe('the person'),
      via: z.string().describe('the way it came, which is what was proven: api, api:<user>, ...'),
      approved: z.boolean(),
      atMs: ms,
      reason: z.string().optional(),
    }),
  ),
  decidedAtMs: ms.nullable(),
  begunAtMs: ms.nullable().describe('when the approved call was begun'),
  outcome: record.nullable().describe('what came of it, when that is known'),
});
export const approvalListAnswer = z.looseObject({ items: z.array(approvalAnswer) });
export const approvalPageAnswer = z.looseObject({
  items: z.array(approvalAnswer),
  cursor: z.string().nullable().describe('give it as ?cursor= to get the next page; null at the end'),
});

export const attentionAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      model: z.string(),
      id: z.string(),
      reason: z.enum(['offline', 'rejected', 'command-expired', 'alert']),
      ts: ms,
      text: z.string(),
    }),
  ),
});

export const auditAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      ts: ms,
      agent: z.string().describe('model/id'),
      kind: z.string(),
      event: z
        .string()
        .describe(
          'created, done, failed, expired, dropped; changed; added, deleted; destroyed, imported, exported',
        ),
      subject: z.string().describe('name/cid of a command, version of desired state, id of a rule'),
      by: z
        .string()
        .describe(
          'api, api:<user>, mcp, mcp:<user>, connection:<user or id>, rule:<id>, job:<callback>, agent, ...',
        ),
      detail: json,
    }),
  ),
  cursor: z.string().nullable().describe('give it as ?cursor= to get the next page; null at the end'),
});

export const toolListAnswer = z.looseObject({
  tools: z.array(
    z.looseObject({
      name: z.string(),
      description: z.string(),
      inputSchema: record,
      outputSchema: record.optional(),
      isActing: z.boolean(),
    }),
  ),
});

export const scheduleListAnswer = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string(),
      callback: z.string(),
      payload: json,
      type: z.enum(['scheduled', 'delayed', 'cron', 'interval']),
      nextAtMs: ms,
    }),
  ),
});

export const askAnswer = z.looseObject({
  text: z.string(),
  messageId: z.string().nullable(),
  finish: z.enum(['done', 'waiting-for-approval', 'failed']),
  approvals: z
    .array(
      z.looseObject({
        id: z.string(),
        tool: z.string(),
        arguments: json,
        explanation: z.string().optional(),
      }),
    )
    .optional(),
  code: z.string().optional(),
  error: z.string().optional(),
});

export const callAnswer = z.looseObject({ value: json.optional() });
export const emptyAnswer = z.looseObject({});
export const statsAnswer = z.record(z.string(), z.number());
export const modelsAnswer = z.array(z.looseObject({ model: z.string() }));

export const healthAnswer = z.looseObject({ status: z.literal('ok'), version: z.string() });
export const readyAnswer = z.looseObject({
  status: z.enum(['starting', 'replaying', 'ready', 'disk-full', 'stopping']),
  detail: z.string(),
});

export const importAnswer = z.looseObject({
  model: z.string(),
  id: z.string(),
  from: z.string().describe('model/id it was exported from'),
  storage: z.enum(['light', 'heavy']),
});

const backupSummary = z.looseObject({
  name: z.string().describe('its directory in backups/ of the data directory'),
  startedAtMs: ms,
  throughMs: ms.describe('everything acknowledged before this is in it'),
  journalSequence: z.number().int(),
  agents: z.number().int(),
  heavyAgents: z.number().int(),
  unreadable: z.array(z.string()).describe('agents whose own file could not be read: not in it'),
  bytes: z.number().int(),
  files: z.number().int(),
});

export const backupStatusAnswer = z.looseObject({
  state: z.enum(['none', 'running', 'done', 'failed']),
  phase: z.enum(['agents', 'shard', 'journal', 'checksums']).optional(),
  bytes: z.number().int().optional(),
  bytesTotal: z.number().int().optional(),
  summary: backupSummary.optional(),
  path: z.string().optional().describe('on the machine of the bridge'),
  pruned: z.array(z.string()).optional().describe('older backups that were deleted'),
  code: z.string().optional(),
  message: z.string().optional(),
});

export const backupListAnswer = z.looseObject({ items: z.array(backupSummary) });
