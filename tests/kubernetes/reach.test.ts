import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from './manifests.ts';
import { type Peer, reaches } from './reach.ts';

const policy = (spec: Manifest, namespace = 'noaa'): Manifest => ({ metadata: { namespace }, spec });
const DENY = policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
const to = (name: string, from: Manifest[], ports?: Manifest[]) =>
  policy({
    podSelector: { matchLabels: { name } },
    policyTypes: ['Ingress'],
    ingress: [{ from, ...(ports && { ports }) }],
  });

const a: Peer = { namespace: 'noaa', labels: { name: 'a' } };
const b: Peer = { namespace: 'noaa', labels: { name: 'b' } };
const stranger: Peer = { namespace: 'other', namespaceLabels: { kind: 'ingress' }, labels: { name: 'a' } };
const fromA = [{ podSelector: { matchLabels: { name: 'a' } } }];

test('without a policy everyone reaches everything', () => {
  assert.ok(reaches([], stranger, b, 22));
  assert.ok(reaches([policy({ podSelector: {}, policyTypes: ['Ingress'] }, 'elsewhere')], a, b, 22));
});

test('both directions must allow it, for that port', () => {
  const egress = policy({
    podSelector: { matchLabels: { name: 'a' } },
    policyTypes: ['Egress'],
    egress: [{}],
  });
  const ports = [{ port: 80 }];
  assert.ok(!reaches([DENY], a, b, 80));
  assert.ok(!reaches([DENY, to('b', fromA, ports)], a, b, 80));
  assert.ok(!reaches([DENY, egress], a, b, 80));
  assert.ok(reaches([DENY, egress, to('b', fromA, ports)], a, b, 80));
  assert.ok(!reaches([DENY, egress, to('b', fromA, ports)], a, b, 81));
  assert.ok(reaches([DENY, egress, to('b', fromA, [{ port: 80, endPort: 90 }])], a, b, 81));
  assert.ok(!reaches([DENY, egress, to('b', fromA, [{ port: 80, protocol: 'UDP' }])], a, b, 80));
});

test('a selector of pods means those of the same namespace; one of namespaces, all of those', () => {
  assert.ok(!reaches([to('b', fromA)], stranger, b, 80));
  assert.ok(reaches([to('b', fromA)], a, b, 80));
  const namespaceSelector = { matchLabels: { kind: 'ingress' } };
  assert.ok(reaches([to('b', [{ namespaceSelector }])], stranger, b, 80));
  assert.ok(!reaches([to('b', [{ namespaceSelector }])], a, b, 80));
  assert.ok(reaches([to('b', [{ namespaceSelector, ...fromA[0] }])], stranger, b, 80));
  assert.ok(
    !reaches(
      [to('b', [{ namespaceSelector, podSelector: { matchLabels: { name: 'x' } } }])],
      stranger,
      b,
      80,
    ),
  );
});

test('an empty list of peers is everyone, and a policy without types is for ingress', () => {
  assert.ok(reaches([to('b', [])], stranger, b, 80));
  assert.ok(!reaches([policy({ podSelector: {} })], a, b, 80));
});

test('what is not understood is an error', () => {
  assert.throws(() => reaches([to('b', [{ ipBlock: { cidr: '0.0.0.0/0' } }])], a, b, 80), /ipBlock/);
  assert.throws(() => reaches([to('b', fromA, [{ port: 'http' }])], a, b, 80), /named port/);
  const expressions = [{ podSelector: { matchExpressions: [] } }];
  assert.throws(() => reaches([to('b', expressions)], a, b, 80), /matchExpressions/);
});
