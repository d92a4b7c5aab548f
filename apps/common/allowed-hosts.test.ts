import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { hostCheck } from './allowed-hosts.ts';

const asks = (host: string) =>
  ({ headersDistinct: { host: [host] }, httpVersion: '1.1', url: '/' }) as unknown as IncomingMessage;

test('a name where the server listens is answered, and a wildcard there is no name', () => {
  assert.equal(hostCheck([], 'noaa-host')(asks('NOAA-host:8050')), undefined);
  assert.equal(hostCheck([], '*')(asks('evil.example'))?.status, 421);
});

test('* answers every name, and still no two of them', () => {
  const check = hostCheck(['*'], '*');
  assert.equal(check(asks('evil.example')), undefined);
  const two = { ...asks('a'), headersDistinct: { host: ['a', 'b'] } } as unknown as IncomingMessage;
  assert.equal(check(two)?.status, 400);
});

test('*.example.org is every name below it, and not itself', () => {
  const check = hostCheck(['*.example.org'], '127.0.0.1');
  assert.equal(check(asks('a.b.example.org')), undefined);
  for (const host of ['example.org', '.example.org', 'evilexample.org', 'example.org.evil.example'])
    assert.equal(check(asks(host))?.status, 421, host);
});
