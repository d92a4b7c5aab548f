/**
 * `npm run test:relays`: an origin and three relays as hosts of their own, with links that delay and lose packets, carry 600
 * viewers. Measures what that costs the origin, kills a relay, and looks at every picture that was on a link.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usage } from '../../bench/proc.ts';
import { number, printTable } from '../../bench/report.ts';
import { median, quantile } from '../../bench/statistics.ts';
import { ffmpeg, makeClip, temporaryFolder } from '../support/clips.ts';
import type { RunningService } from '../support/services.ts';
import { picturesIn } from './answers.ts';
import { cable, type Host, host, link, sentBytes, whatIsMissing } from './network.ts';
import { readRecording } from './recorded.ts';
import { lookAt } from './redacted.ts';
import type { Audience, Tally } from './viewers.ts';

const RELAYS = 3;
const VIEWERS = 600;
const FPS = 10;
const PORT = 8050;
/** Half of the viewers watch as the page does, half as VLC does. */
const STREAMS = ['/stream', '/stream.mjpg'];
const PICTURE = { width: 640, height: 360, border: 60 };
const LINK = { delayMs: 20, lossPercent: 1 };
const SETTLE_MS = 8000;
/** Of a host that is new. */
const CONGESTION = '/proc/sys/net/ipv4/tcp_congestion_control';
/** By then a relay has all of the origin's history. */
const FILL_MS = 30_000;
const MEASURE_MS = 20_000;
/** What still counts as the load of three viewers, and how long a viewer may be without a picture. */
const MOST = { load: 1.15, waitMs: 3000 };
const LEAST_FPS = 9.5;

const missing = whatIsMissing();
if (missing) {
  console.error(missing);
  process.exitCode = 2;
} else {
  await prove();
}

