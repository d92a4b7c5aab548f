/** Hosts as network namespaces, and the links between them. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type RunningService, startProcess } from '../support/services.ts';

const LINK = new URL('link.py', import.meta.url).pathname;
/** What the services are run with is measured as operators have it. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(NODE_OPTIONS|NODE_COMPILE_CACHE|MALLOC_|UV_)/.test(name)),
) as Record<string, string>;

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });

export interface Host extends Disposable {
  readonly namespace: string;
  /** Starts a program of Node in it. */
  start(name: string, args: string[], env?: Record<string, string | number>): RunningService;
}

/** A link with delay and loss, all of whose packets are recorded. */
export interface Link extends AsyncDisposable {
  /** Addresses of its two ends. */
  readonly ends: readonly [string, string];
  readonly pcap: string;
  /** Ends it. Returns how many packets have entered it and how many of them were lost. */
  cut(): Promise<{ packets: number; lost: number }>;
}

export function host(name: string): Host {
  const namespace = `noaa-${process.pid}-${name}`;
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  return {
    namespace,
    start: (what, args, env = {}) =>
      startProcess(what, 'ip', ['netns', 'exec', namespace, process.execPath, ...args], {
        ...inherited,
        ...env,
      }),
    [Symbol.dispose]: () => ip('netns', 'del', namespace),
  };
}

/** Joins two hosts by a cable. Returns the address of the second. */
export function cable(one: Host, other: Host, number: number): string {
  const [near, far] = [`10.24.${number}.1`, `10.24.${number}.2`];
  const [nearDevice, farDevice] = [`c${number}`, 'c0'];
  ip(
    ...['link', 'add', nearDevice, 'netns', one.namespace, 'type', 'veth'],
    ...['peer', 'name', farDevice, 'netns', other.namespace],
  );
  for (const [{ namespace }, device, address] of [
    [one, nearDevice, near],
    [other, farDevice, far],
  ] as const)
    setUp(namespace, device, address, 24);
  return far;
}

/** Joins two hosts by a link that delays each packet and loses some, in both directions. */
export async function link(
  one: Host,
  other: Host,
  number: number,
  { delayMs, lossPercent, folder }: { delayMs: number; lossPercent: number; folder: string },
): Promise<Link> {
  const ends = [`10.23.${number}.1`, `10.23.${number}.2`] as const;
  const [nearDevice, farDevice] = [`l${number}`, 'l0'];
  const pcap = `${folder}/link-${number}.pcap`;
  const carrier = startProcess('link', '/usr/bin/python3', [
    ...[LINK, one.namespace, nearDevice, other.namespace, farDevice],
    ...[String(delayMs), String(lossPercent), pcap],
  ]);
  await carrier.logged(({ msg }) => msg === 'ready');
  setUp(one.namespace, nearDevice, ends[0], 30);
  setUp(other.namespace, farDevice, ends[1], 30);
  return {
    ends,
    pcap,
    async cut() {
      await carrier.stop();
      const { packets, lost } = carrier.log.at(-1) as unknown as { packets: number; lost: number };
      return { packets, lost };
    },
    [Symbol.asyncDispose]: () => carrier[Symbol.asyncDispose](),
  };
}

/** Returns how many bytes a host has sent on a link, headers included. */
export function sentBytes({ namespace }: Host, number: number): number {
  const path = `/sys/class/net/l${number}/statistics/tx_bytes`;
  return Number(execFileSync('ip', ['netns', 'exec', namespace, 'cat', path], { encoding: 'utf8' }));
}

/** Returns why this machine cannot run the proof; undefined if it can. */
export function whatIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root: sudo npm run test:relays';
  if (!existsSync('/dev/net/tun')) return 'the kernel has no TUN devices';
  if (!existsSync('/usr/bin/python3')) return 'python3 is missing: apt-get install python3';
  return undefined;
}

function setUp(namespace: string, device: string, address: string, prefix: number): void {
  ip('-n', namespace, 'address', 'add', `${address}/${prefix}`, 'dev', device);
  ip('-n', namespace, 'link', 'set', device, 'up');
}
