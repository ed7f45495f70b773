/** CONNECT: who it is, and whether it may have the session it asks for. */
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { limits } from '../base/limits.ts';
import { unprovedSubject, type Principal } from '../identity/index.ts';
import type { Connection } from './connection.ts';
import type { BrokerContext } from './context.ts';

/** CONNACK return codes of MQTT 3.1.1 section 3.2.2.3. */
const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/** Why a CONNECT is refused. */
export interface ConnectRefusal {
  readonly returnCode: number;
  readonly reason: string;
}

/** What CONNECT says about who it is. */
export interface Claim {
  readonly username: string;
  readonly password: string;
  /** Where it comes from. */
  readonly source: string;
}

/** What `setTimeout` takes; beyond, it fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const CODEC_SUFFIX = /\?codec=(json|cbor)$/;

/**
 * The name under which a client's session is kept when clients have identities: another identity with the same client
 * id has a session of its own, and takes over nobody's (checklist 10). Names have no `@`, so it is unambiguous. What it says
 * here of itself is proved before the session is opened.
 */
export function sessionName(
  clientId: string,
  { username = '', password }: { readonly username?: string; readonly password?: Buffer },
  { stream, takesTokens }: { readonly stream: Duplex; readonly takesTokens: boolean },
): string {
  if (clientId === '') return '';
  const name = username.replace(CODEC_SUFFIX, '');
  // As `Identities` does it: where tokens are taken, one for a password says who it is, whatever certificate is shown.
  const subject = takesTokens ? unprovedSubject(password?.toString() ?? '') : '';
  const implied = (): string => subject || (certificateName(stream) ?? '');
  return `${clientId}@${name === '' ? implied() : name}`;
}

/** Lets the connection be who it says, or says why not. Never rejects. */
export async function authenticate(
  context: BrokerContext,
  connection: Connection,
  claim: Claim,
): Promise<ConnectRefusal | null> {
  const { identities, counters, log } = context;
  const name = identify(connection, claim.username);
  if (identities === null || identities.isOpen) {
    connection.permissions.authenticated(null);
    return checkSession(context, connection);
  }
  const { source, password } = claim;
  const found = await identities.authenticate({
    name,
    password,
    source,
    certificateName: certificateName(connection.stream),
  });
  if (found === 'busy') {
    counters.denied('identity');
    return {
      returnCode: SERVER_UNAVAILABLE,
      reason: 'too many logins, or too many that failed: come back later',
    };
  }
  if (found === 'refused') {
    counters.denied('identity');
    log.info({ name, client: connection.client.id, source }, 'mqtt login refused: wrong name or secret');
    return { returnCode: NOT_AUTHORIZED, reason: 'wrong name or secret' };
  }
  const flaps = context.flapping.connects(found.name, performance.now());
  if (flaps !== 'let-in') {
    counters.denied('flapping');
    if (flaps === 'refused-first')
      log.warn(
        { name, client: connection.client.id, source },
        'mqtt login refused for a while: it connects again and again',
      );
    return { returnCode: SERVER_UNAVAILABLE, reason: 'it connects too often: come back in a minute' };
  }
  connection.permissions.authenticated(found);
  endWithProof(connection, found);
  const { willTopic } = connection.facts;
  if (willTopic !== null && !connection.permissions.may('publish', willTopic)) {
    connection.permissions.denied('publish', willTopic);
    return { returnCode: NOT_AUTHORIZED, reason: `not allowed to publish its will to ${willTopic}` };
  }
  return checkSession(context, connection);
}

/** A token that ends takes its connection with it. */
function endWithProof(connection: Connection, { voucher }: Principal): void {
  if (voucher === null) return;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const leftMs = voucher.expiresAtMs - Date.now();
    if (leftMs <= 0) connection.destroy('the token has expired');
    else timer = setTimeout(wait, Math.min(leftMs, TIMER_MS_MAX)).unref();
  };
  wait();
  connection.stream.once('close', () => clearTimeout(timer));
}

/** Takes what the user name says; answers it without its codec. */
function identify(connection: Connection, username: string): string {
  const codec = CODEC_SUFFIX.exec(username)?.[1];
  connection.codec = codec === 'json' || codec === 'cbor' ? codec : null;
  const user = username.replace(CODEC_SUFFIX, '');
  connection.user = user === '' ? null : user;
  return user;
}

/** Common name of a certificate that was verified against our authorities; null: none was shown. */
function certificateName(stream: Duplex): string | null {
  if (!(stream instanceof TLSSocket) || !stream.authorized) return null;
  const name = stream.getPeerCertificate().subject?.CN;
  return typeof name === 'string' && name !== '' ? name : null;
}

function checkSession(context: BrokerContext, connection: Connection): ConnectRefusal | null {
  if (connection.facts.isClean) return null;
  const { sessions } = context;
  if (sessions.keptCount < limits.mqttSessionsMax || sessions.kept(connection.client.id) !== undefined)
    return null;
  context.counters.denied('connections-limit');
  return { returnCode: SERVER_UNAVAILABLE, reason: 'too many persistent sessions' };
}
