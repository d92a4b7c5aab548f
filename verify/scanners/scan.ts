/** Runs a scanner on an image, its SBOM and the lockfile. A scanner that finds nothing in the canary is blind, and proves nothing. */
import {
  NothingScanned,
  type Output,
  type Paths,
  type Scan,
  type Scanner,
  type Subject,
} from '../gate/finding.ts';
import type { Doubt, Run } from '../gate/gate.ts';
import { CANARIES } from '../gate/limits.ts';

export type RunProgram = (command: string[]) => Promise<Output | undefined>;

const SUBJECTS: Subject[] = ['image', 'sbom', 'lockfile'];

export async function scanWith(
  scanner: Scanner,
  paths: Paths,
  canary: string,
  runProgram: RunProgram,
): Promise<Run[]> {
  const { name, sees } = scanner;
  const failed = (subject: Subject, doubt: Doubt, detail: string): Run => ({
    scanner: name,
    sees,
    subject,
    result: { doubt, scanner: name, detail },
  });

  if ((await runProgram(scanner.about[0]!)) === undefined) {
    return [failed('image', 'missing', 'it is not installed')];
  }
  const runs: Run[] = [];
  for (const subject of SUBJECTS) {
    const command = scanner.command(subject, paths);
    if (command)
      runs.push({ scanner: name, sees, subject, result: await scanOnce(scanner, command, runProgram) });
  }
  if (sees.length > 0 && scanner.command('sbom', paths)) {
    runs.push(...(await canaryRuns(scanner, { ...paths, sbom: canary }, runProgram, failed)));
  }
  const about = await aboutOf(scanner, runProgram);
  return runs.map(run => ({ ...run, ...about }));
}

async function canaryRuns(
  scanner: Scanner,
  paths: Paths,
  runProgram: RunProgram,
  failed: (subject: Subject, doubt: Doubt, detail: string) => Run,
): Promise<Run[]> {
  const result = await scanOnce(scanner, scanner.command('sbom', paths)!, runProgram);
  if (!('findings' in result))
    return [failed('sbom', 'blind', `shown known vulnerabilities, ${result.detail}`)];
  return scanner.sees
    .filter(kind => !result.findings.some(finding => finding.package === CANARIES[kind]))
    .map(kind =>
      failed('sbom', 'blind', `shown ${CANARIES[kind]} with known vulnerabilities, it found none`),
    );
}

async function scanOnce(scanner: Scanner, command: string[], runProgram: RunProgram): Promise<Run['result']> {
  const output = await runProgram(command);
  const failed = (doubt: Doubt, detail: string) => ({ doubt, scanner: scanner.name, detail });
  if (output === undefined) return failed('missing', 'it is not installed');
  if (output.code === undefined) return failed('crashed', 'it was ended by a signal or took too long');
  try {
    return scanner.read(output) satisfies Scan;
  } catch (thrown) {
    if (thrown instanceof NothingScanned) return failed('nothing scanned', thrown.message);
    const said = lastLine(output.stderr) || (thrown as Error).message;
    return failed('crashed', `it ended with code ${output.code}: ${said}`);
  }
}

async function aboutOf(scanner: Scanner, runProgram: RunProgram): Promise<Pick<Run, 'version' | 'database'>> {
  const outputs = await Promise.all(scanner.about.map(command => runProgram(command)));
  try {
    const { version, databaseBuiltAt } = scanner.readAbout(outputs.map(output => output?.stdout ?? ''));
    return {
      version,
      database: scanner.online
        ? 'online'
        : databaseBuiltAt === undefined
          ? undefined
          : { builtAt: databaseBuiltAt },
    };
  } catch {
    return { database: scanner.online ? 'online' : undefined };
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').pop() ?? '';
}
