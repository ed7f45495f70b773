/** Prompts a person picks in an MCP client: how to diagnose a device, and how to look after the fleet. */
import { fromJsonSchema, type McpServer } from '@modelcontextprotocol/server';
import type { JsonSchemaType } from '@modelcontextprotocol/server';
import * as schemas from './fleet-schemas.ts';

const DIAGNOSE = `Find out what is wrong with the device {device}, and say how sure you are.
1. device_get: is it online, how old is its last telemetry, does desired differ from reported, are commands pending?
2. device_history of the last 24 hours: jumps, drifts, gaps, values near the end of their range. Compare with another device of the model.
3. rules_list: which rules watch it, and would they have fired?
Answer with the finding, the numbers it rests on, and what to do. Change nothing unless I ask for it.`;

const FLEET = `Look through the devices of this bridge{model} and tell me which need attention.
Use devices_list with presence "offline" first, then the online ones; read the history only of those that stand out.
Answer with a table: device, what is the matter, since when, how urgent. Change nothing.`;

const diagnoseArguments = fromJsonSchema<{ model: string; id: string }>(
  schemas.object(schemas.address, ['model', 'id'], false) as JsonSchemaType, // an object
);
const fleetArguments = fromJsonSchema<{ model?: string }>(
  schemas.object({ model: schemas.address.model }, [], false) as JsonSchemaType, // an object
);

export function addFleetPrompts(server: McpServer): void {
  server.registerPrompt(
    'diagnose_device',
    {
      title: 'Diagnose a device',
      description: 'Find out what is wrong with one device',
      argsSchema: diagnoseArguments,
    },
    ({ model, id }) => message(DIAGNOSE.replace('{device}', () => `${model}/${id}`)),
  );
  server.registerPrompt(
    'fleet_health',
    { title: 'Fleet health', description: 'Which devices need attention', argsSchema: fleetArguments },
    ({ model }) => message(FLEET.replace('{model}', () => (model === undefined ? '' : ` (model ${model})`))),
  );
}

function message(text: string): { messages: { role: 'user'; content: { type: 'text'; text: string } }[] } {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] };
}
