/** aedes' hooks and events, each handed to the connection it is about. */
import type { Duplex } from 'node:stream';
import { limits } from '../base/limits.ts';
import { authenticate, sessionName } from './authenticate.ts';
import { Connection } from './connection.ts';
import type { BrokerContext } from './context.ts';
import type { Violation } from './guard/index.ts';
import {
  guardClient,
  MqttServer,
  SESSION_MARK,
  type Client,
  type PublishCallback,
  type PublishPacket,
} from './mqtt-server.ts';
import { Message } from './sessions/index.ts';
import { isReservedTopic } from './topics.ts';

/** Where a connection is kept on aedes' client: one property read in the hot path, not a map lookup. */
const CONNECTION = Symbol('connection');
type OwnedClient = Client & { [CONNECTION]?: Connection };

/** Hands the stream to aedes and remembers whose it is. */
export function openConnection(
  context: BrokerContext,
  server: MqttServer,
  { stream, source }: { stream: Duplex; source: string },
): Connection {
  const client: OwnedClient = server.handle(stream);
  const connection = new Connection(context, { stream, source }, client);
  client[CONNECTION] = connection;
  connection.intake = guardClient(client, {
    guardLimits: context.guardLimits,
    rateLimits: context.rateLimits,
    publish: (packet, callback) => connection.publish(packet, callback),
    refuse: (violation) => refuse(context, connection, violation),
    throttled: () => context.counters.throttled(),
  });
  return connection;
}

/** Ends a connection that does not speak MQTT, after the CONNACK that says so where there is one for it. */
function refuse(context: BrokerContext, connection: Connection, violation: Violation): void {
  const { kind, reason, returnCode } = violation;
  context.counters.denied(kind);
  connection.endReason ??= reason;
  const { stream } = connection;
  if (returnCode === 0) stream.destroy();
  // [MQTT-3.2.2-4]: session present is 0 beside a return code, [MQTT-3.2.2-5]: then the connection is closed.
  else stream.end(Buffer.from([0x20, 2, 0, returnCode]), () => stream.destroy());
}

/** aedes acknowledges what it parsed itself: what was acknowledged before goes before. */
function inOrder(connection: Connection, done: PublishCallback): PublishCallback {
  return (error) => {
    connection.intake?.flush();
    done(error);
  };
}

function connectionOf(client: Client): Connection | undefined {
  return (client as OwnedClient)[CONNECTION]; // put there by openConnection
}

/** An MQTT server whose hooks speak to the context. */
export async function createMqttServer(context: BrokerContext): Promise<MqttServer> {
  const server = new MqttServer(
    {
      // The waiting room ends who is late, counted from when it was accepted; aedes counts from the first byte.
      connectTimeout: 2 * limits.mqttConnectTimeoutMs,
      drainTimeout: limits.mqttDrainTimeoutMs,
      preConnect: (client, packet, done) => {
        const connection = connectionOf(client);
        if (connection !== undefined) {
          context.room.introduced(connection.stream);
          connection.facts = {
            isClean: packet.clean ?? true,
            willTopic: packet.will?.topic ?? null,
          };
          const { identities } = context;
          if (identities?.isOpen === false) {
            const takesTokens = identities.jwt !== null;
            packet.clientId = sessionName(packet.clientId, packet, {
              stream: connection.stream,
              takesTokens,
            });
          }
        }
        done(null, connection !== undefined && !context.isStopping);
      },
      authenticate: (client, username = '', password, done) => {
        const connection = connectionOf(client);
        if (connection === undefined) {
          done(null, false);
          return;
        }
        const claim = { username, password: password?.toString() ?? '', source: connection.source };
        void authenticate(context, connection, claim).then(async (refusal) => {
          if (refusal === null) await connection.session.open(connection.facts.isClean);
          if (refusal === null) done(null, true);
          else done(Object.assign(new Error(refusal.reason), { returnCode: refusal.returnCode }), false);
        });
      },
      authorizePublish: (client, packet, done) => {
        // No packet is read from a closed client any more: what comes then is its will.
        const connection = client === null || client.closed ? undefined : connectionOf(client);
        if (connection === undefined) publishWill(context, client, packet, done);
        else connection.publish(packet, inOrder(connection, done));
      },
      authorizeSubscribe: (client, subscription, done) => {
        const connection = connectionOf(client);
        const { topic, qos } = subscription;
        // Null is answered with 128 in the SUBACK (MQTT 3.1.1 section 3.9.3).
        if (connection === undefined || topic === SESSION_MARK) done(null, null);
        else if (maySubscribe(context, connection, topic))
          connection.subscribe(topic, qos, () => done(null, subscription));
        else {
          connection.unsubscribed([topic]); // of a session that was restored: the right was taken back
          done(null, null);
        }
      },
    },
    context.sessions,
    // The agents know themselves who was connected when the process ended.
    (topic) => context.registry.matchTopic(topic)?.channel !== 'presence',
  );
  listenTo(server, context);
  await server.listen();
  return server;
}

