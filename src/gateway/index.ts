/**
 * The gateway: HTTP and WebSocket to and from the agents. It checks who asks and whether what is asked is
 * well formed, and hands it to the actor runtime; it knows nothing of devices beyond the names of models.
 */
export { createGateway } from './gateway.ts';
export type { Gateway } from './gateway.ts';
export { mqttUpgrade } from './mqtt-upgrade.ts';
