import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { limits } from '../base/limits.ts';

/** Names clients offer for MQTT over WebSocket: the registered one, and that of MQTT 3.1 clients. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];

/**
 * Completes upgrades for MQTT over WebSocket (MQTT 3.1.1 section 6) and hands on each connection as a
 * stream of bytes.
 */
export function mqttUpgrade(
  accept: (stream: Duplex, remoteAddress: string) => void,
): (socket: Duplex, request: IncomingMessage, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytesMax,
    // [MQTT-6.0.0-4] the server selects "mqtt"; clients that offer nothing are let in without.
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  return (socket, request, head) => {
    const remoteAddress = request.socket.remoteAddress ?? '';
    server.handleUpgrade(request, socket, head, (webSocket) => {
      // [MQTT-6.0.0-1] anything but a binary frame ends the connection.
      webSocket.on('message', (_data, isBinary) => {
        if (!isBinary) webSocket.close(1003, 'MQTT is binary');
      });
      accept(createWebSocketStream(webSocket), remoteAddress);
    });
  };
}
