/**
 * What a deployment's life on a booted host is told in: steps that build on one another, and looks at it from outside.
 * One host a test file.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brightest, type Decoded, decodeJpeg } from '../support/jpeg.ts';
import { until } from '../support/until.ts';
import { bootHost, type Host } from './host.ts';
import { buildImages, prepare, SERVICES, type Service, type Suite } from './machine.ts';

export let host: Host;
let web: Awaited<ReturnType<Host['tunnel']>> | undefined;
let failed = false;
/** How long this machine has taken to boot the host, and then for what it was slowest at. */
let slowestMs = 0;

export const site = (path: string) => `http://127.0.0.1:${web?.port}${path}`;
export const noaa = (args: string) => `noaa-pod/quadlet/noaa ${args}`;

/** Boots the host before the first step, with nothing installed, and ends it after the last. */
export function onHost(suite: Suite): void {
  before(async () => {
    await prepare(suite);
    await buildImages();
    const fromMs = performance.now();
    host = await bootHost(suite);
    slowestMs = performance.now() - fromMs;
  });
  after(async () => {
    await closeTunnel();
    await host?.[Symbol.asyncDispose]();
  });
}

/** Returns a limit of time as this machine needs it: emulation is several times slower on one than on another. */
const patience = (timeoutMs: number) => Math.max(timeoutMs, 6 * slowestMs);

/** From here on `site` leads to the host's own 8050. */
export async function openTunnel(): Promise<void> {
  web = await host.tunnel(8050);
}

export async function closeTunnel(): Promise<void> {
  await web?.[Symbol.asyncDispose]();
  web = undefined;
}

/** A step of a deployment's life: after one that failed the next would only mislead. */
export function step(name: string, body: (say: (message: string) => void) => Promise<void>): void {
  test(name, { timeout: 20 * 60_000 }, async t => {
    if (failed) return t.skip('an earlier step failed');
    const from = host?.seconds() ?? 0;
    try {
      await body(message => t.diagnostic(message));
      t.diagnostic(`${host.seconds() - from} s`);
    } catch (thrown) {
      failed = true;
      const look =
        'systemctl --user --no-pager --lines=0 status "noaa-*"; podman ps -a; journalctl --user --no-pager -n 60; uptime';
      t.diagnostic((await host.try(look)).output);
      throw thrown;
    }
  });
}

/** The images that an operator carried here, an archive each, loaded as docs/deploy.md says. */
export const loadImages = () =>
  host.op(
    'for s in playback redactor visualizer; do podman load --quiet --input /mnt/payload/noaa-$s.tar; done',
    900_000,
  );

/** The sample's 30 frames a second of 1080p are more than an emulated processor decodes beside all else. */
export async function playSmallClip(): Promise<void> {
  await host.op('mkdir -p ~/.local/share/noaa-pod/clips ~/.config/noaa-pod');
  await host.op('cp /mnt/payload/small.mp4 ~/.local/share/noaa-pod/clips/');
  await host.op('echo DATA_FILE=/clips/small.mp4 >> ~/.config/noaa-pod/settings.env');
}

export const snapshot = async () => {
  const answer = await fetch(site('/snapshot.jpg'), { signal: AbortSignal.timeout(20_000) });
  assert.equal(answer.status, 200);
  return decodeJpeg(Buffer.from(await answer.arrayBuffer()));
};
export const isLive = async () => (await fetch(site('/readyz'), { signal: AbortSignal.timeout(10_000) })).ok;
export const live = (what: string, timeoutMs = 300_000) =>
  until(isLive, `the live picture ${what}`, patience(timeoutMs));

export function assertRedacted(picture: Decoded, borderPx: number): void {
  const { width, height } = picture;
  // Less one block of JPEG, in which what lies inside of the border may ring.
  const edge = borderPx - 16;
  const inBorder = (x: number, y: number) => x < edge || y < edge || x >= width - edge || y >= height - edge;
  const most = brightest(picture, inBorder);
  assert.ok(most <= 2, `a pixel of the border has ${most}`);
  assert.ok(brightest(picture, (x, y) => !inBorder(x, y)) > 100, 'all of the picture is dark');
}

/** When each container was started: one that was left alone keeps its time. */
export const startedAt = async () => {
  const format = '{{.Name}} {{.State.StartedAt}}';
  const lines = await host.op(
    `podman inspect --format '${format}' ${SERVICES.map(name => `noaa-${name}`).join(' ')}`,
  );
  return new Map(lines.split('\n').map(line => [line.split(' ')[0] ?? '', line]));
};
const pidOf = (service: Service) => host.op(`podman inspect --format '{{.State.Pid}}' noaa-${service}`);

/** Sends a signal to the services' processes, and waits until others have taken their places. */
export async function strike(signal: 'KILL' | 'STOP', ...services: Service[]): Promise<void> {
  const pids = await Promise.all(services.map(pidOf));
  await host.root(`kill -${signal} ${pids.join(' ')}`);
  await until(
    async () => {
      const now = await Promise.all(services.map(pidOf));
      return now.every((pid, at) => pid !== '' && pid !== '0' && pid !== pids[at]);
    },
    `another ${services.join(', ')}`,
    patience(300_000),
  );
}

/** Ten connects a second until /tmp/knocked is there, and at least as many as its argument says. */
const KNOCKER = `
use IO::Socket::INET;
sub now { open(my $f, '<', '/proc/uptime'); (split ' ', <$f>)[0] }
my ($tried, $next, @refused) = (0, now());
while (!-e '/tmp/knocked' || $tried < $ARGV[0]) {
  my $from = now();
  my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:8050', Timeout => 60);
  $tried++;
  push @refused, sprintf('%s, %.2f s after it was tried at %s', $@, now() - $from, scalar gmtime) unless $socket;
  $next += 0.1;
  my $left = $next - now();
  select(undef, undef, undef, $left) if $left > 0;
}
print join "\\n", $tried - @refused, @refused;`;

/**
 * Connects to the picture's port ten times a second while something happens, at least this often. Returns how often, and why
 * each of the others was refused.
 */
export async function knocking(
  happens: () => Promise<void>,
  least = 0,
): Promise<{ connected: number; refused: string[] }> {
  const script = Buffer.from(KNOCKER).toString('base64');
  await host.op(`rm -f /tmp/knocked /tmp/knocks; echo ${script} | base64 -d >/tmp/knock.pl`);
  // Nothing of it may hold the connection of ssh open.
  await host.op(
    `(perl /tmp/knock.pl ${least} >/tmp/knocks; mv /tmp/knocks /tmp/all-knocks) >/dev/null 2>&1 </dev/null &`,
  );
  await happens();
  await host.op('touch /tmp/knocked');
  const counts = await until(
    async () => (await host.try('cat /tmp/all-knocks')).stdout,
    'the last connect',
    patience(60_000 + 100 * least),
    1000,
  );
  await host.op('rm /tmp/knocked /tmp/all-knocks /tmp/knock.pl');
  const [connected, ...refused] = counts.split('\n').filter(line => line !== '');
  return { connected: Number(connected), refused };
}

/** Until every unit is active, which needs a healthy container, and the picture is live. */
export async function allWell(what: string, timeoutMs = 400_000): Promise<void> {
  const fromMs = performance.now();
  const isWell = async () => (await host.try(noaa('status'))).code === 0;
  await until(isWell, `everything well ${what}`, patience(timeoutMs));
  slowestMs = Math.max(slowestMs, performance.now() - fromMs);
}
