import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { curveKeyPair, Publisher, Push } from 'zeromq';
import { freePort } from '../../tests/support/ports.ts';
import { handshake } from '../../tests/support/zmtp.ts';
import { inspectPeer } from './inspect-peer.ts';

const SECRET = 'a1'.repeat(32);
const never = new AbortController().signal;

type Stranger = (port: number) => Promise<() => unknown>;

const server =
  (made: Pick<Server, 'listen' | 'close'> & NodeJS.EventEmitter): Stranger =>
  async port => {
    made.listen(port, '127.0.0.1');
    await once(made, 'listening');
    return () => made.close();
  };
const says = (words: string | Buffer): Stranger =>
  server(createServer(socket => socket.on('error', () => {}).write(words)));
const zeroMq =
  (socket: Publisher | Push): Stranger =>
  async port => {
    await socket.bind(`tcp://127.0.0.1:${port}`);
    return () => socket.close();
  };

async function tlsServer(): Promise<Stranger> {
  const folder = await mkdtemp(join(tmpdir(), 'noaa-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const how = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=x',
  ];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }).on(
    'tlsClientError',
    () => {},
  );
  await rm(folder, { recursive: true });
  return server(made);
}

/** What libzmq 3 says to one that speaks ZMTP 2.0 or newer: revision 1, type, and an identity of no length. */
const greetingOfOld = (type: number) =>
  Buffer.concat([handshake('PUB').subarray(0, 10), Buffer.of(1, type, 0, 0)]);

const tls = await tlsServer();
const { publicKey, secretKey } = curveKeyPair();
const REMEDY = 'set PLAYBACK_HOST and PLAYBACK_PORT to playback';
// Each waits for most of its time.
describe('what is at the port', { concurrency: true }, () => {
  for (const [what, stranger, told, secret] of [
    ['nothing', async () => () => {}, 'nothing listens there'],
    ['a publisher', zeroMq(new Publisher({ linger: 0 })), undefined],
    [
      'a publisher that asks for the secret',
      zeroMq(new Publisher({ linger: 0, plainServer: true })),
      undefined,
      SECRET,
    ],
    [
      'a publisher that asks for a secret',
      zeroMq(new Publisher({ linger: 0, plainServer: true })),
      'it asks for a secret; set PLAYBACK_SECRET_FILE',
    ],
    [
      'a publisher that asks for none',
      zeroMq(new Publisher({ linger: 0 })),
      'it asks for no secret, so no frames are taken from it; set PLAYBACK_SECRET_FILE there, or unset it here',
      SECRET,
    ],
    [
      'a publisher with CURVE',
      zeroMq(
        new Publisher({ linger: 0, curveServer: true, curveSecretKey: secretKey, curvePublicKey: publicKey }),
      ),
      `a ZeroMQ socket with CURVE is there, which this service does not speak; ${REMEDY}`,
    ],
    [
      'a socket that pushes',
      zeroMq(new Push({ linger: 0 })),
      `a ZeroMQ socket of type PUSH is there instead; ${REMEDY}`,
    ],
    [
      'an HTTP server',
      server(createHttpServer((_, response) => response.end())),
      `an HTTP server is there instead; ${REMEDY}`,
    ],
    [
      'an HTTP server that waits for a whole line',
      server(
        createServer(socket =>
          socket
            .on('error', () => {})
            .on('data', bytes => {
              if (bytes.includes('\n')) socket.end('HTTP/1.0 200 OK\r\n\r\n');
            }),
        ),
      ),
      `an HTTP server is there instead; ${REMEDY}`,
    ],
    [
      'an HTTP/2 server',
      server(createHttp2Server().on('sessionError', () => {})),
      `an HTTP/2 server is there instead; ${REMEDY}`,
    ],
    ['a TLS server', tls, `a TLS server is there instead; ${REMEDY}`],
    ['an SSH server', says('SSH-2.0-OpenSSH_10.0\r\n'), `an SSH server is there instead; ${REMEDY}`],
    [
      'a server of an unknown protocol',
      says('\x1b[2J220 hello\r\n'),
      `a server of another protocol is there instead; ${REMEDY}`,
    ],
    [
      'a server that says nothing',
      server(createServer(socket => socket.on('error', () => {}))),
      'it takes connections and says nothing; it may hang, or be another service',
    ],
    [
      'a server that ends connections at once',
      server(createServer(socket => socket.on('error', () => {}).destroy())),
      'it takes connections and ends them at once; look whether it is a proxy before a service that is down',
    ],
    ...(
      [
        ['in the middle of its greeting', 30],
        ['after the first bytes of its greeting', 9],
        ['in the middle of its handshake', 70],
      ] as const
    ).map(([where, bytes]): [string, Stranger, string] => [
      `a ZeroMQ socket that hangs ${where}`,
      says(handshake('PUB').subarray(0, bytes)),
      'a ZeroMQ socket is there that greets and says nothing more; it may hang',
    ]),
    ['a publisher of ZMTP 2.0', says(greetingOfOld(1)), undefined],
    [
      'a publisher of ZMTP 2.0',
      says(greetingOfOld(1)),
      'it asks for no secret, so no frames are taken from it; set PLAYBACK_SECRET_FILE there, or unset it here',
      SECRET,
    ],
    [
      'a socket of ZMTP 2.0 that pushes',
      says(greetingOfOld(8)),
      `a ZeroMQ socket of type PUSH is there instead; ${REMEDY}`,
    ],
    [
      'a ZeroMQ socket that hangs after its greeting',
      says(handshake('PUB').subarray(0, 64)),
      'a ZeroMQ socket is there that greets and says nothing more; it may hang',
    ],
  ] as [string, Stranger, string | undefined, string?][]) {
    test(`${what} is reported as what it is${secret ? ', if there is a secret' : ''}`, async () => {
      const port = await freePort();
      const close = await stranger(port);
      try {
        assert.equal(
          await inspectPeer({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT', secret }, never),
          told,
        );
      } finally {
        close();
      }
    });
  }
});

test('a name that nobody knows is reported as such', async () => {
  const endpoint = { host: 'no-such-host.invalid', port: 5555, variable: 'REDACTOR_PORT' };
  assert.equal(
    await inspectPeer(endpoint, never),
    'the name "no-such-host.invalid" is not known; set REDACTOR_HOST and REDACTOR_PORT to redactor',
  );
});

test('the secret is never sent', async () => {
  let said = Buffer.alloc(0);
  const greeting = Buffer.alloc(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3]);
  greeting.write('PLAIN', 12);
  const made = createServer(socket => {
    socket
      .on('error', () => {})
      .on('data', bytes => {
        said = Buffer.concat([said, bytes]);
        socket.write(greeting);
      });
  }).listen(0, '127.0.0.1');
  await once(made, 'listening');
  const { port } = made.address() as AddressInfo;
  await inspectPeer({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT', secret: SECRET }, never);
  made.close();
  assert.ok(said.length > 0);
  assert.ok(!said.includes(SECRET));
});
