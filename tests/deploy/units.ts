/** The units as Quadlet turns them into services, and what such a service must say. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Ran, run, TREE, TRIXIE } from './machine.ts';

export const QUADLET = join(TREE, 'quadlet');

/** The keys that the generator of podman 5.0.0 knows; one that it does not know makes the whole unit vanish. */
export const KEYS_OF_5_0: Record<string, string[]> = {
  Container:
    `AddCapability AddDevice Annotation AutoUpdate ContainerName ContainersConfModule DNS DNSOption DNSSearch DropCapability
    Environment EnvironmentFile EnvironmentHost Entrypoint Exec ExposeHostPort GIDMap GlobalArgs Group HealthCmd HealthInterval
    HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries
    HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName IP IP6 Image Label LogDriver Mask Mount Network
    NoNewPrivileges Notify PidsLimit Pod PodmanArgs PublishPort Pull ReadOnly ReadOnlyTmpfs Rootfs RunInit SeccompProfile Secret
    SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelNested SecurityLabelType ShmSize StopTimeout
    SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User UserNS Volume WorkingDir`.split(
      /\s+/,
    ),
  Pod: 'ContainersConfModule GlobalArgs Network PodName PodmanArgs PublishPort Volume'.split(' '),
  Network:
    `ContainersConfModule DisableDNS DNS Driver Gateway GlobalArgs IPAMDriver Internal IPRange IPv6 Label NetworkName Options
    PodmanArgs Subnet`.split(/\s+/),
  // Generators before 5.3 do not look at this section, and later ones know this key of it.
  Quadlet: ['DefaultDependencies'],
};

/** What a service may do beyond what any process may: bind a port that the visualizer can't. */
export const CAPABILITIES: Record<string, string[]> = {
  playback: ['net_bind_service'],
  redactor: ['net_bind_service'],
  visualizer: [],
};

/** The secrets that a service is given: those of its own links. */
export const SECRETS: Record<string, string[]> = {
  playback: ['noaa-playback'],
  redactor: ['noaa-playback', 'noaa-redactor'],
  visualizer: ['noaa-redactor'],
};

