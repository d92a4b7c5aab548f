import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Who } from './access/who.ts';
import { placeFor } from './places.ts';

const limits = { max: 4, perAddress: 10, perUser: 10 };
const from = (address: string, user?: string) => {
  const who: Who = { address, by: 'nobody asks', isValid: () => true, ...(user && { user }) };
  return { who };
};

test('while there are places, one address may have them all', () => {
  const viewers = [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.1')];
  assert.equal(placeFor(from('192.0.2.1').who, viewers, limits), undefined);
});

test('of an address that has every place the newest viewer makes room for another address', () => {
  const viewers = Array.from({ length: 4 }, () => from('192.0.2.1'));
  assert.equal(placeFor(from('192.0.2.2').who, viewers, limits), viewers[3]);
  assert.equal(placeFor(from('192.0.2.1').who, viewers, limits), 'full');
});

test('no more is taken from it than its share', () => {
  const viewers = [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2'), from('192.0.2.2')];
  assert.equal(placeFor(from('192.0.2.2').who, viewers, limits), 'full');
  assert.equal(placeFor(from('192.0.2.3').who, viewers, limits), viewers[1]);
  const four = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(address => from(address));
  assert.equal(placeFor(from('192.0.2.5').who, four, limits), 'full');
});

test('a user counts as one from wherever it comes, and a network of IPv6 as one address', () => {
  const user = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(address => from(address, 'anna'));
  assert.equal(placeFor(from('192.0.2.1', 'ben').who, user, limits), user[3]);
  const network = [1, 2, 3, 4].map(n => from(`2001:db8:1:2::${n}`));
  assert.equal(placeFor(from('2001:db8:1:2:3::9').who, network, limits), 'full');
  assert.equal(placeFor(from('2001:db8:1:3::9').who, network, limits), network[3]);
});

test('a limit for an address or a user is kept even while there are places', () => {
  const viewers = [from('192.0.2.1', 'anna'), from('192.0.2.1', 'ben')];
  assert.equal(placeFor(from('192.0.2.1').who, viewers, { ...limits, perAddress: 2 }), 'address');
  assert.equal(placeFor(from('192.0.2.2', 'anna').who, viewers, { ...limits, perUser: 1 }), 'user');
  assert.equal(placeFor(from('192.0.2.2', 'carl').who, viewers, { ...limits, perUser: 1 }), undefined);
});
