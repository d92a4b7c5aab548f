import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, Throttle } from './throttle.ts';

const failTimes = (throttle: Throttle, times: number, address = '192.0.2.1', user = 'anna', nowMs = 0) => {
  for (let i = 0; i < times; i += 1) throttle.failed(address, user, nowMs);
};

test('a few mistakes cost nothing; then each doubles the wait, up to a limit', () => {
  const throttle = new Throttle();
  failTimes(throttle, 4);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 0), 0);
  failTimes(throttle, 1);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 0), 1000);
  failTimes(throttle, 2);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 0), 4000);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 4000), 0);
  failTimes(throttle, 1000);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 0), 300_000);
});

test('an address waits whichever user it tries, and a user whichever address tries', () => {
  const throttle = new Throttle();
  for (let i = 0; i < 50; i += 1) throttle.failed('192.0.2.1', `user${i}`, 0);
  assert.ok(throttle.waitMs('192.0.2.1', 'somebody', 0) > 0);
  assert.equal(throttle.waitMs('192.0.2.2', 'somebody', 0), 0);
  for (let i = 0; i < 50; i += 1) throttle.failed(`198.51.100.${i}`, 'anna', 0);
  assert.equal(throttle.waitMs('192.0.2.3', 'anna', 0), 30_000);
});

test('strangers who guess do not keep a user out of an address that the user logs in from', () => {
  const throttle = new Throttle();
  throttle.succeeded('192.0.2.9', 'anna');
  for (let i = 0; i < 50; i += 1) throttle.failed(`198.51.100.${i}`, 'anna', 0);
  assert.equal(throttle.waitMs('192.0.2.9', 'anna', 0), 0);
});

test('a login forgives the mistakes of its user, and not what the same address has tried with others', () => {
  const throttle = new Throttle();
  failTimes(throttle, 4);
  throttle.succeeded('192.0.2.1', 'anna');
  failTimes(throttle, 4);
  assert.equal(throttle.waitMs('192.0.2.1', 'anna', 0), 0);
  throttle.succeeded('192.0.2.1', 'anna');
  for (let i = 0; i < 8; i += 1) {
    throttle.failed('192.0.2.1', `victim${i}`, 0);
    throttle.succeeded('192.0.2.1', 'mallory');
  }
  assert.equal(throttle.waitMs('192.0.2.1', 'victim9', 0), 8000);
});

test('a network of IPv6 is one address', () => {
  assert.equal(addressKey('2001:db8::1'), addressKey('2001:db8:0:0:ffff::2'));
  assert.notEqual(addressKey('2001:db8::1'), addressKey('2001:db8:0:1::1'));
  assert.equal(addressKey('fe80::1%eth0'), addressKey('fe80::2'));
  assert.equal(addressKey('192.0.2.1'), '192.0.2.1');
});

test('100,000 addresses and users leave nothing behind but the newest few thousand', () => {
  const throttle = new Throttle();
  for (let i = 0; i < 100_000; i += 1) {
    throttle.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, `user${i}`);
    throttle.succeeded(`11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, `friend${i}`);
  }
  assert.ok(throttle.size <= 3 * 4096, `${throttle.size} entries`);
});
