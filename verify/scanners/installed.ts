/** The scanners that the gate runs. */
import type { Scanner } from '../gate/finding.ts';
import { grype } from './grype.ts';
import { npmAudit } from './npm-audit.ts';
import { osvScanner } from './osv-scanner.ts';
import { run } from './run.ts';
import { trivy } from './trivy.ts';

const REQUIRED = [trivy, grype, npmAudit];
/** Used if installed: the others see all that it sees. */
const OPTIONAL = [osvScanner];

export async function installedScanners(): Promise<Scanner[]> {
  const there = await Promise.all(
    OPTIONAL.map(async scanner => ((await run(scanner.about[0]!)) === undefined ? [] : [scanner])),
  );
  return [...REQUIRED, ...there.flat()];
}
