/** Certificates as an operator makes them, with openssl. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority in this directory, and what it signs. */
export class Authority {
  readonly #directory: string;
  readonly files: CertificateFiles;

  /** @param name also the beginning of its files' names */
  constructor(directory: string, name = 'ca') {
    this.#directory = directory;
    this.files = this.#paths(name);
    const { cert, key } = this.files;
    const subject = ['-subj', `/CN=${name}`, '-days', '2'];
    openssl('req', '-x509', ...ELLIPTIC, '-nodes', '-keyout', key, '-out', cert, ...subject);
  }

  /** A certificate for a server on loopback, or for a client with this common name. */
  sign(commonName: string, file: string): CertificateFiles {
    const { cert, key } = this.#paths(file);
    const request = join(this.#directory, `${file}.csr`);
    const extensions = join(this.#directory, `${file}.ext`);
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    // A slash in a name is not the beginning of the next part of the subject.
    const subject = `/CN=${commonName.replaceAll('/', '\\/')}`;
    openssl('req', ...ELLIPTIC, '-nodes', '-keyout', key, '-out', request, '-subj', subject);
    const authority = ['-CA', this.files.cert, '-CAkey', this.files.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...authority, '-out', cert, '-days', '2', '-extfile', extensions);
    return { cert, key };
  }

  #paths(name: string): CertificateFiles {
    return { cert: join(this.#directory, `${name}.pem`), key: join(this.#directory, `${name}.key`) };
  }
}

const ELLIPTIC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
