/** What the settings say to the broker. */
import type { BrokerOptions } from './broker/index.ts';
import type { Config } from './config.ts';

/** What one client, or one address, may take of the broker. */
export function edgeOptions(config: Config): NonNullable<BrokerOptions['edge']> {
  return {
    messagesPerSecondMax: config.mqttMessagesPerSecondMax,
    bytesPerSecondMax: config.mqttBytesPerSecondMax,
    connectionsPerSourceMax: config.mqttConnectionsPerSourceMax,
    connectsPerSecondMax: config.mqttConnectsPerSecondMax,
    connectsPerMinuteMax: config.mqttConnectsPerMinuteMax,
  };
}

/** What the settings say about MQTT over TLS; nothing of it: there is none. */
export function tlsOptions({ mqttsPort, tlsCert, tlsKey, tlsCa }: Config): Pick<BrokerOptions, 'tls'> {
  if (mqttsPort === null || tlsCert === null || tlsKey === null) return {};
  return { tls: { port: mqttsPort, cert: tlsCert, key: tlsKey, ca: tlsCa } };
}
