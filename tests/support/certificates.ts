/** Makes keys and certificates with openssl. */
import { execFile } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export interface Pair {
  certFile: string;
  keyFile: string;
  cert: string;
}

/**
 * Writes `NAME.crt` and `NAME.key`: for localhost and 127.0.0.1, signed by itself or by an authority.
 *
 * @param days how long it is valid; below 0 it has expired
 */
export async function makePair(
  folder: string,
  name: string,
  {
    days = 30,
    subject = `/CN=${name}`,
    authority,
  }: { days?: number; subject?: string; authority?: Pair } = {},
): Promise<Pair> {
  const [certFile, keyFile, request, extensions] = ['crt', 'key', 'csr', 'ext'].map(
    end => `${folder}/${name}.${end}`,
  ) as [string, string, string, string];
  await run('openssl', ['req', '-new', ...EC, '-subj', subject, '-keyout', keyFile, '-out', request]);
  await writeFile(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:TRUE\n');
  const signer = authority
    ? ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial']
    : ['-signkey', keyFile];
  const made = ['-in', request, '-days', String(days), '-extfile', extensions, '-out', certFile];
  await run('openssl', ['x509', '-req', ...signer, ...made]);
  return { certFile, keyFile, cert: await readFile(certFile, 'utf8') };
}

/** Writes the list of the certificates that an authority has revoked: these, and those before. */
export async function writeRevocations(file: string, authority: Pair, ...revoked: Pair[]): Promise<void> {
  const database = `${authority.certFile}.index`;
  const settings = `${database}.cnf`;
  await appendFile(database, '');
  await writeFile(
    settings,
    `[ca]\ndefault_ca=it\n[it]\ndatabase=${database}\ndefault_md=sha256\ndefault_crl_days=30\n`,
  );
  const ca = ['ca', '-config', settings, '-keyfile', authority.keyFile, '-cert', authority.certFile];
  for (const { certFile } of revoked) await run('openssl', [...ca, '-revoke', certFile]);
  await run('openssl', [...ca, '-gencrl', '-out', file]);
}
