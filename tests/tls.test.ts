/** The picture over TLS: HTTP/2 and HTTP/1.1, a certificate that is exchanged, and clients that mean harm. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { get, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { checkHealth } from '../apps/common/healthcheck.ts';
import { SAFE_HEADERS } from '../apps/common/http-refusal.ts';
import { makePair, type Pair, writeRevocations } from './support/certificates.ts';
import { temporaryFolder } from './support/clips.ts';
import { cookieOf, type Guarded, PASSWORDS, startGuarded } from './support/guarded.ts';
import { startService } from './support/services.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let guarded: Guarded;
let url: string;
let first: Pair;
let second: Pair;
let expired: Pair;
let authority: Pair;
let card: Pair;
let stranger: Pair;
const AUTHORIZATION = `Basic ${Buffer.from(`anna:${PASSWORDS['anna']}`).toString('base64')}`;
const headers = { Authorization: AUTHORIZATION };
const METRICS_TOKEN = 'metrics-token-of-the-test';

before(async () => {
  folder = await temporaryFolder();
  const { path } = folder;
  authority = await makePair(path, 'authority');
  [first, second, expired, card, stranger] = await Promise.all([
    makePair(path, 'first'),
    makePair(path, 'second'),
    makePair(path, 'expired', { days: -1 }),
    makePair(path, 'card', { subject: '/O=Weather/CN=Doe Jane', authority }),
    makePair(path, 'stranger', { subject: '/CN=Doe Jane' }),
  ]);
  await install(first);
  await writeRevocations(`${path}/revoked.crl`, authority);
  await writeFile(`${path}/metrics-token`, METRICS_TOKEN);
  guarded = await startGuarded({
    METRICS_TOKEN_FILE: `${path}/metrics-token`,
    TLS_CERT_FILE: `${path}/tls.crt`,
    TLS_KEY_FILE: `${path}/tls.key`,
    CLIENT_CA_FILE: authority.certFile,
    CLIENT_CRL_FILE: `${path}/revoked.crl`,
  });
  url = guarded.url.replace('http:', 'https:');
});
after(async () => {
  await guarded?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function install({ certFile, keyFile }: Pair): Promise<void> {
  await copyFile(certFile, `${folder.path}/tls.crt`);
  await copyFile(keyFile, `${folder.path}/tls.key`);
}

/** Makes a request over HTTP/1.1 and returns its answer. */
async function ask(path: string, options: object = {}): Promise<IncomingMessage & { text: string }> {
  const [response] = (await once(
    get(`${url}${path}`, { rejectUnauthorized: false, agent: false, headers, ...options }),
    'response',
  )) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return Object.assign(response, { text });
}

async function session(): Promise<ClientHttp2Session & AsyncDisposable> {
  const client = connectHttp2(url, { rejectUnauthorized: false });
  client.on('error', () => {});
  await once(client, 'connect');
  return client as ClientHttp2Session & AsyncDisposable;
}

/** Asks for a path over HTTP/2 and returns its stream and status. */
async function stream(
  client: ClientHttp2Session,
  path: string,
  more: object = {},
): Promise<ClientHttp2Stream & { status: number }> {
  const made = client.request({ ':path': path, authorization: AUTHORIZATION, ...more });
  const [answer] = (await once(made, 'response')) as [{ ':status': number }];
  return Object.assign(made, { status: answer[':status'] });
}

async function textOf(readable: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of readable) text += chunk;
  return text;
}

