/** `npm run test:kubernetes`: what kubectl makes of every folder. tests/kubernetes/manifests.ts says what it needs. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SETTING_NAMES } from '../apps/common/setting-names.ts';
import { readMask } from '../apps/redactor/mask-file.ts';
import {
  ALL,
  FOLDER,
  find,
  type Manifest,
  OVERLAYS,
  podsOf,
  render,
  SINGLE_HOST,
} from './kubernetes/manifests.ts';
import { type Peer, reaches } from './kubernetes/reach.ts';
import { forbidden } from './kubernetes/restricted.ts';
import { originNeeds, quantity, unitLimit } from './kubernetes/sizing.ts';
import { temporaryFolder } from './support/clips.ts';

const objectsOf = new Map(ALL.map(path => [path, render(path)]));
const get = (path: string) => objectsOf.get(path)!;
const nameOf = ({ metadata }: Manifest): string => metadata.labels['app.kubernetes.io/name'];
const containersOf = (pods: Manifest[]): Manifest[] => pods.flatMap(({ spec }) => spec.containers);
const value = ({ env }: Manifest, name: string) => env.find((each: Manifest) => each.name === name)?.value;
const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
const MB_PER_RELAY = 60;
const MOST_RELAYS = 20;

for (const [path, objects] of objectsOf) {
  describe(path, () => {
    const pods = podsOf(objects);
    test('keeps to "restricted", with a read-only root and no token', () => {
      for (const pod of pods) {
        // Only podman publishes a port of its host.
        assert.deepEqual(forbidden(pod), path === SINGLE_HOST ? ['hostPort'] : []);
        assert.equal(pod.spec.automountServiceAccountToken, false);
        for (const { securityContext } of pod.spec.containers)
          assert.equal(securityContext.readOnlyRootFilesystem, true);
      }
      const { labels } = find(objects, 'Namespace', 'noaa').metadata;
      assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted');
    });
    test('gives each service the user of its image', () => {
      for (const { name, securityContext } of containersOf(pods)) {
        if (securityContext.runAsUser === undefined) continue;
        const file = readFileSync(join(FOLDER, `../Containerfile.${name}`), 'utf8');
        assert.ok(file.includes(`\nUSER ${securityContext.runAsUser}:${securityContext.runAsGroup}\n`), name);
      }
    });
    test('sets only what is a setting, and binds frames to the loopback', () => {
      for (const container of containersOf(pods)) {
        for (const { name } of container.env) assert.ok(SETTING_NAMES.includes(name), name);
        if (container.name === 'playback') assert.equal(value(container, 'PLAYBACK_HOST'), '127.0.0.1');
        if (container.name === 'redactor') assert.equal(value(container, 'REDACTOR_HOST'), '127.0.0.1');
      }
    });
    test('takes secrets only from a Secret, and each service only its own', () => {
      const keys: Record<string, string[]> = {};
      for (const pod of pods) {
        for (const { name, volumeMounts = [] } of pod.spec.containers) {
          keys[`${nameOf(pod)} ${name}`] = (pod.spec.volumes ?? [])
            .filter((volume: Manifest) => volume.secret && isMounted(volumeMounts, volume))
            .map(({ secret }: Manifest) => secret.secretName);
        }
      }
      assert.deepEqual(keys, {
        'noaa-origin playback': ['noaa-playback'],
        'noaa-origin redactor': ['noaa-playback', 'noaa-redactor'],
        'noaa-origin visualizer': ['noaa-redactor'],
        ...(pods.length > 1 && { 'noaa-relay visualizer': [] }),
      });
      for (const { kind } of objects) assert.notEqual(kind, 'Secret');
      for (const container of containersOf(pods)) {
        for (const { name, value: path } of container.env.filter((each: Manifest) =>
          /_SECRET_FILE$/.test(each.name),
        )) {
          const folder = container.volumeMounts.find(({ mountPath }: Manifest) =>
            path.startsWith(`${mountPath}/`),
          );
          assert.equal(folder?.name, `${name.split('_')[0].toLowerCase()}-secret`, path);
        }
      }
    });
    test('has a mask that the redactor takes, in a folder whose changes reach it while it runs', () => {
      const { data } = find(objects, 'ConfigMap', 'noaa-mask');
      const reading = readMask(data['mask.json']);
      assert.ok(reading.ok, JSON.stringify(reading));
      const origin = pods.find(pod => nameOf(pod) === 'noaa-origin');
      const redactor = origin.spec.containers.find(({ name }: Manifest) => name === 'redactor');
      const volume = origin.spec.volumes.find(({ configMap }: Manifest) => configMap?.name === 'noaa-mask');
      const mount = redactor.volumeMounts.find(({ name }: Manifest) => name === volume.name);
      assert.equal(value(redactor, 'MASK_FILE'), join(mount.mountPath, 'mask.json'));
      // Kubernetes never updates what is mounted with subPath.
      for (const { volumeMounts = [] } of containersOf(pods))
        for (const each of volumeMounts) assert.ok(!each.subPath && !each.subPathExpr, each.name);
    });
    test('restarts what reads a setting that changes', () => {
      for (const { envFrom } of containersOf(pods)) {
        assert.match(envFrom[0].configMapRef.name, /^noaa-settings-\w{10}$/);
        assert.ok(find(objects, 'ConfigMap', envFrom[0].configMapRef.name));
      }
    });
    test('asks for what the formula gives, and limits memory as the pod does', () => {
      const needs = originNeeds({
        framesPerSecond: 30,
        mpixelPerFrame: 2.07,
        mbPerSecond: MOST_RELAYS * 30 * 0.3,
      });
      const origin = containersOf(pods.filter(pod => nameOf(pod) === 'noaa-origin'));
      const asked = (what: string) => sum(origin.map(({ resources }) => quantity(resources.requests[what])));
      // podman would limit memory to what is asked for.
      if (path === SINGLE_HOST)
        for (const { resources } of origin) assert.equal(resources.requests, undefined);
      else {
        // The loop, and a second decoder while a clip starts over.
        assertFits(asked('memory'), needs.bytes + 256e6 + 80e6, 'memory of the origin');
        assertFits(1000 * asked('cpu'), needs.millicores, 'CPU of the origin');
      }
      for (const { name, resources } of containersOf(pods)) {
        assert.equal(quantity(resources.limits.memory), unitLimit(name), name);
        // A limit of CPU would stop a service in the middle of a frame.
        assert.equal(resources.limits.cpu, undefined);
      }
    });
  });
}

function isMounted(mounts: Manifest[], volume: Manifest): boolean {
  return mounts.some(({ name, readOnly }) => name === volume.name && readOnly === true);
}

/** At least what is needed, and at most twice that. */
function assertFits(given: number, needed: number, what: string): void {
  assert.ok(given >= needed && given <= 2 * needed, `${what}: ${given}, and ${needed} is needed`);
}

