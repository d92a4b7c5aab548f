import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { authorizationOf, basicCredentials, bearerToken } from './authorization.ts';

function requestWith(...headers: string[]): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.rawHeaders = headers.flatMap(header => ['Authorization', header]);
  return request;
}

for (const [header, token] of [
  ['Bearer abc', 'abc'],
  ['bEARER   a.b-c_d~+/=', 'a.b-c_d~+/='],
  ['Bearer', ''],
  ['Bearer a b', ''],
  ['Bearerabc', ''],
  ['Digest abc', ''],
  ['Basic abc', ''],
  [`Bearer ${'a'.repeat(2049)}`, ''],
] as const) {
  test(`"${header.slice(0, 30)}" has the token "${token}"`, () => {
    assert.equal(bearerToken(requestWith(header)), token);
  });
}

test('two headers offer nothing, even if they are the same', () => {
  assert.equal(authorizationOf(requestWith('Bearer abc', 'Bearer abc')), 'ambiguous');
  assert.equal(bearerToken(requestWith('Bearer abc', 'Bearer abc')), '');
});

test('a user and password are what is before and after the first colon', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  assert.deepEqual(basicCredentials(encoded('ann:a:b')), ['ann', 'a:b']);
  assert.deepEqual(basicCredentials(encoded('ann')), []);
  assert.deepEqual(basicCredentials(`!${encoded('ann:secret')}`), []);
});
