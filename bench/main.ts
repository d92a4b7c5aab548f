/** `npm run bench`: measures what the README claims, against what an engineer would write instead. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { cost } from './cost.ts';
import { endDescendantsWithUs } from './descendants.ts';
import { fanout } from './fanout.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { PEERS } from './peers.ts';
import { CLIPS, type Plan, planOf } from './plan.ts';
import { type Findings, printTable, type Section, type Table, writeResult } from './report.ts';
import { start } from './start.ts';
import { throughput } from './throughput.ts';
import { wire } from './wire.ts';

const SECTIONS: Record<string, (plan: Plan) => Section> = {
  throughput,
  wire,
  latency,
  fanout,
  start,
  cost,
  memory,
};

const USAGE = `npm run bench -- [OPTION]…
  --quick                 one clip, three rounds: a few minutes
  --full                  the memory's curve over 30 minutes
  --only SECTION,…        of ${Object.keys(SECTIONS).join(', ')}
  --clips CLIP,…          of ${CLIPS.join(', ')}, for throughput
  --rounds N              turns that each contender takes
  --memory-minutes N      length of the memory's curve`;

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

/** The command line, or undefined where it can't be understood, which has been said. */
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
    // A clip takes minutes, and whoever ends us in the middle has what came before.
    const measuring = SECTIONS[name]!(plan);
    let told = await measuring.next();
    for (; !told.done; told = await measuring.next()) {
      if (typeof told.value === 'string') {
        console.error(`${new Date().toTimeString().slice(0, 8)} ${told.value}`);
        continue;
      }
      printTable(told.value);
      section.tables.push(told.value);
      write();
    }
    Object.assign(section, told.value);
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
