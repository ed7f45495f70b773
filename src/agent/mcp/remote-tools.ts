/**
 * Tools of MCP servers for the model of a chat. A server's hints are its own claims: what whoever added it said of its
 * `trust` decides, and what may change something waits for a person.
 */
import { BridgeError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { checkAgainstSchema, type Json, type McpCallOutcome, type McpTool } from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import { askedBy } from '../author-code.ts';
import { checkedBinding } from '../device-tools/binding.ts';
import type { ApprovalRequest, DeviceTool, PolicyDecision, ToolRunOptions } from '../device-tools/index.ts';
import { mcpToolsOf } from './mcp-desk.ts';
import { waitingAnswer } from './ai-tools.ts';

/** Those of servers that are trusted at all. @param options `by`: who asks, as the audit log names it */
export function remoteTools(agent: Agent, options: { readonly by?: string } = {}): DeviceTool[] {
  const by = (): string => options.by ?? askedBy(agent);
  return mcpToolsOf(agent[PARTS])
    .filter(({ trust }) => trust !== 'none')
    .map((tool) => remoteTool(agent, tool, by));
}

function remoteTool(agent: Agent, tool: McpTool, by: () => string): DeviceTool {
  const { key: name, description, inputSchema, outputSchema, annotations = {}, serverName } = tool;
  const isReading = annotations.readOnlyHint === true;
  const decision: PolicyDecision =
    tool.trust === 'full' || isReading
      ? { decision: 'allow' }
      : {
          decision: 'needs-approval',
          explanation: `${tool.name} of the MCP server ${serverName} may change something outside of this bridge`,
          persons: 1,
          ttlMs: limits.approvalTtlMs,
        };
  const note = (event: string, input: Json, detail: object): void => {
    const { context } = agent[PARTS];
    const about = { input, server: tool.serverId, ...detail };
    context.audit({ id: `${newId()}.tool`, kind: 'tool', event, subject: name, by: by(), detail: about });
  };
  const run = async (raw: unknown, { signal, approval }: ToolRunOptions): Promise<unknown> => {
    signal.throwIfAborted();
    const input = checked(tool, raw);
    const binding = checkedBinding(name, input, approval);
    if (decision.decision !== 'allow' && approval === undefined) {
      const request: ApprovalRequest = { tool: name, arguments: input, binding };
      const { decision: outcome, explanation } = decision;
      note(outcome, input, { explanation });
      return { outcome, explanation: `${explanation}. Nothing was done yet.`, approval: request };
    }
    if (!isReading) note('called', input, approval === undefined ? {} : { approvedBy: approval.by });
    return readable(await agent[PARTS].mcp.call(tool.serverId, tool.name, input, { signal }));
  };
  return {
    ...{ name, description, inputSchema, annotations },
    ...(outputSchema === undefined ? {} : { outputSchema }),
    isActing: !isReading,
    decide: (raw) => (checked(tool, raw), decision),
    run,
    execute: run,
  };
}

/** @throws BridgeError BRG_MCP_ARGUMENTS */
function checked({ key, inputSchema }: McpTool, raw: unknown): Record<string, Json> {
  const input = (raw ?? {}) as Json; // a model's JSON
  const problems = checkAgainstSchema(input, inputSchema);
  if (problems.length > 0) throw new BridgeError('BRG_MCP_ARGUMENTS', `${key}: ${problems.join('; ')}`);
  return structuredClone(input) as Record<string, Json>; // its schema is an object's
}

/** What a model reads of an answer: not more than it can take. */
function readable(outcome: McpCallOutcome): unknown {
  if (outcome.kind === 'waiting') return waitingAnswer(outcome);
  const { structured, text } = outcome.result;
  const answer = structured ?? text;
  const json = JSON.stringify(answer);
  if (json.length <= limits.mcpModelCharactersMax) return answer;
  const seen = typeof answer === 'string' ? answer : json;
  return `${seen.slice(0, limits.mcpModelCharactersMax).toWellFormed()}… (cut: the answer has ${seen.length} characters)`;
}
