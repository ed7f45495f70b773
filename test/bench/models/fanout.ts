/** A device whose clients get its telemetry and nothing else: one frame for each message. */
import { defineDevice, DeviceAgent, numeric, type AgentClasses } from '../../../src/index.ts';

class Speaker extends DeviceAgent {
  override shouldSendProtocolMessages(): { telemetry: true } {
    return { telemetry: true };
  }
}

export const definitions = [
  defineDevice({
    model: 'speaker',
    description: 'says a number to all who listen',
    metrics: [numeric('x', { min: 0, max: 1e9 })],
    agent: 'speaker-agent',
    sample: { x: 1 },
  }),
];
export const agents: AgentClasses = { 'speaker-agent': Speaker };
