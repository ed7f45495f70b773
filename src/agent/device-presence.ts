import type { InboundRecord } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';

/** The broker's word for the end of a connection by DISCONNECT [MQTT-3.14.4-1]. */
export const GOODBYE = 'disconnect';

/** What a device says about itself: `online` or `offline`, as plain text or as a JSON string. @throws BridgeError BRG_PAYLOAD_SHAPE */
export function saidPresence({
  payload,
  connection,
}: InboundRecord): { readonly presence: 'online' | 'offline'; readonly reason: string } | undefined {
  const said = payload.toString('utf8').replaceAll('"', '').trim();
  if (said === 'online') return { presence: 'online', reason: '' };
  // An empty payload clears the retained message and says nothing about the device.
  if (said === '') return undefined;
  // A will comes by no connection; a device that says it itself goes to sleep.
  const reason = connection === 0 ? 'connection lost, its will was sent' : GOODBYE;
  if (said === 'offline') return { presence: 'offline', reason };
  throw new BridgeError('BRG_PAYLOAD_SHAPE', 'presence is the text online or offline');
}