async function prove(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder()).path;
  const clip = await makeClip(`${folder}/clip.mp4`, {
    size: `${PICTURE.width}x${PICTURE.height}`,
    seconds: 20,
    fps: FPS,
  });
  const origin = stack.use(host('origin'));
  const crowd = stack.use(host('viewers'));
  const hosts = Array.from({ length: RELAYS }, (_, i) => stack.use(host(`relay${i + 1}`)));
  const links = await Promise.all(
    hosts.map(async (each, i) => stack.use(await link(origin, each, i + 1, { ...LINK, folder }))),
  );
  const addresses = hosts.map((each, i) => cable(crowd, each, i + 1));
  const use = (service: RunningService) => stack.use(service);
  const sources = {
    DATA_FILE: clip,
    REDACT_WIDTH: PICTURE.border,
    PLAYBACK_HOST: '127.0.0.1',
    REDACTOR_HOST: '127.0.0.1',
    VISUALIZER_HOST: '0.0.0.0',
  };
  const service = (on: Host, name: string, env: Record<string, string | number>) =>
    use(on.start(name, [`apps/${name}/main.ts`], env));
  for (const name of ['playback', 'redactor']) service(origin, name, sources);
  const visualizer = service(origin, 'visualizer', sources);
  await visualizer.logged(({ state }) => state === 'live');

  const load = async () => {
    const count = () => ({
      bytes: links.reduce((sum, _, i) => sum + sentBytes(origin, i + 1), 0),
      cpuMs: usage(visualizer.process.pid!)!.cpuMs,
      atMs: performance.now(),
    });
    const before = count();
    await sleep(MEASURE_MS);
    const after = count();
    const seconds = (after.atMs - before.atMs) / 1000;
    return {
      megabytes: (after.bytes - before.bytes) / 1e6 / seconds,
      cpuPercent: (after.cpuMs - before.cpuMs) / 10 / seconds,
    };
  };

  console.error(`${RELAYS} viewers of the origin, one over each link`);
  const few = hosts.map((each, i) =>
    watchFrom(each, { hosts: [links[i]!.ends[0]], port: PORT, viewers: 1, streams: ['/stream.mjpg'] }),
  );
  await sleep(SETTLE_MS);
  await Promise.all(few.map(each => each.tally()));
  const direct = await load();
  const directly = await Promise.all(few.map(each => each.tally()));
  for (const each of few) await each.end();

  console.error(`${VIEWERS} viewers of ${RELAYS} relays`);
  const relays = hosts.map((each, i) =>
    service(each, 'visualizer', {
      SOURCE_URL: `http://${links[i]!.ends[0]}:${PORT}/stream.mjpg`,
      VISUALIZER_HOST: '0.0.0.0',
      MAX_VIEWERS: VIEWERS,
    }),
  );
  for (const relay of relays) await relay.logged(({ state }) => state === 'live');
  const all = watchFrom(crowd, { hosts: addresses, port: PORT, viewers: VIEWERS, streams: STREAMS });
  stack.defer(() => all.end());
  await sleep(FILL_MS);
  await all.tally();
  const cpuMs = () => relays.map(({ process }) => usage(process.pid!)!.cpuMs);
  const cpuBefore = cpuMs();
  const relayed = await load();
  const watched = await all.tally();
  const relayCpu = cpuMs().map((after, i) => (after - cpuBefore[i]!) / 10 / watched.seconds);

  console.error('one relay is killed');
  await relays[0]!.stop('SIGKILL');
  await sleep(2 * MOST.waitMs);
  const moved = await all.tally();
  const orphans = moved.viewers.filter((_, i) => watched.viewers[i]!.host === 0);
  await all.end();
  for (const each of [...relays, visualizer]) await each.stop();

  console.error('what was on the links');
  const traffic = { packets: 0, lost: 0, pictures: 0, different: 0 };
  const faults: string[] = [];
  for (const each of links) {
    const { packets, lost } = await each.cut();
    traffic.packets += packets;
    traffic.lost += lost;
    const found = await inspect(each.pcap);
    traffic.pictures += found.pictures;
    traffic.different += found.different;
    faults.push(...found.faults);
  }
  const caught = await unredacted(clip, folder);

  const rates = watched.viewers.map(({ frames }) => frames / watched.seconds);
  const waits = orphans.map(({ longestMs }) => longestMs);
  const others = moved.viewers.filter(each => !orphans.includes(each)).map(({ longestMs }) => longestMs);
  const [viaLink, viaRelay] = [directly.flatMap(({ latenciesMs }) => latenciesMs), watched.latenciesMs];
  const checks: [string, string, string, boolean][] = [
    [
      'the origin sends, MB/s',
      `${number(direct.megabytes, 2)} to 3 viewers, ${number(relayed.megabytes, 2)} to 3 relays of ${VIEWERS}`,
      `≤ ${MOST.load} ×`,
      relayed.megabytes <= MOST.load * direct.megabytes,
    ],
    [
      'its visualizer’s CPU, % of a core',
      `${number(direct.cpuPercent)} with 3 viewers, ${number(relayed.cpuPercent)} with 3 relays`,
      `≤ ${MOST.load} × + 0.5`,
      relayed.cpuPercent <= MOST.load * direct.cpuPercent + 0.5,
    ],
    [
      'pictures a second of a viewer',
      `median ${number(median(rates))}, least ${number(Math.min(...rates))}`,
      `median ≥ ${LEAST_FPS}`,
      median(rates) >= LEAST_FPS,
    ],
    [
      'viewers of a killed relay wait, ms',
      `${waits.length} viewers: median ${number(median(waits), 0)}, most ${number(Math.max(...waits), 0)}`,
      `≤ ${MOST.waitMs}, elsewhere`,
      waits.length > 0 && Math.max(...waits) <= MOST.waitMs && orphans.every(each => each.host !== 0),
    ],
    [
      'pictures on the links',
      `${traffic.pictures} looked at, ${traffic.different} different, ${faults.length} faults`,
      'redacted, all',
      traffic.pictures > 0 && faults.length === 0,
    ],
    ['the same look at the clip itself', caught ? 'not redacted' : 'redacted', 'not redacted', caught],
  ];
  printTable({
    title: `An origin and ${RELAYS} relays, ${LINK.delayMs} ms and ${LINK.lossPercent} % loss each way, ${PICTURE.width}×${PICTURE.height} at ${FPS} a second`,
    columns: ['', 'found', 'wanted', ''],
    rows: checks.map(([what, found, wanted, met]) => [what, found, wanted, met ? 'met' : 'NOT met']),
    notes: [
      `A relay’s CPU, % of a core: ${relayCpu.map(value => number(value)).join(', ')}`,
      `Latency in hand, ms: p50 ${number(quantile(viaLink, 0.5))} over the link, ${number(quantile(viaRelay, 0.5))} over link and relay; ` +
        `p90 ${number(quantile(viaLink, 0.9))}, ${number(quantile(viaRelay, 0.9))}`,
      `Viewers of the other relays waited at most ${number(Math.max(...others), 0)} ms meanwhile`,
      `${traffic.packets} packets entered the links, ${traffic.lost} were lost; TCP sends with ${readFileSync(CONGESTION, 'utf8').trim()}`,
      ...faults.slice(0, 10),
    ],
  });
  if (checks.some(([, , , met]) => !met)) process.exitCode = 1;
}

function watchFrom(on: Host, task: Audience) {
  const process = on.start('viewers', ['tests/relays/viewers.ts', JSON.stringify(task)]);
  let turn = 0;
  return {
    async tally(): Promise<Tally> {
      turn += 1;
      process.process.kill('SIGUSR2');
      return (await process.logged(line => line['turn'] === turn)) as unknown as Tally;
    },
    async end(): Promise<void> {
      await process.stop('SIGKILL');
    },
  };
}

/** Looks at all that was recorded of a link: answers of the origin's port, and their pictures. */
async function inspect(pcap: string) {
  const { sent, others } = readRecording(readFileSync(pcap));
  const faults = [...others]
    .filter(([name]) => name !== 'IP version 6')
    .map(([name, count]) => `${count} × ${name}`);
  const pictures = sent.flatMap(({ way, fromPort, bytes, whole }) => {
    if (!whole) faults.push(`${way} is not whole`);
    if (fromPort === PORT) return picturesIn(bytes);
    if (!bytes.toString('latin1').startsWith('GET /') && bytes.length > 0)
      faults.push(`${way} is no request`);
    return [];
  });
  const look = await lookAt(pictures, PICTURE);
  return { pictures: pictures.length, different: look.different, faults: [...faults, ...look.faults] };
}

/** Whether a picture of the clip, as it was before redaction, is noticed. */
async function unredacted(clip: string, folder: string): Promise<boolean> {
  const still = `${folder}/unredacted.jpg`;
  await ffmpeg('-i', clip, '-frames:v', '1', still);
  const headers = new Map([['x-redacted', '1']]);
  return (await lookAt([{ jpeg: readFileSync(still), headers }], PICTURE)).faults.length > 0;
}
