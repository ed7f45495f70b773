import { actTools } from './act-tools.ts';
import type { DeviceTool } from './device-tool.ts';
import { peerTools } from './peer-tools.ts';
import { readTools } from './read-tools.ts';
import { ruleTools } from './rule-tools.ts';
import { scheduleTools } from './schedule-tools.ts';
import type { ToolBench } from './tool-bench.ts';

/** Every tool of the device. @param askedBy who asks, as the audit log names it */
export function allTools(bench: ToolBench, askedBy: () => string): DeviceTool[] {
  return [
    ...readTools(bench),
    ...peerTools(bench, askedBy),
    ...actTools(bench, askedBy),
    ...ruleTools(bench, askedBy),
    ...scheduleTools(bench, askedBy),
  ];
}
