import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { listen } from './metrics.ts';

const loopbacks = Object.values(networkInterfaces())
  .flatMap(own => own ?? [])
  .filter(({ internal, address }) => internal && ['127.0.0.1', '::1'].includes(address));

for (const { host, reached } of [
  { host: '*', reached: loopbacks.map(({ address }) => address) },
  { host: '127.0.0.1', reached: ['127.0.0.1'] },
]) {
  test(`a server on ${host} is reached on ${reached.join(' and ')} and nowhere else, until it is aborted`, async () => {
    const ended = new AbortController();
    const server = createServer();
    const { port } = await listen(server, { host, port: 0, variable: 'METRICS_PORT' }, ended.signal);
    for (const { address } of loopbacks) {
      const socket = connect(port, address);
      const outcome = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      assert.equal(outcome, reached.includes(address), address);
      socket.destroy();
    }
    ended.abort();
    await once(server, 'close');
  });
}