/** Key and value of every line of a unit's section, in order. */
export function section(unit: string, name: string): [key: string, value: string][] {
  const body = unit.split(/^(?=\[)/m).filter(part => part.startsWith(`[${name}]`));
  return body.flatMap(part =>
    part
      .split('\n')
      .filter(line => /^[A-Z]\w*=/.test(line))
      .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** What Quadlet of podman 5.4 makes of a folder of units: each service by its name, and what it says. */
export async function generate(folder: string): Promise<{ services: Map<string, string>; ran: Ran }> {
  const inside = mkdtempSync(join(TRIXIE, 'tmp/units-'));
  try {
    cpSync(folder, inside, { recursive: true });
    const units = `/tmp/${basename(inside)}`;
    const quadlet = ['/usr/libexec/podman/quadlet', '-user', '-dryrun'];
    const ran = await run('chroot', [TRIXIE, 'env', `QUADLET_UNIT_DIRS=${units}`, ...quadlet]);
    const parts = ran.stdout.split(/^---(\S+\.service)---$/m);
    const services = new Map<string, string>();
    for (let at = 1; at < parts.length; at += 2) services.set(parts[at] ?? '', parts[at + 1] ?? '');
    return { services, ran };
  } finally {
    rmSync(inside, { recursive: true });
  }
}

/** The folder of units with one of them changed, for the length of `use`. */
export async function withChanged<T>(
  unit: string,
  change: (text: string) => string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync('/tmp/noaa-units-');
  try {
    for (const name of readdirSync(QUADLET)) cpSync(join(QUADLET, name), join(folder, name));
    const before = readFileSync(join(folder, unit), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`the change to ${unit} changes nothing`);
    writeFileSync(join(folder, unit), after);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The words of a command line in a unit. */
export function words(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
  );
}

const seconds = (service: [string, string][], key: string) =>
  Number(service.findLast(([name]) => name === key)?.[1] ?? Number.NaN);

/** What is wrong with the generated service of a container, a sentence each. */
export function faultsOfContainer(unit: string): string[] {
  const service = section(unit, 'Service');
  const start = words(service.find(([key]) => key === 'ExecStart')?.[1] ?? '');
  const value = (option: string) => {
    const at = start.indexOf(option);
    return at >= 0
      ? start[at + 1]
      : start.find(word => word.startsWith(`${option}=`))?.slice(option.length + 1);
  };
  const faults: string[] = [];
  const must = (fine: boolean, fault: string) => {
    if (!fine) faults.push(fault);
  };
  must(start.includes('--read-only'), 'its root may be written to');
  must(start.includes('--read-only-tmpfs=false'), 'it has tmpfs that it does not need');
  const added = start.filter((_, at) => start[at - 1] === '--cap-add').map(each => each.toLowerCase());
  const name = (value('--name') ?? '').replace('noaa-', '');
  const allowed = CAPABILITIES[name] ?? [];
  const secrets = start.filter((_, at) => start[at - 1] === '--secret');
  must(
    secrets.map(secret => secret.split(',')[0]).join() === (SECRETS[name] ?? []).join(),
    'it has a secret of others, or lacks one of its own',
  );
  must(
    secrets.every(secret => secret.includes(',mode=0400') && !secret.includes('type=env')),
    'others may read its secret',
  );
  must(value('--cap-drop') === 'all' && added.join() === allowed.join(), 'it keeps capabilities');
  must(value('--http-proxy') === 'false', 'it is given the proxy of the host, with its password');
  must(!/network-online/.test(unit), 'its start waits for the network of the host');
  must(start.includes('--security-opt=no-new-privileges'), 'it may gain privileges');
  must(!start.some(word => /unconfined|label=disable|--privileged/.test(word)), 'it runs unconfined');
  must(Number(value('--pids-limit')) <= 256, 'its number of tasks has no fit limit');
  must(
    start.some((word, at) => word === 'core=0:0' && start[at - 1] === '--ulimit'),
    'a core dump has its secrets',
  );
  must(/^\d+[mg]$/.test(value('--memory') ?? ''), 'its memory has no limit');
  must(value('--memory-swap') === value('--memory'), 'it may swap');
  if (name !== 'visualizer') {
    must(
      Number(/^nofile=(\d+):\1$/.exec(value('--ulimit') ?? '')?.[1]) <= 4096,
      'connections can fill its memory',
    );
    must(seconds(service, 'CPUWeight') >= 200, 'code in the visualizer can take its processor');
  }
  const sockets = service.filter(([key]) => key === 'Sockets').map(([, is]) => is);
  must(
    sockets.join() === (name === 'visualizer' ? 'noaa.socket' : ''),
    'it has a socket of others, or lacks its own',
  );
  must(value('--sdnotify') === 'healthy', 'it counts as started before it is healthy');
  for (const check of ['--health-cmd', '--health-startup-cmd']) {
    must((value(check) ?? '').startsWith('["node",'), `${check} is missing or needs a shell`);
  }
  must(value('--health-startup-retries') === '0', 'a busy host gets it killed');
  must(
    /\/livez/.test(value('--health-startup-cmd') ?? '') || name === 'playback',
    'its start waits for a neighbour, and podman 5.8 starts none meanwhile',
  );
  must(seconds(service, 'TimeoutStartSec') <= 600, 'a start that fails is never given up');
  must(value('--health-on-failure') === 'kill', 'a hung one is left alone');
  must(!value('--publish'), 'it publishes a port beside the pod');
  must(value('--pull') === 'never', 'its image might be fetched from somewhere');
  for (const [at, word] of start.entries()) {
    if (word === '-v' || word === '--volume')
      must(/:ro(,|$)|:\/ended-sessions:z$/.test(start[at + 1] ?? ''), 'it may write to a volume');
    if (start[at + 1]?.includes(':/ended-sessions'))
      must(start.includes('fsize=1048576:1048576') && name === 'visualizer', 'it may fill the disk');
  }
  must(
    service.some(([key, is]) => key === 'Restart' && is === 'always'),
    'it does not come back',
  );
  must(
    seconds(service, 'TimeoutStopSec') > Number(value('--stop-timeout')),
    'systemd loses patience before podman',
  );
  must(seconds(service, 'TimeoutStopSec') >= 120, 'on a slow host its stop ends in a failure');
  must(
    section(unit, 'Unit').some(([key, is]) => key === 'BindsTo' && is === 'noaa-pod.service'),
    'it is not in the pod',
  );
  for (const [at, word] of start.entries()) {
    if (word !== '--env') continue;
    const [name, set] = (start[at + 1] ?? '').split('=');
    if (/^(PLAYBACK|REDACTOR|METRICS)_HOST$/.test(name ?? ''))
      must(set === '127.0.0.1', `${name} leaves the pod`);
    if (name === 'METRICS_PORT') must(set === '0', 'its metrics are on a port that its neighbours reach');
  }
  return faults;
}

/** What is wrong with the generated service of the pod, a sentence each. */
export function faultsOfPod(unit: string): string[] {
  const create = words(section(unit, 'Service').find(([key]) => key === 'ExecStartPre')?.[1] ?? '');
  const faults: string[] = [];
  const published = create.filter((_, at) => create[at - 1] === '--publish');
  if (published.length > 0) faults.push(`it publishes ${published.join()}`);
  if (create.findLast(word => word.startsWith('--exit-policy=')) !== '--exit-policy=continue') {
    faults.push('it ends for good when its last container does');
  }
  if (create.findLast(word => word.startsWith('--share=')) !== '--share=net') {
    faults.push('its services have memory and IPC in common');
  }
  if (!create.includes('--sysctl=net.ipv4.ip_unprivileged_port_start=6000')) {
    faults.push('any of its services can bind the ports of frames');
  }
  if (/network-online/.test(unit)) faults.push('its start waits for the network of the host');
  if (create.filter((_, at) => create[at - 1] === '--network').join() !== 'noaa')
    faults.push('it is in a network that leads out');
  const service = section(unit, 'Service');
  if (!(seconds(service, 'TimeoutStopSec') >= 120)) faults.push('on a slow host its stop ends in a failure');
  const wants = section(unit, 'Unit').flatMap(([key, value]) => (key === 'Wants' ? [value] : []));
  for (const name of ['playback', 'redactor', 'visualizer']) {
    if (!wants.includes(`noaa-${name}.service`)) faults.push(`it does not start ${name}`);
  }
  return faults;
}

/** What is wrong with the unit of the socket, a sentence each. */
export function faultsOfSocket(unit: string): string[] {
  const faults: string[] = [];
  const values = (name: string, key: string) =>
    section(unit, name).flatMap(([each, value]) => (each === key ? [value] : []));
  if (values('Socket', 'ListenStream').join() !== '127.0.0.1:8050') faults.push('it listens elsewhere');
  if (values('Socket', 'Service').join() !== 'noaa-visualizer.service') faults.push('it leads elsewhere');
  if (values('Socket', 'Accept').length > 0) faults.push('it starts a service for each connection');
  if (values('Unit', 'StopWhenUnneeded').join() !== 'true') faults.push('it outlives the pod');
  // Each of these closes it when the pod restarts.
  for (const key of ['PartOf', 'BindsTo', 'Requires', 'Requisite', 'StopPropagatedFrom'])
    if (values('Unit', key).length > 0) faults.push(`it closes with the pod's restart (${key})`);
  if (values('Socket', 'TriggerLimitIntervalSec').join() !== '0') faults.push('systemd may give up on it');
  return faults;
}

/** What is wrong with the generated service of the pod's network, a sentence each. */
export function faultsOfNetwork(unit: string): string[] {
  const create = words(section(unit, 'Service').find(([key]) => key === 'ExecStart')?.[1] ?? '');
  const faults: string[] = [];
  if (!create.includes('--internal')) faults.push('it leads out');
  if (!create.includes('--disable-dns')) faults.push('names are resolved in it');
  if (create.at(-1) !== 'noaa') faults.push('it has another name');
  if (/network-online/.test(unit)) faults.push('its start waits for the network of the host');
  return faults;
}
