/**
 * The manifests against the schemas of the oldest and the newest release; part of `npm run test:kubernetes`.
 *
 * KUBERNETES_SCHEMAS=FOLDER:FOLDER checks them against published schemas as well.
 */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { ALL, find, type Manifest, render } from './manifests.ts';
import { type Check, KUBERNETES, publishedCheck, releaseCheck } from './releases.ts';

const objectsOf = new Map(ALL.map(path => [path, render(path)]));
const published = (process.env['KUBERNETES_SCHEMAS'] ?? '').split(':').filter(folder => folder !== '');

interface Checked {
  name: string;
  check: Check;
  custom: boolean;
}
const RELEASES: Checked[] = [
  ...Object.keys(KUBERNETES).map(release => ({
    name: `Kubernetes ${release}`,
    check: releaseCheck(release),
    custom: true,
  })),
  ...published.map(folder => ({ name: basename(folder), check: publishedCheck(folder), custom: false })),
];

const faultsIn = (check: Check, objects: Manifest[]) =>
  objects.flatMap(object => check(object).map(fault => `${object.kind} ${object.metadata.name}: ${fault}`));

/** What makes a good object of a folder bad, and the fault that must be found. */
const BAD: [path: string, kind: string, name: string, harm: (object: Manifest) => void, fault: RegExp][] = [
  [
    'base',
    'Deployment',
    'noaa-origin',
    ({ spec }) =>
      Object.assign(spec.template.spec.containers[0].securityContext, { readOnlyRootFileSystem: true }),
    /^\/spec\/template\/spec\/containers\/0\/securityContext .*readOnlyRootFileSystem$/,
  ],
  [
    'base',
    'Deployment',
    'noaa-origin',
    ({ spec }) => Object.assign(spec, { replicas: '1' }),
    /^\/spec\/replicas /,
  ],
  [
    'base',
    'Deployment',
    'noaa-origin',
    ({ spec }) => delete spec.template.spec.containers[0].name,
    /containers\/0 .*'name'/,
  ],
  [
    'base',
    'Service',
    'noaa-origin',
    ({ spec }) => Object.assign(spec, { ports: [{}] }),
    /\/ports\/0 .*'port'/,
  ],
  ['base', 'ConfigMap', 'noaa-mask', object => Object.assign(object.data, { n: 1 }), /^\/data\/n /],
  [
    'base',
    'NetworkPolicy',
    'default-deny',
    ({ spec }) => Object.assign(spec, { policyType: 'Ingress' }),
    /policyType$/,
  ],
  [
    'overlays/relays',
    'PodDisruptionBudget',
    'noaa-relay',
    ({ spec }) => Object.assign(spec, { minUnavailable: 1 }),
    /minUnavailable$/,
  ],
  [
    'overlays/ingress',
    'Ingress',
    'noaa',
    object => Object.assign(object, { apiVersion: 'extensions/v1beta1' }),
    /^there is no extensions\/v1beta1 Ingress$/,
  ],
  [
    'overlays/autoscaling',
    'HorizontalPodAutoscaler',
    'noaa-relay',
    ({ spec }) => delete spec.metrics[0].pods.target.type,
    /\/target .*'type'/,
  ],
];
const BAD_CUSTOM: typeof BAD = [
  [
    'overlays/keda',
    'ScaledObject',
    'noaa-relay',
    ({ spec }) => Object.assign(spec, { minReplicas: 2 }),
    /minReplicas$/,
  ],
  ['overlays/keda', 'ScaledObject', 'noaa-relay', ({ spec }) => delete spec.triggers, /'triggers'/],
  [
    'overlays/gateway',
    'HTTPRoute',
    'noaa',
    ({ spec }) => Object.assign(spec.rules[0].matches[0].path, { type: 'Prefix' }),
    /path\/type /,
  ],
  [
    'overlays/gateway',
    'HTTPRoute',
    'noaa',
    object => Object.assign(object, { apiVersion: 'gateway.networking.k8s.io/v2' }),
    /^there is no/,
  ],
];

for (const { name, check, custom } of RELEASES) {
  describe(name, () => {
    for (const [path, objects] of objectsOf) {
      test(`takes ${path}`, () => {
        assert.deepEqual(faultsIn(check, objects), []);
      });
    }
    for (const [path, kind, object, harm, fault] of custom ? [...BAD, ...BAD_CUSTOM] : BAD) {
      test(`does not take ${kind} ${object} with ${fault}`, () => {
        const bad = structuredClone(find(objectsOf.get(path)!, kind, object));
        harm(bad);
        const faults = check(bad);
        assert.equal(faults.length, 1, JSON.stringify(faults));
        assert.match(faults[0] ?? '', fault);
      });
    }
  });
}

test('a field that only the newer release has is a fault for the older one', () => {
  const [oldest, newest] = RELEASES;
  const origin = structuredClone(find(objectsOf.get('base')!, 'Deployment', 'noaa-origin'));
  origin.spec.template.spec.schedulingGroup = {};
  assert.match(oldest!.check(origin).join(), /schedulingGroup$/);
  assert.deepEqual(newest!.check(origin), []);
});
