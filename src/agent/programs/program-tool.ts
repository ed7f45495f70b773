/**
 * `run_program`: one call of a model that does the work of many. It writes TypeScript against its tools; what they
 * answer stays in the sandbox, and only what the program returns is read by the model.
 */
import { limits } from '../../base/limits.ts';
import { declareTools, needsCatalog, type Tool } from '../../tools/index.ts';
import type { Agent } from '../agent.ts';
import { PARTS } from '../agent-parts.ts';
import { askedBy } from '../author-code.ts';
import { isJsonObject } from '../merge-patch.ts';
import { declaredOf, type ToolGroup } from './program-bindings.ts';
import { standardGroups } from './program-groups.ts';

/** What `run_program` offers its programs, and in whose name. */
export interface ProgramToolOptions {
  /** What programs may call; default: the tools of the device and of trusted MCP servers. */
  readonly groups?: readonly ToolGroup[];
  /** Who asks, as the audit log names it; default: whoever the agent's code runs for at each call. */
  readonly by?: string;
  /** The model has the same tools beside this one: they are not described again. */
  readonly isBesideTools?: boolean;
}

const INPUT_SCHEMA = {
  type: 'object',
  properties: {
    code: {
      type: 'string',
      description: 'Statements of TypeScript, with await; `return` a JSON value: that alone is what you read',
    },
  },
  required: ['code'],
  additionalProperties: false,
} as const;

/**
 * The tool `run_program` for a model of this agent. After `limits.programFailuresPerTurnMax` programs that failed it
 * refuses: make one for each turn. A program that waits for people answers `{ outcome: 'waiting', ... }`; when they
 * have decided it goes on, also after a restart, and a chat's call gets its result. Groups of your own have to be
 * offered in `onStart` too, by calling this there, so that a program can go on after the agent slept.
 * @throws BridgeError BRG_DEFINITION (a policy that is wrong)
 */
export function programTool(agent: Agent, options: ProgramToolOptions = {}): Tool {
  const by = (): string => options.by ?? askedBy(agent);
  const { groups = standardGroups(agent, by()), isBesideTools = false } = options;
  const { programs, programHost } = agent[PARTS];
  if (options.groups !== undefined) programs.offer(groups);
  programHost?.warmCheck();
  let failures = 0;
  return {
    name: 'run_program',
    description: isBesideTools ? briefly(groups) : declared(groups),
    inputSchema: INPUT_SCHEMA,
    annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
    execute: async (input, { signal, toolCallId }) => {
      const code = isJsonObject(input) ? input['code'] : undefined;
      if (typeof code !== 'string') return { outcome: 'failed', error: 'run_program: code must be a text' };
      if (failures >= limits.programFailuresPerTurnMax) {
        const error = `${failures} programs have failed in this turn: say what you know, or call tools one by one`;
        return { outcome: 'failed', error };
      }
      const answer = await programs.run(code, groups, { by: by(), toolCallId, signal });
      if (answer.outcome === 'failed') failures++;
      return answer;
    },
  };
}

const RULES =
  'The program runs in a sandbox without network and files; Date stands still; it may call tools in parallel with Promise.all. Filter and aggregate inside it.';

function briefly(groups: readonly ToolGroup[]): string {
  const places = groups.map(({ namespace, tools }) => {
    const some = tools.slice(0, 2).map(({ name }) => name);
    return `env.${namespace}.${some[0] ?? 'name'}(args)`;
  });
  return `Runs a TypeScript program that calls your other tools, with the same arguments and results, as ${places.join(', ')}: one call for many. ${RULES}`;
}

function declared(groups: readonly ToolGroup[]): string {
  const bindings = declaredOf(groups);
  if (!needsCatalog(bindings))
    return `Runs a TypeScript program that may call:\n${declareTools(bindings)}${RULES}`;
  const names = groups.map(({ namespace, tools }) => `env.${namespace} (${tools.length} tools)`);
  const catalog = bindings.filter(({ namespace }) => namespace === 'catalog');
  return `Runs a TypeScript program that may call tools of ${names.join(', ')}. Find them by a program first:\n${declareTools(catalog)}${RULES}`;
}
