/** `npm run bench`: measures what the README claims, against what an engineer would write instead. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { PEERS } from './contenders/peers.ts';
import { endDescendantsWithUs } from './descendants.ts';
import { CLIPS, type Plan, planOf } from './plan.ts';
import { type Findings, printTable, type Section, type Table, writeResult } from './report.ts';
import { cost } from './sections/cost.ts';
import { fanout } from './sections/fanout.ts';
import { latency } from './sections/latency.ts';
import { memory } from './sections/memory.ts';
import { relay } from './sections/relay.ts';
import { start } from './sections/start.ts';
import { throughput } from './sections/throughput.ts';
import { ways } from './sections/ways.ts';
import { wire } from './sections/wire.ts';

const SECTIONS: Record<string, (plan: Plan) => Section> = {
  throughput,
  wire,
  latency,
  fanout,
  relay,
  ways,
  start,
  cost,
  memory,
};

const USAGE = `npm run bench -- [OPTION]…
  --quick                 one clip, three rounds: a few minutes
  --full                  the memory curve over 30 minutes
  --only SECTION,…        some of ${Object.keys(SECTIONS).join(', ')}
  --clips CLIP,…          some of ${CLIPS.join(', ')}, for throughput
  --rounds N              turns that each contender takes
  --memory-minutes N      length of the memory curve`;

const options = given();
const names = options?.only.split(',') ?? [];
const unknown = [
  ...choose('--only', names, Object.keys(SECTIONS)),
  ...choose('--clips', options?.clips?.split(',') ?? [], CLIPS),
  ...positive('--rounds', options?.rounds),
  ...positive('--memory-minutes', options?.['memory-minutes']),
];
if (!options || unknown.length > 0) {
  for (const line of [...unknown, USAGE]) console.error(line);
  process.exitCode = 2;
} else if (options.help) {
  console.log(USAGE);
} else {
  endDescendantsWithUs();
  await measure(
    planOf(
      options,
      PEERS.filter(peer => peer.missing === undefined),
    ),
  );
}

/** Returns the command line; undefined, with a line on stderr, if it can't be understood. */
function given() {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        quick: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        only: { type: 'string', default: Object.keys(SECTIONS).join(',') },
        rounds: { type: 'string' },
        clips: { type: 'string' },
        'memory-minutes': { type: 'string' },
      },
    }).values;
  } catch (thrown) {
    console.error((thrown as Error).message);
    return undefined;
  }
}

function choose(option: string, given: string[], known: string[]): string[] {
  const strange = given.filter(name => !known.includes(name));
  return strange.length === 0 ? [] : [`${option} ${strange.join(',')}: choose from ${known.join(',')}`];
}

function positive(option: string, value: string | undefined): string[] {
  return value === undefined || Number(value) > 0 ? [] : [`${option} ${value}: a number above 0`];
}

async function measure(plan: Plan): Promise<void> {
  const missing = [...new Set(PEERS.flatMap(peer => peer.missing ?? []))];
  for (const what of missing) console.log(`MISSING, so not compared with: ${what}`);
  const machine = {
    date: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    processor: cpus()[0]?.model,
    processors: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg(),
    missing,
  };
  console.log(
    `${machine.processors} × ${machine.processor}, load ${machine.loadBefore.map(load => load.toFixed(1)).join(' ')}`,
  );
  const sections: ({ name: string; tables: Table[] } & Partial<Findings>)[] = [];
  const write = () => writeResult('results.json', `${JSON.stringify({ machine, sections }, null, 2)}\n`);
  for (const name of names) {
    const section: (typeof sections)[number] = { name, tables: [] };
    sections.push(section);
    // A clip takes minutes: what is known so far is kept if the benchmark is interrupted.
    const measuring = SECTIONS[name]!(plan);
    let step = await measuring.next();
    for (; !step.done; step = await measuring.next()) {
      if (typeof step.value === 'string') {
        console.error(`${new Date().toTimeString().slice(0, 8)} ${step.value}`);
        continue;
      }
      printTable(step.value);
      section.tables.push(step.value);
      write();
    }
    Object.assign(section, step.value);
    write();
  }
  printTable({
    title: 'Summary',
    columns: ['', 'found', 'target', ''],
    rows: sections.flatMap(({ verdicts = [] }) =>
      verdicts.map(({ what, found, target, met }) => [
        what,
        found,
        target,
        met === undefined ? '' : met ? 'met' : 'NOT met',
      ]),
    ),
    notes: ['build/bench/ holds all of it: results.json and the plots'],
  });
}
