import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from './manifests.ts';
import { forbidden } from './restricted.ts';

const good = (): Manifest => ({
  spec: {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'a',
        ports: [{ containerPort: 8050 }],
        livenessProbe: { httpGet: { path: '/livez', port: 8050 } },
        securityContext: {
          runAsUser: 10001,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
        },
      },
    ],
    volumes: [{ name: 'mask', configMap: { name: 'mask' } }],
  },
});

/** Each with what must be found of it, and of nothing else. */
const BAD: [fault: string, harm: (spec: Manifest, first: Manifest) => void][] = [
  ['hostNetwork', spec => Object.assign(spec, { hostNetwork: true })],
  ['hostPID', spec => Object.assign(spec, { hostPID: true })],
  ['hostIPC', spec => Object.assign(spec, { hostIPC: true })],
  ['volume raw', spec => spec.volumes.push({ name: 'raw', hostPath: { path: '/' } })],
  [
    'sysctl kernel.msgmax',
    spec => Object.assign(spec.securityContext, { sysctls: [{ name: 'kernel.msgmax' }] }),
  ],
  ['hostProcess', spec => Object.assign(spec.securityContext, { windowsOptions: { hostProcess: true } })],
  ['seLinuxOptions', spec => Object.assign(spec.securityContext, { seLinuxOptions: { type: 'spc_t' } })],
  [
    'appArmor',
    (_, { securityContext }) => Object.assign(securityContext, { appArmorProfile: { type: 'Unconfined' } }),
  ],
  ['seccomp', spec => delete spec.securityContext.seccompProfile],
  [
    'seccomp',
    (_, { securityContext }) => Object.assign(securityContext, { seccompProfile: { type: 'Unconfined' } }),
  ],
  ['runAsNonRoot', spec => delete spec.securityContext.runAsNonRoot],
  ['runAsNonRoot', (_, { securityContext }) => Object.assign(securityContext, { runAsNonRoot: false })],
  ['runAsUser', (_, { securityContext }) => Object.assign(securityContext, { runAsUser: 0 })],
  ['runAsUser', spec => Object.assign(spec.securityContext, { runAsUser: 0 })],
  ['privileged', (_, { securityContext }) => Object.assign(securityContext, { privileged: true })],
  ['allowPrivilegeEscalation', (_, { securityContext }) => delete securityContext.allowPrivilegeEscalation],
  ['procMount', (_, { securityContext }) => Object.assign(securityContext, { procMount: 'Unmasked' })],
  ['capabilities', (_, { securityContext }) => delete securityContext.capabilities.drop],
  ['capabilities', (_, { securityContext }) => securityContext.capabilities.add.push('NET_ADMIN')],
  ['hostPort', (_, first) => Object.assign(first.ports[0], { hostPort: 80 })],
  ['host of a probe', (_, first) => Object.assign(first.livenessProbe.httpGet, { host: '10.0.0.1' })],
];

test('a pod that keeps to "restricted" has no fault', () => {
  assert.deepEqual(forbidden(good()), []);
});

for (const [fault, harm] of BAD) {
  test(`the check of "restricted" finds ${fault}: ${harm}`, () => {
    const pod = good();
    harm(pod.spec, pod.spec.containers[0]);
    assert.deepEqual(forbidden(pod), [fault]);
  });
}

test('a fault of an init container counts, too', () => {
  const pod = good();
  const [first] = pod.spec.containers;
  pod.spec.initContainers = [{ ...first, securityContext: { ...first.securityContext, privileged: true } }];
  assert.deepEqual(forbidden(pod), ['privileged']);
});
