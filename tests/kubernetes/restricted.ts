import type { Manifest } from './manifests.ts';

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/, of Kubernetes 1.36 */
const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);
const SELINUX_TYPES = new Set([
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);
const PROFILES = new Set(['RuntimeDefault', 'Localhost']);

/** Returns what the Pod Security Standard "restricted" forbids of a pod, with "baseline", which it includes. */
export function forbidden({ spec }: Manifest): string[] {
  const pod = spec.securityContext ?? {};
  const faults = [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter(name => spec[name]),
    ...(spec.volumes ?? []).flatMap(({ name, ...kind }: Manifest) =>
      Object.keys(kind).every(each => VOLUMES.has(each)) ? [] : [`volume ${name}`],
    ),
    ...(pod.sysctls ?? [])
      .filter(({ name }: Manifest) => !SYSCTLS.has(name))
      .map(({ name }: Manifest) => `sysctl ${name}`),
    ...forbiddenForAll(pod),
  ];
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap(
    kind => spec[kind] ?? [],
  );
  for (const container of containers) faults.push(...forbiddenOf(container, pod));
  return [...new Set(faults)];
}

/** What neither the pod nor a container may set. */
function forbiddenForAll(context: Manifest): string[] {
  const { windowsOptions, seLinuxOptions, appArmorProfile, seccompProfile, runAsUser } = context;
  const faults: string[] = [];
  if (windowsOptions?.hostProcess) faults.push('hostProcess');
  if (seLinuxOptions?.user || seLinuxOptions?.role || !SELINUX_TYPES.has(seLinuxOptions?.type ?? ''))
    faults.push('seLinuxOptions');
  if (appArmorProfile && !PROFILES.has(appArmorProfile.type)) faults.push('appArmor');
  if (seccompProfile && !PROFILES.has(seccompProfile.type)) faults.push('seccomp');
  if (runAsUser === 0) faults.push('runAsUser');
  return faults;
}

function forbiddenOf(container: Manifest, pod: Manifest): string[] {
  const own = container.securityContext ?? {};
  const faults = forbiddenForAll(own);
  if ((own.runAsNonRoot ?? pod.runAsNonRoot) !== true) faults.push('runAsNonRoot');
  if (!(own.seccompProfile ?? pod.seccompProfile)) faults.push('seccomp');
  if (own.privileged) faults.push('privileged');
  if (own.allowPrivilegeEscalation !== false) faults.push('allowPrivilegeEscalation');
  if ((own.procMount ?? 'Default') !== 'Default') faults.push('procMount');
  const added: string[] = own.capabilities?.add ?? [];
  if (!own.capabilities?.drop?.includes('ALL') || added.some(each => each !== 'NET_BIND_SERVICE'))
    faults.push('capabilities');
  if (container.ports?.some(({ hostPort }: Manifest) => hostPort)) faults.push('hostPort');
  const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'].map(name => container[name]);
  for (const handler of [...probes, container.lifecycle?.preStop, container.lifecycle?.postStart])
    if (handler?.httpGet?.host || handler?.tcpSocket?.host) faults.push('host of a probe');
  return faults;
}
