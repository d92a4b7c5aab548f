/**
 * `npm run verify-images [-- OPTION… [IMAGE…]]` checks images for known vulnerabilities, and that they hold exactly what their
 * SBOM, their revision and its lockfile say. An IMAGE is an OCI archive, a docker-archive, the tar of a root filesystem or a
 * folder with one; without any, the three images of this user's podman.
 *
 * Exit code: 0 verified, 1 something to fix, 2 the command line is wrong, 3 a check could not be made.
 */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { asError } from '../apps/common/errors.ts';
import { readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './gate/gate.ts';
import { page, reportOf } from './gate/report.ts';
import { savedByPodman } from './podman.ts';
import { installedScanners } from './scanners/installed.ts';
import { run } from './scanners/run.ts';
import { Tarballs } from './source/tarballs.ts';
import { verifyImage } from './verify-image.ts';

try {
  await verifyImages();
} catch (thrown) {
  console.error(asError(thrown).message);
  process.exitCode = thrown instanceof UsageError ? 2 : EXIT.unverified;
}

async function verifyImages(): Promise<void> {
  const now = new Date();
  const { images, tag, acceptanceFile, ...options } = readCommandLine(process.argv.slice(2), path =>
    readFileSync(path, 'utf8'),
  );
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const scanners = await installedScanners();
  const tarballs = new Tarballs(join(out, 'tarballs'), run);
  const reports = [];
  for (const path of images.length > 0 ? images : await savedByPodman(tag, out))
    reports.push(await verifyImage(path, { ...options, out, scanners, tarballs, now }));
  const report = reportOf(reports, acceptanceFile, now);
  const text = page(report);
  await writeFile(join(out, 'report.txt'), text);
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(
    `${text}\n${relative(process.cwd(), out) || '.'}/ has this page, its JSON and the SBOMs.\n`,
  );
  process.exitCode = EXIT[report.outcome];
}
