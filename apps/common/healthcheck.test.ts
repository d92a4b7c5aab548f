import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { checkHealth } from './healthcheck.ts';

async function serving(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/livez`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

test('a service that answers 200 is healthy', async () => {
  await using service = await serving((_, response) => response.end('fine\n'));
  assert.equal(await checkHealth(service.url), undefined);
});

test('a service that answers 503 is not, and its own words are passed on', async () => {
  await using service = await serving((_, response) => response.writeHead(503).end('no frames for 3.0 s\n'));
  assert.equal(await checkHealth(service.url), `${service.url} answered 503: no frames for 3.0 s`);
});

test('a service that accepts and never answers is told from one that is gone', async () => {
  await using service = await serving(() => undefined);
  assert.equal(await checkHealth(service.url, 50), `${service.url} did not answer within 50 ms`);
});

test('a service that is gone is named with the reason', async () => {
  const service = await serving(() => undefined);
  await service[Symbol.asyncDispose]();
  assert.match((await checkHealth(service.url)) ?? '', /cannot be reached: .*ECONNREFUSED/);
});
