/** `npm run soak`: the services under viewers and clips that change, and whether memory and descriptors stay where they are. */
import { execFileSync, fork } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endDescendantsWithUs } from '../descendants.ts';
import { Services } from '../load/services.ts';
import { endPart, message } from '../part.ts';
import type { Attendance, AudienceTask } from './audience.ts';
import { CLIP_TURN_S, Programme } from './programme.ts';
import { type Conditions, report, type Sample } from './report.ts';
import { decodersOf, held } from './sample.ts';

const SAMPLE_MS = 5000;
const SEED = 1;

const USAGE = `npm run soak -- [OPTION]…
  --minutes N     how long; 10 if not given
  --viewers N     viewers at a time; 50
  --fps N         frames a second of the clips; 10
  --log FILE      where each sample goes, a line each; build/bench/soak/log.jsonl
  --render        only write the report of such a log, also while it grows`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    minutes: { type: 'string', default: '10' },
    viewers: { type: 'string', default: '50' },
    fps: { type: 'string', default: '10' },
    log: { type: 'string', default: 'build/bench/soak/log.jsonl' },
    render: { type: 'boolean', default: false },
  },
});
const figures = { minutes: Number(values.minutes), viewers: Number(values.viewers), fps: Number(values.fps) };
if (values.help || Object.values(figures).some(value => !(value > 0))) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  if (!values.render) {
    endDescendantsWithUs();
    await soak(figures, values.log);
  }
  const [conditions, ...samples] = readFileSync(values.log, 'utf8')
    .split('\n')
    .filter(line => line.endsWith('}'))
    .map(line => JSON.parse(line));
  console.log(report(conditions as Conditions, samples as Sample[]));
}

async function soak({ minutes, viewers, fps }: typeof figures, log: string): Promise<void> {
  const processor = cpus();
  const conditions: Conditions = {
    startedAt: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    ...{ minutes, viewers, fps },
    processors: `${processor.length} × ${processor[0]?.model}`,
    kernel: release(),
    node: process.version,
  };
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `${JSON.stringify(conditions)}\n`);
  const programme = new Programme();
  await programme.prepare(fps);
  // With the loop, as it runs by default; LOOP_FRAMES bounds it within the first minutes.
  await using services = await Services.start({ path: programme.path, environment: { LOOP_MB: '256' } });
  await services.live();
  const task: AudienceTask = { port: services.port, viewers, seed: SEED };
  const audience = fork(fileURLToPath(new URL('audience.ts', import.meta.url)), [JSON.stringify(task)]);
  const startMs = performance.now();
  let clipDueS = CLIP_TURN_S;
  for (let seconds = 0; seconds < 60 * minutes; ) {
    await sleep(SAMPLE_MS);
    seconds = (performance.now() - startMs) / 1000;
    if (seconds >= clipDueS) {
      programme.next();
      clipDueS += CLIP_TURN_S;
    }
    appendFileSync(log, `${JSON.stringify(await sampled(services, seconds, audience))}\n`);
  }
  await endPart(audience);
}

/** @throws if a service or the audience has ended: the rest of the curve would be of something else */
async function sampled(
  services: Services,
  seconds: number,
  audience: ReturnType<typeof fork>,
): Promise<Sample> {
  services.snapshot();
  const answer = message<Attendance>(audience);
  audience.send('attendance');
  const response = await fetch(`${services.url}/status`);
  const { state, viewers } = (await response.json()) as { state: string; viewers: { now: number } };
  const playback = services.pid('playback');
  return {
    seconds,
    held: {
      playback: held([playback]),
      ffmpeg: held(decodersOf(playback)),
      redactor: held([services.pid('redactor')]),
      visualizer: held([services.pid('visualizer')]),
    },
    load: loadavg()[0]!,
    viewers: viewers.now,
    live: state === 'live',
    attendance: await answer,
  };
}
