/** Code Mode for agents: programs of a model against the agent's tools. docs/code-mode.md */
export type { ToolGroup } from './program-bindings.ts';
export { ProgramHost } from './program-host.ts';
export { programTool, type ProgramToolOptions } from './program-tool.ts';
export { answerProgramRequest, answerProgramsRequest } from './program-requests.ts';
export { PROGRAM_KIND, Programs } from './programs.ts';
