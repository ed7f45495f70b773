/**
 * Every queue, buffer, cache, count and wait of the bridge has its limit here: what it protects and
 * where the number comes from. Units are last in the name. Derived limits are computed, not typed.
 * The numbers are in the files of limits/, by what they bound.
 */
import { messageLimits } from './limits/message-limits.ts';
import { shardLimits } from './limits/shard-limits.ts';
import { agentLimits } from './limits/agent-limits.ts';
import { clientLimits } from './limits/client-limits.ts';
import { chatLimits } from './limits/chat-limits.ts';
import { modelLimits } from './limits/model-limits.ts';
import { modelFileLimits } from './limits/model-file-limits.ts';
import { engineLimits } from './limits/engine-limits.ts';
import { toolLimits } from './limits/tool-limits.ts';
import { programLimits } from './limits/program-limits.ts';
import { mcpLimits } from './limits/mcp-limits.ts';
import { identityLimits } from './limits/identity-limits.ts';
import { edgeLimits } from './limits/edge-limits.ts';

export const limits = {
  ...messageLimits,
  ...shardLimits,
  ...agentLimits,
  ...clientLimits,
  ...chatLimits,
  ...modelLimits,
  ...modelFileLimits,
  ...engineLimits,
  ...toolLimits,
  ...programLimits,
  ...mcpLimits,
  ...identityLimits,
  ...edgeLimits,
} as const;