/** Returns the fingerprint of the certificate that a new connection is shown. */
async function shown(): Promise<string> {
  const socket = connectTls({ port: guarded.port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
const printOf = ({ cert }: Pair) => new X509Certificate(cert).fingerprint256;
const memoryMb = () => {
  const { pid } = guarded.service.process;
  return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
};

for (const path of ['/', '/status', '/snapshot.jpg', '/loop', '/script/main.js', '/nothing']) {
  test(`${path} is the same over HTTP/2 and HTTP/1.1`, async () => {
    const one = await ask(path);
    const client = await session();
    const two = await stream(client, path);
    const text = await textOf(two);
    client.close();
    assert.equal(two.status, one.statusCode);
    // Koa writes a status without its name in HTTP/2, and the card is drawn anew when the source's state changes.
    if (!/status|nothing|snapshot/.test(path)) assert.equal(text.length, one.text.length);
    assert.match(one.headers['strict-transport-security'] ?? '', /^max-age=31536000$/);
  });
}

test('more streams than the six that HTTP/1.1 has share one connection of HTTP/2', async () => {
  const client = await session();
  const streams = await Promise.all(
    Array.from({ length: 12 }, (_, i) => stream(client, i % 2 ? '/stream' : '/stream.mjpg')),
  );
  for (const each of streams) {
    assert.equal(each.status, 200);
    await once(each, 'data');
    each.resume();
  }
  const { viewers } = JSON.parse((await ask('/status')).text);
  assert.equal(viewers.now, 12);
  client.destroy();
  await until(async () => JSON.parse((await ask('/status')).text).viewers.now === 0, 'the places to be free');
});

test('over HTTP/2, too, everything but the open paths answers 401 without a login', async () => {
  const client = await session();
  const status = async (path: string, more = {}) => {
    const made = client.request({ ':path': path, ...more });
    const [answer] = (await once(made, 'response')) as [{ ':status': number }];
    made.resume();
    return answer[':status'];
  };
  for (const path of [
    '/',
    '/stream',
    '/status',
    '//status',
    '/livez/../status',
    '/livez;/status',
    '/%73tatus',
    '/metrics',
  ])
    assert.equal(await status(path), 401, path);
  assert.equal(await status('/livez'), 200);
  assert.equal(await status('/status', { ':authority': 'evil.example', authorization: AUTHORIZATION }), 421);
  assert.equal(await status('/status', { host: 'evil.example', authorization: AUTHORIZATION }), 421);
  client.destroy();
});

test('a login over TLS sets a cookie that only goes back over TLS, to this host', async () => {
  const body = new URLSearchParams({ user: 'anna', password: PASSWORDS['anna']! }).toString();
  const client = await session();
  const made = client.request({
    ':path': '/login',
    ':method': 'POST',
    origin: url,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
  });
  made.end(body);
  const [answer] = (await once(made, 'response')) as [Record<string, string | string[]>];
  client.destroy();
  const [cookie = ''] = answer['set-cookie'] as string[];
  assert.match(cookie, /^__Host-noaa=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/);
  const value = cookie.split(';')[0]!;
  assert.equal((await ask('/status', { headers: { cookie: value } })).statusCode, 200);
  assert.equal((await ask('/status', { headers: { cookie: value.replace('__Host-', '') } })).statusCode, 401);
});

test('HTTP without TLS leads to the same address with it, and answers only whether the service lives', async () => {
  const answer = await fetch(`${guarded.url}/loop?x=1`, { redirect: 'manual', headers });
  assert.equal(answer.status, 308);
  assert.equal(answer.headers.get('location'), `${url}/loop?x=1`);
  assert.equal((await guarded.logIn('anna')).status, 308);
  assert.equal(cookieOf(await guarded.logIn('anna')), '');
  assert.equal(await checkHealth(`${guarded.url}/livez`), undefined);
  const strange = await fetch(`${guarded.url}/`, { redirect: 'manual', headers: { Host: 'evil.example' } });
  assert.notEqual(strange.headers.get('location'), 'https://evil.example/');
});

for (const version of ['TLSv1', 'TLSv1.1'] as SecureVersion[]) {
  test(`${version} is refused`, async () => {
    const socket = connectTls({
      ...{ port: guarded.port, host: '127.0.0.1', rejectUnauthorized: false },
      ...{ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' },
    });
    const [error] = (await once(socket, 'error')) as [Error & { code: string }];
    assert.match(error.code, /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  });
}

describe('a client certificate', () => {
  const withCard = async ({ certFile, keyFile }: Pair, more = {}) =>
    await ask('/status', { headers: {}, cert: readFileSync(certFile), key: readFileSync(keyFile), ...more });

  test('of the authority is a login, and its name is in the journal', async () => {
    const answer = await withCard(card);
    assert.equal(answer.statusCode, 200);
    const viewer = get(`${url}/stream`, {
      ...{ rejectUnauthorized: false, agent: false },
      ...{ cert: readFileSync(card.certFile), key: readFileSync(card.keyFile) },
    });
    const [response] = (await once(viewer, 'response')) as [IncomingMessage];
    await once(response, 'data');
    viewer.destroy();
    const entry = await guarded.service.logged(line => line['by'] === 'certificate');
    assert.equal(entry['user'], 'Doe Jane');
  });

  test('that somebody else has signed, with the same name, is none', async () => {
    assert.equal((await withCard(stranger)).statusCode, 401);
  });

  test('that is revoked while it runs is none any more, and others go on', async () => {
    const { path } = folder;
    const other = await makePair(path, 'other', { subject: '/CN=Roe', authority });
    assert.equal((await withCard(other)).statusCode, 200);
    await writeRevocations(`${path}/revoked.crl`, authority, other);
    await until(async () => (await withCard(other)).statusCode === 401, 'the list to count');
    assert.equal((await withCard(card)).statusCode, 200);
    const revoked = readFileSync(`${path}/revoked.crl`);
    await writeFile(`${path}/revoked.crl`, 'no list');
    await guarded.service.logged(({ msg }) =>
      /^CLIENT_CRL_FILE="\S+" is no revocation list in PEM; .*stays in use$/.test(msg),
    );
    assert.equal((await withCard(other)).statusCode, 401);
    // A bad list would keep the new certificates of the tests below out as well.
    await writeFile(`${path}/revoked.crl`, revoked);
  });
});

describe('the certificate is exchanged while it runs', () => {
  test('100 viewers see every byte of their streams, and new connections the new certificate', async () => {
    assert.equal(await shown(), printOf(first));
    const viewers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const made = request(`${url}${i % 2 ? '/stream' : '/stream.mjpg'}`, {
          rejectUnauthorized: false,
          agent: false,
          headers,
        });
        const [response] = (await once(made.end(), 'response')) as [IncomingMessage];
        return response.on('error', () => {}).resume();
      }),
    );
    await install(second);
    await until(async () => (await shown()) === printOf(second), 'the new certificate', 8000);
    // A second of status events.
    await Promise.all(viewers.filter((_, i) => i % 2).map(viewer => once(viewer, 'data')));
    assert.equal(viewers.filter(viewer => viewer.closed).length, 0);
    for (const viewer of viewers) viewer.destroy();
  });

  const stays = (what: string, spoil: () => Promise<void>, said: RegExp) =>
    test(`${what} is one sentence, and the one before it stays`, async () => {
      const { log } = guarded.service;
      const before = log.length;
      await spoil();
      const sentence = await until(
        () => log.slice(before).find(line => line.level === 'error'),
        'the sentence',
        8000,
      );
      assert.match(sentence.msg, said);
      assert.match(sentence.msg, /\. The certificate before it stays in use$/);
      assert.equal(await shown(), printOf(second));
      assert.equal((await ask('/status')).statusCode, 200);
      const { text } = await ask('/metrics', { headers: { Authorization: `Bearer ${METRICS_TOKEN}` } });
      assert.match(text, /^noaa_visualizer_file_faulty\{file="TLS_CERT_FILE".*\} 1$/m);
      assert.match(
        text,
        /^noaa_visualizer_certificate_end_timestamp_seconds\{file="TLS_CERT_FILE".*\} \d{10}$/m,
      );
    });
  stays(
    'one that has expired',
    () => install(expired),
    /^TLS_CERT_FILE=".*" expired on \d{4}-\d\d-\d\d; renew it/,
  );
  stays(
    'a key of another',
    () => copyFile(second.keyFile, `${folder.path}/tls.key`),
    /do not belong together; set both to one pair/,
  );
  stays(
    'one that is none',
    () => writeFile(`${folder.path}/tls.crt`, 'not a certificate'),
    /is no certificate in PEM/,
  );
});

describe('at the start', () => {
  const refuses = (what: string, env: () => Record<string, string>, said: RegExp) =>
    test(`${what} is one sentence and exit code 2`, async () => {
      await using service = startService('visualizer', { VISUALIZER_PORT: 1, ...env() });
      assert.equal(await service.ended, 2);
      assert.match(service.log.at(-1)?.msg ?? '', said);
    });
  const pair = (cert: Pair, key: Pair) => ({ TLS_CERT_FILE: cert.certFile, TLS_KEY_FILE: key.keyFile });
  refuses('a certificate that has expired', () => pair(expired, expired), /^TLS_CERT_FILE=".*" expired on/);
  refuses('a pair that does not match', () => pair(first, second), /do not belong together/);
  refuses(
    'a certificate without a key',
    () => ({ TLS_CERT_FILE: first.certFile }),
    /^TLS_CERT_FILE needs TLS_KEY_FILE/,
  );
  refuses(
    'an authority without TLS',
    () => ({ CLIENT_CA_FILE: first.certFile }),
    /^CLIENT_CA_FILE needs TLS_CERT_FILE/,
  );
  refuses(
    'a key that is none',
    () => ({ ...pair(first, first), TLS_KEY_FILE: first.certFile }),
    /^TLS_KEY_FILE=".*" is no private key/,
  );
});

test('a client that has said all it will, and closes its half of TLS, still gets its stream', async () => {
  const socket = connectTls({
    ...{ port: guarded.port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true },
  } as ConnectionOptions);
  let said = '';
  socket
    .on('error', () => {})
    .on('data', bytes => {
      said += bytes.toString('latin1');
    });
  await once(socket, 'secureConnect');
  socket.end(`GET /stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n\r\n`);
  await until(() => /(event: status.*){2}/s.test(said), 'what comes a second later');
  socket.destroy();
  const now = async () => JSON.parse((await ask('/status')).text).viewers.now;
  await until(async () => (await now()) === 0, 'its place to be free');
});

test('a tunnel that is asked for over HTTP/2 is refused like anything else, with every header', async () => {
  const client = await session();
  const made = client.request({ ':method': 'CONNECT', ':authority': 'localhost:1' });
  const [answer] = (await once(made, 'response')) as [Record<string, string>];
  assert.equal(answer[':status'], 405);
  for (const name of Object.keys(SAFE_HEADERS)) assert.ok(answer[name.toLowerCase()], name);
  assert.ok(answer['strict-transport-security']);
  client.destroy();
});

describe('a client that means harm', () => {
  const held = async (first: Buffer | undefined): Promise<Socket> => {
    const socket = connect({ port: guarded.port, host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    await once(socket, 'connect');
    if (first) socket.write(first);
    return socket;
  };

  const speakHttp2 = async (): Promise<TLSSocket> => {
    const socket = connectTls({
      ...{ port: guarded.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] },
    });
    socket.on('error', () => {}).resume();
    await once(socket, 'secureConnect');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frameOf(4, 0, Buffer.alloc(4), Buffer.alloc(0)));
    return socket;
  };
  /** Returns a frame of HTTP/2 (RFC 9113, 4.1). */
  const frameOf = (type: number, flags: number, id: Buffer, payload: Buffer) =>
    Buffer.concat([Buffer.from([0, payload.length >> 8, payload.length & 255, type, flags]), id, payload]);

  test('and begins no handshake, or does not end one, is disconnected, and others are served meanwhile', async () => {
    const hello = Buffer.from('16030100', 'hex');
    const sockets = await Promise.all([undefined, hello, hello, Buffer.from('GET /')].map(held));
    assert.equal((await ask('/status')).statusCode, 200);
    await Promise.all(sockets.map(socket => until(() => socket.closed, 'the connection to be closed', 9000)));
  });

  test('and resets streams as fast as it opens them is disconnected; memory and others are as before', async () => {
    const viewer = await session();
    const watched = await stream(viewer, '/stream');
    const beforeMb = memoryMb();
    const socket = await speakHttp2();
    // GET / of localhost, and its end, as bytes: a client of Node's would wait for a place first.
    const block = Buffer.concat([Buffer.from('8287844109', 'hex'), Buffer.from('localhost')]);
    for (let id = 1; id < 40_000 && !socket.destroyed; id += 2) {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(id);
      const headers = frameOf(1, 5, number, block);
      socket.write(Buffer.concat([headers, frameOf(3, 0, number, Buffer.from('00000008', 'hex'))]));
      if (id % 400 === 1) await new Promise(resolve => setImmediate(resolve));
    }
    await until(() => socket.destroyed, 'the flood to be ended', 10_000);
    await once(watched, 'data');
    assert.ok(memoryMb() < beforeMb + 60, `${beforeMb} MB before, ${memoryMb()} after`);
    viewer.destroy();
  });

  test('and floods with settings is disconnected', async () => {
    const socket = await speakHttp2();
    // A SETTINGS frame of 100 entries, again and again, whose acknowledgements are never read.
    const entries = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from('000300000064', 'hex')));
    const frame = frameOf(4, 0, Buffer.alloc(4), entries);
    socket.pause();
    for (let i = 0; i < 20_000 && !socket.destroyed; i += 1) {
      if (!socket.write(frame))
        await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
    }
    socket.resume();
    await until(() => socket.destroyed, 'the flood to be ended', 10_000);
    assert.equal((await ask('/status')).statusCode, 200);
  });
});
