/** `npm run test:kubernetes`: what kubectl makes of every overlay. It needs kubectl, which Debian has from 13 on, and no cluster. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SETTING_NAMES } from '../apps/common/setting-names.ts';
import { readMask } from '../apps/redactor/mask-file.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds
type Manifest = any;

const folder = fileURLToPath(new URL('../kubernetes/', import.meta.url));
const KINDS = ['base', 'overlays/relays', 'overlays/autoscaling', 'overlays/ingress', 'overlays/gateway'];

/** Returns the objects of an overlay. kubectl itself turns its YAML into JSON, one object after the other. */
function render(path: string): Manifest[] {
  const yaml = execFileSync('kubectl', ['kustomize', `${folder}${path}`]);
  const args = ['annotate', '--local', '-f', '-', 'checked=yes', '-o', 'json'];
  const text = execFileSync('kubectl', args, { input: yaml, encoding: 'utf8' });
  return JSON.parse(`[${text.trim().replaceAll(/^\}\n\{/gm, '},{')}]`);
}

const podsOf = (objects: Manifest[]) =>
  objects.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec.template);

/** Returns what the Pod Security Standard "restricted" forbids of a pod. https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
function forbidden({ spec }: Manifest): string[] {
  const faults: string[] = [];
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[name]) faults.push(name);
  const allowed = [
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ];
  for (const { name, ...kind } of spec.volumes ?? [])
    if (!Object.keys(kind).every(each => allowed.includes(each))) faults.push(`volume ${name}`);
  const pod = spec.securityContext ?? {};
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const own = container.securityContext ?? {};
    if ((own.runAsNonRoot ?? pod.runAsNonRoot) !== true) faults.push('runAsNonRoot');
    if ((own.runAsUser ?? pod.runAsUser) === 0) faults.push('runAsUser');
    if (own.privileged) faults.push('privileged');
    if (own.allowPrivilegeEscalation !== false) faults.push('allowPrivilegeEscalation');
    if (!own.capabilities?.drop?.includes('ALL')) faults.push('capabilities');
    if ((own.capabilities?.add ?? []).some((each: string) => each !== 'NET_BIND_SERVICE'))
      faults.push('capabilities');
    if (!['RuntimeDefault', 'Localhost'].includes((own.seccompProfile ?? pod.seccompProfile)?.type))
      faults.push('seccomp');
    if (container.ports?.some(({ hostPort }: Manifest) => hostPort)) faults.push('hostPort');
  }
  return faults;
}

describe('the check of "restricted" finds', () => {
  const change: Record<string, (pod: Manifest) => void> = {
    hostNetwork: ({ spec }) => Object.assign(spec, { hostNetwork: true }),
    'volume raw': ({ spec }) => Object.assign(spec, { volumes: [{ name: 'raw', hostPath: { path: '/' } }] }),
    runAsNonRoot: ({ spec }) => delete spec.securityContext.runAsNonRoot,
    runAsUser: ({ spec }) => Object.assign(spec.securityContext, { runAsUser: 0 }),
    privileged: ({ spec }) => Object.assign(spec.containers[0].securityContext, { privileged: true }),
    allowPrivilegeEscalation: ({ spec }) =>
      delete spec.containers[0].securityContext.allowPrivilegeEscalation,
    capabilities: ({ spec }) =>
      Object.assign(spec.containers[0].securityContext.capabilities, { add: ['NET_ADMIN'] }),
    seccomp: ({ spec }) => delete spec.securityContext.seccompProfile,
    hostPort: ({ spec }) => Object.assign(spec.containers[0], { ports: [{ hostPort: 80 }] }),
  };
  const [good] = podsOf(render('base'));
  for (const [fault, harm] of Object.entries(change)) {
    test(fault, () => {
      const pod = structuredClone(good);
      assert.deepEqual(forbidden(pod), []);
      harm(pod);
      assert.ok(forbidden(pod).includes(fault));
    });
  }
});

for (const path of KINDS) {
  describe(path, () => {
    const objects = render(path);
    test('keeps to "restricted", with a read-only root, no token, limits and probes', () => {
      for (const pod of podsOf(objects)) {
        assert.deepEqual(forbidden(pod), []);
        assert.equal(pod.spec.automountServiceAccountToken, false);
        for (const { securityContext, resources, livenessProbe } of pod.spec.containers) {
          assert.equal(securityContext.readOnlyRootFilesystem, true);
          assert.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory);
          assert.equal(livenessProbe.httpGet.path, '/livez');
        }
      }
    });
    test('sets only what is a setting, and binds frames to the loopback', () => {
      for (const pod of podsOf(objects)) {
        for (const { name: container, env } of pod.spec.containers) {
          const value = (name: string) => env.find((each: Manifest) => each.name === name)?.value;
          for (const { name } of env) assert.ok(SETTING_NAMES.includes(name), name);
          if (container === 'playback') assert.equal(value('PLAYBACK_HOST'), '127.0.0.1');
          if (container === 'redactor') assert.equal(value('REDACTOR_HOST'), '127.0.0.1');
        }
      }
    });
    test('has a mask that the redactor takes, whose change restarts it', () => {
      const mask = objects.find(
        ({ kind, metadata }) => kind === 'ConfigMap' && /^noaa-mask-\w+$/.test(metadata.name),
      );
      const reading = readMask(mask.data['mask.json']);
      assert.ok(reading.ok, JSON.stringify(reading));
      const [origin] = podsOf(objects).filter(
        ({ metadata }) => metadata.labels['app.kubernetes.io/name'] === 'noaa-origin',
      );
      assert.ok(
        origin.spec.volumes.some(({ configMap }: Manifest) => configMap?.name === mask.metadata.name),
      );
    });
  });
}

/** Whether these policies let one pod reach a port of another. Both directions must allow it (NetworkPolicy, networking.k8s.io/v1). */
function reaches(policies: Manifest[], from: Manifest, to: Manifest, port: number): boolean {
  const fits = (selector: Manifest, labels: Manifest) =>
    Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
  const allows = (pod: Manifest, other: Manifest, direction: 'Ingress' | 'Egress') => {
    const own = policies.filter(
      ({ spec }) =>
        pod.namespace === 'noaa' &&
        spec.policyTypes.includes(direction) &&
        fits(spec.podSelector, pod.labels),
    );
    const [rules, side] =
      direction === 'Ingress' ? (['ingress', 'from'] as const) : (['egress', 'to'] as const);
    return (
      own.length === 0 ||
      own.some(({ spec }) =>
        (spec[rules] ?? []).some(
          (rule: Manifest) =>
            (!rule.ports || rule.ports.some((each: Manifest) => each.port === port)) &&
            (rule[side] ?? [{}]).some(
              ({ podSelector, namespaceSelector }: Manifest) =>
                (namespaceSelector
                  ? fits(namespaceSelector, other.namespaceLabels)
                  : other.namespace === 'noaa') && fits(podSelector, other.labels),
            ),
        ),
      )
    );
  };
  return allows(to, from, 'Ingress') && allows(from, to, 'Egress');
}

