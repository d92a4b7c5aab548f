import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { onAbort } from '../common/abort.ts';
import { asError, Fault } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { Credentials } from '../common/secure-server.ts';
import { type FileReports, watchFiles } from './watch-files.ts';

const DAY_MS = 86_400_000;
const WARN_DAYS = 14;
/** A certificate and its key are two files: one is replaced a moment before the other. */
const SETTLE_MS = 1000;

export interface TlsFiles {
  TLS_CERT_FILE: string;
  TLS_KEY_FILE: string;
  CLIENT_CA_FILE: string;
  CLIENT_CRL_FILE: string;
}

/**
 * Reads the certificate, its key, and the authorities of client certificates. Returns undefined if none is set.
 *
 * @throws Fault `bad-configuration`: one sentence for a pair that cannot be used
 */
export async function readCredentials(files: TlsFiles): Promise<Required<Credentials> | undefined> {
  const { TLS_CERT_FILE, TLS_KEY_FILE, CLIENT_CA_FILE, CLIENT_CRL_FILE } = files;
  const set = (Object.entries(files) as [keyof TlsFiles, string][]).filter(([, path]) => path !== '');
  if (set.length === 0) return undefined;
  for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE'] as const) {
    if (files[name] === '')
      throw fault(
        `${set.map(([other]) => other).join(' and ')} needs ${name} as well; set it to the file of the ${name === 'TLS_KEY_FILE' ? 'key' : 'certificate'}`,
      );
  }
  const cert = await read('TLS_CERT_FILE', TLS_CERT_FILE);
  const key = await read('TLS_KEY_FILE', TLS_KEY_FILE);
  const ca = CLIENT_CA_FILE === '' ? undefined : await read('CLIENT_CA_FILE', CLIENT_CA_FILE);
  if (CLIENT_CRL_FILE !== '' && ca === undefined)
    throw fault('CLIENT_CRL_FILE needs CLIENT_CA_FILE as well; set it to the file of the authority');
  const crl = CLIENT_CRL_FILE === '' ? undefined : await readRevocations(CLIENT_CRL_FILE);
  const certificate = parse('TLS_CERT_FILE', TLS_CERT_FILE, cert);
  const names = `TLS_CERT_FILE=${JSON.stringify(TLS_CERT_FILE)}`;
  if (!certificate.checkPrivateKey(privateKey(TLS_KEY_FILE, key)))
    throw fault(
      `${names} and TLS_KEY_FILE=${JSON.stringify(TLS_KEY_FILE)} do not belong together; set both to one pair`,
    );
  const { validFromDate: from, validToDate: to } = certificate;
  if (to.getTime() <= Date.now()) throw fault(`${names} expired on ${dayOf(to)}; renew it`);
  if (from.getTime() > Date.now())
    throw fault(`${names} is not valid before ${dayOf(from)}; check the clock, or use another`);
  if (ca !== undefined) parse('CLIENT_CA_FILE', CLIENT_CA_FILE, ca);
  try {
    createSecureContext({ cert, key, ...(ca && { ca }), ...(crl && { crl }) });
  } catch (thrown) {
    throw fault(`${names} cannot be used: ${asError(thrown).message}; use another pair`, thrown);
  }
  return { cert, key, ca, crl } as Required<Credentials>;
}

/**
 * Calls `replace` with new credentials whenever the files change, until `signal` is aborted. What cannot be used is logged,
 * and the old ones stay. Warns of a certificate that is about to expire.
 */
export async function followCredentials(
  files: TlsFiles,
  replace: (credentials: Credentials) => void,
  log: Logger,
  reports: FileReports,
  signal: AbortSignal,
): Promise<void> {
  const warn = async () => {
    const end = await endOf(files.TLS_CERT_FILE);
    if (!end) return; // Reported when the file changed.
    reports.certificate('TLS_CERT_FILE', end);
    const soon = expiresSoon(files.TLS_CERT_FILE, end);
    if (soon !== undefined) log.warn(soon);
  };
  const reread = async () => {
    const deadlineMs = performance.now() + SETTLE_MS;
    for (;;) {
      try {
        const credentials = await readCredentials(files);
        if (credentials) replace(credentials);
        reports.file('TLS_CERT_FILE', false);
        log.info('the certificate was exchanged; connections that are open keep the one before it');
        await warn();
        return;
      } catch (thrown) {
        if (performance.now() >= deadlineMs) {
          reports.file('TLS_CERT_FILE', true);
          log.error(`${asError(thrown).message}. The certificate before it stays in use`);
          return;
        }
        await new Promise(resolve => setTimeout(resolve, SETTLE_MS / 8));
      }
    }
  };
  reports.file('TLS_CERT_FILE', false);
  const paths = Object.values(files).filter(path => path !== '');
  await watchFiles(paths, reread, signal);
  const timer = setInterval(() => void warn(), DAY_MS);
  onAbort(signal, () => clearInterval(timer));
  await warn();
}

/** Returns when the certificate of a file ends; undefined if it can't be read. */
async function endOf(path: string): Promise<Date | undefined> {
  try {
    return parse('TLS_CERT_FILE', path, await read('TLS_CERT_FILE', path)).validToDate;
  } catch {
    return undefined;
  }
}

/** Returns a warning if the certificate of a file expires within two weeks, or has expired. */
function expiresSoon(path: string, end: Date): string | undefined {
  const days = Math.floor((end.getTime() - Date.now()) / DAY_MS);
  if (days >= WARN_DAYS) return undefined;
  const when = days < 0 ? 'expired' : 'expires';
  return `TLS_CERT_FILE=${JSON.stringify(path)} ${when} on ${dayOf(end)}; renew it, and it is taken without a restart`;
}

async function read(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    const { code } = asError(thrown);
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw fault(
      `${variable}=${JSON.stringify(path)} ${why}; set it to a file in PEM that this service may read`,
      thrown,
    );
  }
}

/** Returns the lists of revoked client certificates, one for each authority. */
async function readRevocations(path: string): Promise<string[]> {
  const text = (await read('CLIENT_CRL_FILE', path)).toString('latin1');
  const lists = text.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  const wrong = `CLIENT_CRL_FILE=${JSON.stringify(path)} is no revocation list in PEM; set it to one that begins with -----BEGIN X509 CRL-----`;
  if (!lists) throw fault(wrong);
  try {
    createSecureContext({ crl: lists });
  } catch (thrown) {
    throw fault(wrong, thrown);
  }
  return lists;
}

function parse(variable: string, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw fault(
      `${variable}=${JSON.stringify(path)} is no certificate in PEM; set it to one that begins with -----BEGIN CERTIFICATE-----`,
      thrown,
    );
  }
}

function privateKey(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (thrown) {
    throw fault(
      `TLS_KEY_FILE=${JSON.stringify(path)} is no private key in PEM, or has a passphrase; set it to one without`,
      thrown,
    );
  }
}

const fault = (message: string, cause?: unknown) => new Fault('bad-configuration', message, { cause });
const dayOf = (date: Date) => date.toISOString().slice(0, 10);
