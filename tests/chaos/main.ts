/** `npm run chaos`: a campaign of faults against the real chain, and a table of what came of each. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { endDescendantsWithUs } from '../../bench/descendants.ts';
import { seeded } from '../../bench/soak/random.ts';
import { campaign, type Outcome } from './campaign.ts';
import { fakeClock } from './fake-clock.ts';
import { FAULTS } from './faults.ts';
import { moveToOwnNetwork } from './own-network.ts';
import { table } from './table.ts';

const OUTCOMES = 'build/chaos/outcomes.json';

const USAGE = `npm run chaos -- [OPTION]…
  --seed N      what is random is the same with the same seed; 1 if not given
  --rounds N    how often each fault is injected, in another order each time; 1
  --minutes N   begin nothing after this time; 60
  --from N      go on with this one of the plan, and add to the last report
  --only WORDS  only faults whose names have these words
  --list        print their names`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    list: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    from: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const [seed, rounds, minutes] = [values.seed, values.rounds, values.minutes].map(Number) as [
  number,
  number,
  number,
];
if (values.help || !Number.isInteger(seed) || !(rounds > 0) || !(minutes > 0)) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.list) {
  for (const { name } of FAULTS) console.log(name);
} else {
  // Before there is no network to have it from.
  fakeClock.missing();
  moveToOwnNetwork();
  endDescendantsWithUs();
  await run();
}

async function run(): Promise<void> {
  const random = seeded(seed);
  const missing = FAULTS.flatMap(({ name, missing: why }) => (why?.() ? [`${name}: ${why()}`] : []));
  const able = FAULTS.filter(fault => fault.name.includes(values.only) && !fault.missing?.());
  const plan = Array.from({ length: rounds }, () => shuffled(able, random)).flat();
  const endMs = performance.now() + minutes * 60_000;
  const from = Number(values.from) - 1;
  const outcomes: Outcome[] = from > 0 ? JSON.parse(readFileSync(OUTCOMES, 'utf8')).slice(0, from) : [];
  for await (const outcome of campaign(plan.slice(from), random)) {
    outcomes.push(outcome);
    const { fault, liveAgainMs, failures } = outcome;
    const again = liveAgainMs === undefined ? 'never' : `${Math.round(liveAgainMs)} ms`;
    console.error(`${outcomes.length}/${plan.length} ${fault}: live again after ${again}`);
    for (const failure of failures) console.error(`   FAULT: ${failure}`);
    if (failures.length > 0) {
      for (const line of [...outcome.said, ...outcome.counted, ...outcome.logged])
        console.error(`     ${line}`);
    }
    if (performance.now() > endMs) break;
  }
  const conditions = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}, load ${loadavg()[0]!.toFixed(1)}, seed ${seed}`;
  const report = [conditions, '', table(outcomes), ...missing.map(line => `Not injected: ${line}`), ''].join(
    '\n',
  );
  console.log(report);
  mkdirSync('build/chaos', { recursive: true });
  writeFileSync('build/chaos/report.md', report);
  writeFileSync(OUTCOMES, JSON.stringify(outcomes, null, 2));
  if (outcomes.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

/** Fisher and Yates. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const all = [...values];
  for (let i = all.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all;
}