for (const path of OVERLAYS) {
  describe(path, () => {
    const objects = get(path);
    const relay = find(objects, 'Deployment', 'noaa-relay');
    const [container] = relay.spec.template.spec.containers;

    test('probes /livez and /readyz', () => {
      for (const { name, livenessProbe, startupProbe, readinessProbe } of containersOf(podsOf(objects))) {
        assert.equal(livenessProbe.httpGet.path, '/livez');
        assert.equal(startupProbe.httpGet.path, '/livez');
        // A pod is in its Service while its visualizer is ready.
        assert.equal(readinessProbe?.httpGet.path, name === 'visualizer' ? '/readyz' : undefined);
      }
    });
    test('takes the clip from a volume, which it only reads', () => {
      const { spec } = find(objects, 'Deployment', 'noaa-origin').spec.template;
      const playback = spec.containers.find(({ name }: Manifest) => name === 'playback');
      const mount = playback.volumeMounts.find(({ name }: Manifest) => name === 'clips');
      assert.ok(value(playback, 'DATA_FILE').startsWith(`${mount.mountPath}/`) && mount.readOnly);
      const { persistentVolumeClaim } = spec.volumes.find(({ name }: Manifest) => name === 'clips');
      assert.ok(find(objects, 'PersistentVolumeClaim', persistentVolumeClaim.claimName));
    });
    test('gives a relay the time to drain, and takes it out of the Service before', () => {
      const { terminationGracePeriodSeconds } = relay.spec.template.spec;
      const before = container.lifecycle.preStop.sleep.seconds;
      assert.ok(before >= 5);
      assert.ok(terminationGracePeriodSeconds >= before + Number(value(container, 'DRAIN_SECONDS')) + 5);
    });
    test('asks for what a relay needs', () => {
      // 5 % of a core and 0.03 % a MB/s; a visualizer and the history that LOOP_MB allows by default.
      assertFits(1000 * quantity(container.resources.requests.cpu), 50 + 0.3 * MB_PER_RELAY, 'CPU');
      assertFits(quantity(container.resources.requests.memory), 92e6 + 256e6, 'memory');
    });
    test('spreads relays over hosts, and keeps all but one in a disruption or an update', () => {
      const [spread] = relay.spec.template.spec.topologySpreadConstraints;
      assert.equal(spread.topologyKey, 'kubernetes.io/hostname');
      assert.deepEqual(spread.labelSelector, relay.spec.selector);
      const { spec } = find(objects, 'PodDisruptionBudget', 'noaa-relay');
      assert.deepEqual([spec.maxUnavailable, spec.selector], [1, relay.spec.selector]);
      assert.equal(relay.spec.strategy.rollingUpdate.maxUnavailable, 0);
    });
    test('lets relays watch an origin that is not ready, which says why', () => {
      const service = find(objects, 'Service', 'noaa-origin');
      assert.equal(service.spec.publishNotReadyAddresses, true);
      const source = new URL(value(container, 'SOURCE_URL'));
      assert.deepEqual(
        [source.hostname, source.port],
        [service.metadata.name, `${service.spec.ports[0].port}`],
      );
      const origin = find(objects, 'Deployment', 'noaa-origin').spec.template.spec.containers;
      assert.ok(value(origin[2], 'ALLOWED_HOSTS').split(' ').includes(source.hostname));
    });
    test('lets only relays reach the origin, only the ingress reach relays, and nobody reach raw frames', () => {
      const pods: Record<string, Peer> = {
        origin: peer('noaa-origin'),
        relay: peer('noaa-relay'),
        neighbour: peer('other'),
        ingress: peer('ingress', 'ingress', { 'noaa-ingress': 'true' }),
        monitoring: peer('prometheus', 'monitoring', { 'noaa-monitoring': 'true' }),
        stranger: peer('noaa-relay', 'elsewhere'),
        dns: { ...peer('dns', 'kube-system'), labels: { 'k8s-app': 'kube-dns' } },
        system: peer('other', 'kube-system'),
      };
      const scraped = ['overlays/autoscaling', 'overlays/keda'].includes(path);
      assert.deepEqual(tableOf(objects, pods), [
        'relay → origin:8050',
        'relay → dns:53',
        'ingress → relay:8050',
        ...(scraped ? ['monitoring → relay:8050'] : []),
      ]);
      // The table shows what is open.
      assert.ok(tableOf([], pods).includes('stranger → origin:5555'));
    });
  });
}

