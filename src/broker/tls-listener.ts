/**
 * MQTT over TLS. Certificate and key are read again when their files change, so that a renewal needs no restart; a pair
 * that does not fit is left alone, with a line in the log, until it does.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import {
  createSecureContext,
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';

/** Files of PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Authorities whose clients are known by their certificate; null: certificates are not asked for. */
  readonly ca: string | null;
}

/** What becomes of connections. */
export interface TlsAcceptor {
  /** Handshakes under way; default: the limit of this name. */
  readonly handshakesMax?: number;
  accept(socket: TLSSocket): void;
  /** Too many handshakes were under way. */
  refused(): void;
}

/** See the head of this file. */
export class TlsListener {
  readonly server: Server;
  #handshakes = 0;
  readonly #files: TlsFiles;
  readonly #log: Log;

  /** @throws BridgeError BRG_CONFIG when the files are none, or do not fit */
  constructor(files: TlsFiles, log: Log, acceptor: TlsAcceptor) {
    this.#files = files;
    this.#log = log;
    this.server = createServer(
      {
        ...secure(files),
        requestCert: files.ca !== null,
        // A device without a certificate may have a password. One with a wrong certificate is turned away below.
        rejectUnauthorized: false,
        handshakeTimeout: limits.mqttConnectTimeoutMs,
        noDelay: true,
      },
      (socket) => {
        this.#handshakes -= 1;
        if (isWronglyCertified(socket)) {
          log.info({ reason: String(socket.authorizationError) }, 'client certificate refused');
          socket.destroy();
        } else acceptor.accept(socket);
      },
    );
    // Each begins one handshake, which ends in one of the other two events.
    this.server.on('connection', (socket) => {
      this.#handshakes += 1;
      if (this.#handshakes <= (acceptor.handshakesMax ?? limits.mqttHandshakesMax)) return;
      acceptor.refused();
      socket.destroy();
    });
    // A port scanner's handshake is no failure of ours.
    this.server.on('tlsClientError', (error, socket) => {
      this.#handshakes -= 1;
      log.debug({ error: error.message, source: socket.remoteAddress }, 'tls handshake failed');
      socket.destroy();
    });
    const paths = pathsOf(files);
    for (const path of paths)
      watchFile(path, { interval: limits.tlsWatchMs, persistent: false }, this.#reload);
    this.server.once('close', () => paths.forEach((path) => unwatchFile(path, this.#reload)));
  }

  readonly #reload = (): void => {
    try {
      this.server.setSecureContext(secure(this.#files));
      this.#log.info('tls certificate read again');
    } catch (error) {
      this.#log.error({ error: String(error) }, 'the new tls certificate cannot be used; the old one stays');
    }
  };
}

function pathsOf({ cert, key, ca }: TlsFiles): string[] {
  return [cert, key, ...(ca === null ? [] : [ca])];
}

function secure({ cert, key, ca }: TlsFiles): SecureContextOptions {
  const read = (setting: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new BridgeError('BRG_CONFIG', `${setting}: ${path} cannot be read: ${String(error)}`, {
        cause: error,
      });
    }
  };
  const options: SecureContextOptions = {
    cert: read('tlsCert', cert),
    key: read('tlsKey', key),
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca: read('tlsCa', ca) }),
  };
  try {
    createSecureContext(options);
    return options;
  } catch (error) {
    throw new BridgeError(
      'BRG_CONFIG',
      `tlsCert ${cert} and tlsKey ${key} are no certificate with its key: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** Whether a certificate was shown that none of our authorities signed. */
function isWronglyCertified(socket: TLSSocket): boolean {
  return !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0;
}
