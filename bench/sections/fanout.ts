import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePair } from '../../tests/support/certificates.ts';
import { freePort } from '../../tests/support/ports.ts';
import { clip } from '../clips.ts';
import { gstreamer } from '../contenders/peers.ts';
import { Services } from '../load/services.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { usage } from '../proc.ts';
import { FOLDER, type Section } from '../report.ts';
import { median } from '../statistics.ts';
import { type Hindrance, type Row, report } from './fanout-report.ts';
import { bareServer, FPS, feeder, type Server, tcpServerSink, visualizerOf } from './fanout-servers.ts';

const SETTLE_MS = 1500;
const NONE: Hindrance = { stalled: 0, modem: 0 };
const HALF: Hindrance = { stalled: 25, modem: 25 };

interface Contest {
  stream: string;
  servers: Server[];
}

/** One visualizer, fed with ready frames, by viewers; then two other servers of the same picture. */
export async function* fanout(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  const port = await freePort();
  await using stack = new AsyncDisposableStack();
  stack.use(await feeder({ path, port, fps: FPS }));
  const services = stack.use(
    await Services.start({
      path,
      only: 'visualizer',
      redactorPort: port,
      environment: { MAX_VIEWERS: '400' },
    }),
  );
  await services.live();
  const frame = `${FOLDER}/frame.jpg`;
  const jpeg = Buffer.from(await (await fetch(`${services.url}/snapshot.jpg`)).arrayBuffer());
  writeFileSync(frame, jpeg);
  const own = (stream: string) => visualizerOf(services, stream);
  const contests: Contest[] = [
    { stream: '/stream', servers: [own('/stream'), stack.use(await bareServer(frame, 'sse'))] },
    { stream: '/stream.mjpg', servers: [own('/stream.mjpg'), stack.use(await bareServer(frame, 'part'))] },
  ];
  const tls = await makePair(FOLDER, 'fanout');
  const secure = stack.use(
    await Services.start({
      path,
      only: 'visualizer',
      redactorPort: port,
      environment: { MAX_VIEWERS: '400', TLS_CERT_FILE: tls.certFile, TLS_KEY_FILE: tls.keyFile },
    }),
  );
  await secure.live();
  contests.push({
    stream: '/stream over TLS',
    servers: [visualizerOf(secure, '/stream', true), stack.use(await bareServer(frame, 'sse', tls))],
  });
  if (plan.peers.includes(gstreamer))
    contests[1]!.servers.push(stack.use(await tcpServerSink(frame, jpeg.length)));

  const rounds: Row[][] = [];
  for (const { stream, servers } of contests) {
    for (const viewers of plan.viewers) {
      yield `fanout: ${stream}, ${viewers} viewers`;
      rounds.push(...(await inTurns(servers, stream, viewers, plan)));
    }
  }
  yield 'fanout: beside viewers that can’t follow';
  const calm: Row[] = [];
  const rough: Row[] = [];
  for (let round = 0; round < plan.fanoutRounds; round += 1) {
    calm.push(await watch(own('/stream'), '/stream', 50, NONE, plan.fanoutSeconds));
    rough.push(await watch(own('/stream'), '/stream', 50, HALF, plan.fanoutSeconds));
  }
  const { table, verdicts } = report(rounds, calm, rough, jpeg.length, plan);
  yield table;
  return { verdicts, raw: { rounds, calm, rough } };
}

/** Returns each server's rows; the servers take turns. */
async function inTurns(servers: Server[], stream: string, viewers: number, plan: Plan): Promise<Row[][]> {
  const turns: Row[][] = servers.map(() => []);
  for (let round = 0; round < plan.fanoutRounds; round += 1) {
    for (const [i, server] of servers.entries())
      turns[i]!.push(await watch(server, stream, viewers, NONE, plan.fanoutSeconds));
  }
  return turns;
}

async function watch(
  server: Server,
  stream: string,
  viewers: number,
  hindrance: Hindrance,
  seconds: number,
): Promise<Row> {
  await using load = await Viewers.watch({ ...server.task, viewers, ...hindrance });
  await sleep(SETTLE_MS);
  await load.tally();
  const before = usage(server.pid)!;
  await sleep(1000 * seconds);
  const tally = await load.tally();
  const after = usage(server.pid)!;
  const rates = tally.frames.map(frames => frames / tally.seconds);
  return {
    server: server.name,
    stream,
    viewers,
    ...hindrance,
    fps: { min: Math.min(...rates), median: median(rates) },
    megabytes: tally.bytes / 1e6 / tally.seconds,
    cpuMs: (after.cpuMs - before.cpuMs) / tally.seconds,
    loadCpuMs: tally.cpuMs / tally.seconds,
    residentMb: after.residentKb / 1024,
  };
}