test('only relays reach the origin, only the ingress reaches relays, and nobody reaches raw frames', () => {
  const policies = render('overlays/relays').filter(({ kind }) => kind === 'NetworkPolicy');
  const pod = (name: string, namespace = 'noaa', namespaceLabels = {}) => ({
    namespace,
    namespaceLabels,
    labels: { 'app.kubernetes.io/name': name },
  });
  const pods: Record<string, Manifest> = {
    origin: pod('noaa-origin'),
    relay: pod('noaa-relay'),
    neighbour: pod('other'),
    ingress: pod('ingress', 'ingress', { 'noaa-ingress': 'true' }),
    stranger: pod('noaa-relay', 'elsewhere'),
  };
  const table: string[] = [];
  for (const [from, one] of Object.entries(pods))
    for (const [to, other] of Object.entries(pods))
      for (const port of [5555, 5556, 8050, 9101])
        if (from !== to && other.namespace === 'noaa' && reaches(policies, one, other, port))
          table.push(`${from} → ${to}:${port}`);
  assert.deepEqual(table, ['relay → origin:8050', 'ingress → relay:8050']);
  // The table would show what is open.
  assert.ok(reaches([], pods['stranger'], pods['origin'], 5555));
});

test('docs/scale.md names every overlay', () => {
  const page = readFileSync(fileURLToPath(new URL('../docs/scale.md', import.meta.url)), 'utf8');
  for (const path of KINDS) assert.ok(page.includes(`kubernetes/${path}`), path);
});
