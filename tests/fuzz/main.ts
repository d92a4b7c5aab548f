/** `npm run fuzz`: looks for inputs that break a parser, guided by what of it has been run. */
import { parseArgs } from 'node:util';
import { seeded } from '../../bench/soak/random.ts';
import { fuzz, keepCorpus, keepFailure } from './engine.ts';
import { TARGETS } from './targets.ts';

const USAGE = `npm run fuzz -- [OPTION]…
  --minutes N     for each target; 2 if not given
  --target NAME   one of ${TARGETS.map(({ name }) => name).join(', ')}; all if not given
  --seed N        another search; the time if not given
  --keep          write what was learnt to tests/fuzz/corpus
  --uncalled      name the functions that no input has reached
Image archives have a search of their own: FUZZ_SECONDS=120 npm test verify/image/fuzz.test.ts`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    minutes: { type: 'string', default: '2' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    keep: { type: 'boolean', default: false },
    uncalled: { type: 'boolean', default: false },
  },
});
const wanted = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (values.help || wanted.length === 0 || !(Number(values.minutes) > 0)) {
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  console.log(`seed ${values.seed}`);
  console.log('| target | executions | seconds | a second | coverage | inputs kept | found |');
  console.log('|---|---|---|---|---|---|---|');
  for (const target of wanted) {
    const result = await fuzz(target, 60 * Number(values.minutes), seeded(Number(values.seed)));
    const { executions, seconds, coverage, corpus, failure } = result;
    const found = failure ? `**${failure.error.message.split('\n')[0]}**` : 'nothing';
    const cells = [
      target.name,
      executions.toLocaleString('en'),
      seconds.toFixed(0),
      Math.round(executions / seconds).toLocaleString('en'),
      `${(100 * coverage).toFixed(0)} %`,
      corpus.length,
      found,
    ];
    console.log(`| ${cells.join(' | ')} |`);
    if (values.uncalled) for (const name of result.uncalled) console.error(`  ${name}`);
    if (values.keep) keepCorpus(target, corpus);
    if (failure) {
      console.error(`${keepFailure(target, failure.input)} breaks it:`, failure.error);
      process.exitCode = 1;
    }
  }
}