function listenTo(server: MqttServer, context: BrokerContext): void {
  server.on('clientReady', (client) => connectionOf(client)?.ready());
  server.on('subscribe', (subscriptions, client) => {
    const granted = subscriptions.filter(({ qos }) => isGranted(qos)).map(({ topic }) => topic);
    connectionOf(client)?.subscribed(granted);
  });
  server.on('unsubscribe', (filters, client) => connectionOf(client)?.unsubscribed(filters));
  server.on('keepaliveTimeout', (client) => noteReason(client, 'keep alive timeout'));
  server.on('clientError', (client, error) => noteReason(client, error.message));
  server.on('connectionError', (client, error) => noteReason(client, error.message));
  server.addListener('error', (error: Error) => {
    context.log.error({ error: error.message }, 'mqtt broker failed');
  });
}

/** aedes writes the granted code into `qos`, so that 128 (failure) can stand there. */
function isGranted(qos: number): boolean {
  return qos !== 128;
}

function noteReason(client: Client, reason: string): void {
  const connection = connectionOf(client);
  if (connection !== undefined) connection.endReason ??= reason;
}

function maySubscribe(context: BrokerContext, connection: Connection, topic: string): boolean {
  if (isReservedTopic(topic)) {
    context.counters.denied('reserved-topic');
    return false;
  }
  const { permissions, session } = connection;
  if (!permissions.may('subscribe', topic)) {
    permissions.denied('subscribe', topic);
    return false;
  }
  if (connection.filterCount < limits.mqttFiltersPerClientMax || session.has(topic)) return true;
  context.counters.denied('subscriptions-limit');
  return false;
}

/** A will, published at the end of a connection; `client` is null when even that is gone. */
export function publishWill(
  context: BrokerContext,
  client: Client | null,
  packet: PublishPacket,
  done: PublishCallback,
): void {
  const { runtime, registry, counters, isStopping } = context;
  const { topic, payload, qos } = packet;
  // At stop it is the bridge that goes, not the device; presence is reconciled at the next start.
  const isDenied = client !== null && connectionOf(client)?.permissions.may('publish', topic) === false;
  if (isStopping || isDenied || isReservedTopic(topic) || payload.length > limits.devicePayloadBytesMax) {
    done(new Error('the will is not published'));
    return;
  }
  const match = registry.matchTopic(topic);
  const pass = (): void => {
    const setBy = (client === null ? undefined : connectionOf(client)?.permissions.name) ?? '';
    context.sessions.deliver(new Message(topic, payload), { qos, retain: packet.retain, setBy });
    done(null);
  };
  if (match === null) {
    if (registry.isDeviceTopic(topic)) counters.unmapped();
    pass();
    return;
  }
  const { address, channel, subject } = match;
  if (channel === 'presence') {
    const own = client !== null && connectionOf(client)?.isAttachedTo(address) === true ? 1 : 0;
    if (context.attachmentCount(address) > own) {
      done(new Error('the device is connected again')); // taken over: "offline" would be untrue
      return;
    }
  }
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  runtime.deliver({ address, channel, subject, qos, payload: bytes, connection: 0 }, (outcome) => {
    if (outcome === 'busy') counters.denied('busy'); // the agent hears of the end by detachDevice
    if (outcome === 'stopping') done(new Error('stopping'));
    else pass();
  });
}
