import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { Push, Reply } from 'zeromq';
import { freePorts, until } from '../../tests/support/services.ts';
import { publish, subscribe } from './bus.ts';

/** Subscribes to a port that `first` has, lets a publisher take it over, and waits for a frame of its. */
async function heardAfter(first: (port: number) => Promise<() => Promise<void> | void>): Promise<string> {
  const [port = 0] = await freePorts(1);
  const endpoint = { host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' };
  const ended = new AbortController();
  try {
    const leave = await first(port);
    const source = subscribe(endpoint, ended.signal);
    await new Promise(resolve => setTimeout(resolve, 300));
    await leave();
    // A socket that has closed lets go of its port a little later.
    const sink = await until(() => publish(endpoint, ended.signal).catch(() => undefined), 'the port');
    const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 50);
    const tooLate = setTimeout(() => ended.abort(), 8000);
    try {
      for await (const message of source) return message.toString();
      return 'nothing within 8 s';
    } finally {
      clearInterval(sending);
      clearTimeout(tooLate);
    }
  } finally {
    ended.abort();
  }
}

/** A server that is no ZeroMQ: it says `greeting` to whoever comes. */
async function stranger(port: number, greeting: Buffer | string) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    socket.write(greeting);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  assert.equal((server.address() as AddressInfo).port, port);
  return async () => {
    for (const socket of sockets) socket.destroy();
    await once(server.close(), 'close');
  };
}

const other = async (socket: Push | Reply, port: number) => {
  await socket.bind(`tcp://127.0.0.1:${port}`);
  return async () => {
    await socket.unbind(`tcp://127.0.0.1:${port}`);
    socket.close();
  };
};

for (const [who, first] of Object.entries({
  nobody: async () => () => {},
  'a socket that pushes': (port: number) => other(new Push({ linger: 0 }), port),
  'a socket that replies': (port: number) => other(new Reply({ linger: 0 }), port),
  'a server of HTTP/2': (port: number) => stranger(port, Buffer.of(0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0)),
  'a server of another protocol': (port: number) => stranger(port, 'SSH-2.0-OpenSSH_10.0\r\n'),
  'a server that says nothing': (port: number) => stranger(port, ''),
})) {
  test(`a publisher is heard on a port that ${who} had before`, async () => {
    assert.equal(await heardAfter(first), 'a frame');
  });
}

const hasIpv6 = Object.values(networkInterfaces()).some(own => own?.some(({ address }) => address === '::1'));

test('a publisher on an IPv6 address is heard', {
  skip: !hasIpv6 && 'this machine has no IPv6',
}, async () => {
  const [port = 0] = await freePorts(1);
  const endpoint = { host: '[::1]', port, variable: 'PLAYBACK_PORT' };
  const ended = new AbortController();
  const sink = await publish(endpoint, ended.signal);
  const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 50);
  const tooLate = setTimeout(() => ended.abort(), 8000);
  let heard = '';
  for await (const message of subscribe(endpoint, ended.signal)) {
    heard = message.toString();
    break;
  }
  clearInterval(sending);
  clearTimeout(tooLate);
  ended.abort();
  assert.equal(heard, 'a frame');
});
