/**
 * MQTT packets to and from actor messages: connections, ingest inside `authorizePublish`, presence,
 * downlink. The only room that knows aedes; the composition root creates it with `createBroker`.
 */
export { createBroker } from './broker.ts';
export type { Broker, BrokerOptions } from './broker.ts';