const peer = (name: string, namespace = 'noaa', namespaceLabels = {}): Peer => ({
  namespace,
  namespaceLabels,
  labels: { 'app.kubernetes.io/name': name },
});

/** Returns who reaches which port of whom, to or from the namespace. */
function tableOf(objects: Manifest[], pods: Record<string, Peer>): string[] {
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  const ports = [22, 53, 443, 5555, 5556, 8050, 9101, 9102];
  return Object.entries(pods).flatMap(([from, one]) =>
    Object.entries(pods)
      .filter(([to, other]) => from !== to && [one.namespace, other.namespace].includes('noaa'))
      .flatMap(([to, other]) =>
        ports.filter(port => reaches(policies, one, other, port)).map(port => `${from} → ${to}:${port}`),
      ),
  );
}

describe('autoscaling', () => {
  const { spec: autoscaler } = find(get('overlays/autoscaling'), 'HorizontalPodAutoscaler', 'noaa-relay');
  const { spec: scaled } = find(get('overlays/keda'), 'ScaledObject', 'noaa-relay');
  const source = readFileSync(join(FOLDER, '../apps/visualizer/telemetry.ts'), 'utf8');
  const COUNTER = 'noaa_visualizer_sent_bytes_total';

  test('is by bytes to viewers, which relays count', () => {
    assert.ok(source.includes(`'${COUNTER}'`));
    const [{ pods }] = autoscaler.metrics;
    assert.equal(pods.metric.name, COUNTER.replace('_total', '_per_second'));
    const adapter = readFileSync(join(FOLDER, 'overlays/autoscaling/prometheus-adapter.yaml'), 'utf8');
    assert.ok(adapter.includes(`'${COUNTER}{`));
    assert.ok(adapter.includes("matches: '^(.*)_total$'") && adapter.includes(`as: '\${1}_per_second'`));
    assert.ok(scaled.triggers[0].metadata.query.includes(COUNTER));
    assert.equal(quantity(pods.target.averageValue), MB_PER_RELAY * 1e6);
    assert.equal(Number(scaled.triggers[0].metadata.threshold), MB_PER_RELAY * 1e6);
  });
  test('is slow to take relays away, never takes the last two, and decides alone', () => {
    const { behavior } = scaled.advanced.horizontalPodAutoscalerConfig;
    for (const { scaleDown, scaleUp } of [autoscaler.behavior, behavior]) {
      assert.ok(scaleDown.stabilizationWindowSeconds >= 900);
      assert.deepEqual(scaleDown.policies, [{ type: 'Pods', value: 1, periodSeconds: 300 }]);
      assert.equal(scaleUp.stabilizationWindowSeconds, 0);
    }
    assert.deepEqual([autoscaler.minReplicas, autoscaler.maxReplicas], [2, MOST_RELAYS]);
    assert.deepEqual([scaled.minReplicaCount, scaled.maxReplicaCount], [2, MOST_RELAYS]);
    for (const path of ['overlays/autoscaling', 'overlays/keda'])
      assert.equal(find(get(path), 'Deployment', 'noaa-relay').spec.replicas, undefined);
  });
  test("names KEDA's leak where KEDA is used", () => {
    const file = readFileSync(join(FOLDER, 'overlays/keda/scaled-object.yaml'), 'utf8');
    assert.match(file, /kedacore\/keda#7898/);
  });
});

test('podman publishes the port of the picture alone, on the loopback', () => {
  const containers = containersOf(podsOf(get(SINGLE_HOST)));
  assert.deepEqual(
    containers.flatMap(({ ports = [] }) => ports),
    [{ name: 'http', containerPort: 8050, hostPort: 8050, hostIP: '127.0.0.1' }],
  );
  for (const container of containers)
    assert.ok(['127.0.0.1', undefined].includes(value(container, 'METRICS_HOST')), container.name);
});

test('the Ingress and the route do not buffer streams, nor end them', () => {
  const { annotations } = find(get('overlays/ingress'), 'Ingress', 'noaa').metadata;
  for (const [controller, off] of [
    ['nginx.org', 'False'],
    ['nginx.ingress.kubernetes.io', 'off'],
  ]) {
    assert.equal(annotations[`${controller}/proxy-buffering`], off);
    assert.ok(Number.parseInt(annotations[`${controller}/proxy-read-timeout`], 10) >= 3600);
  }
  const [rule] = find(get('overlays/gateway'), 'HTTPRoute', 'noaa').spec.rules;
  assert.deepEqual(rule.timeouts, { request: '0s', backendRequest: '0s' });
});

test('docs/scale.md names every folder', () => {
  const page = readFileSync(join(FOLDER, '../docs/scale.md'), 'utf8');
  const folders = readdirSync(join(FOLDER, 'overlays')).map(name => `overlays/${name}`);
  assert.deepEqual(folders.sort(), [...OVERLAYS, SINGLE_HOST].sort());
  for (const path of ALL) assert.ok(page.includes(`kubernetes/${path}`), path);
});

test('the overlay in docs/scale.md renders, with images, settings, mask and host of its own', async () => {
  const page = readFileSync(join(FOLDER, '../docs/scale.md'), 'utf8');
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  await using folder = await temporaryFolder();
  cpSync(FOLDER, folder.path, { recursive: true });
  const mine = join(folder.path, 'overlays/mine');
  mkdirSync(mine);
  writeFileSync(join(mine, 'kustomization.yaml'), text);
  const mask = '{"version": 1, "units": "normalised", "regions": []}';
  writeFileSync(join(mine, 'mask.json'), mask);
  const objects = render('overlays/mine', mine);
  for (const { image } of containersOf(podsOf(objects)))
    assert.match(image, /^registry\.example\.org\/.*:1\.0$/);
  assert.equal(find(objects, 'ConfigMap', 'noaa-mask').data['mask.json'], mask);
  const settings = objects.find(({ metadata }) => metadata.name.startsWith('noaa-settings-'));
  assert.deepEqual(settings.data, { PLAYBACK_LOOP: 'true', REDACT_WIDTH: '120' });
  const [{ host }] = find(objects, 'Ingress', 'noaa').spec.rules;
  const relay = find(objects, 'Deployment', 'noaa-relay').spec.template.spec.containers[0];
  assert.ok(value(relay, 'ALLOWED_HOSTS').split(' ').includes(host));
  assert.ok(value(relay, 'SOURCE_URL'));
});
