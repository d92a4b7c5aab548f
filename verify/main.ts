/**
 * `npm run verify-images [-- OPTION… [IMAGE…]]`: whether images hold known vulnerabilities, and whether they hold only what
 * their SBOM says. An IMAGE is an OCI archive, a docker-archive, the tar of a root filesystem or a folder with one; without
 * any, podman is asked for the three that are built here.
 *
 * Exit code: 0 verified, 1 something to mend, 2 a command line that is wrong, 3 a check could not be made.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { extract } from 'tar';
import { asError } from '../apps/common/errors.ts';
import { type Acceptance, readAcceptances } from './gate/acceptance.ts';
import type { Scanner } from './gate/finding.ts';
import { EXIT, judge } from './gate/gate.ts';
import { type ImageReport, page, reportOf } from './gate/report.ts';
import { readImage } from './image/archive.ts';
import { violationsOf } from './image/completeness.ts';
import { lockedPackages } from './image/npm.ts';
import { provenanceOf } from './image/provenance.ts';
import { archiveState, sbomOf } from './image/sbom.ts';
import { schemaFaults } from './image/schema.ts';
import { grype } from './scanners/grype.ts';
import { npmAudit } from './scanners/npm-audit.ts';
import { osvScanner } from './scanners/osv-scanner.ts';
import { run } from './scanners/run.ts';
import { scanWith } from './scanners/scan.ts';
import { trivy } from './scanners/trivy.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const LOCKFILE = join(HERE, '../package-lock.json');
const CANARY = join(HERE, 'scanners/canary.cdx.json');
const ACCEPTED = join(HERE, 'accepted.openvex.json');
const SERVICES = ['playback', 'redactor', 'visualizer'];
const REQUIRED = [trivy, grype, npmAudit];
/** Runs where it is installed; what it sees the others see as well. */
const OPTIONAL = [osvScanner];
const USAGE = 'Usage: npm run verify-images [-- [--out FOLDER] [--accepted OPENVEX] [--tag TAG] [IMAGE…]]';

class UsageError extends Error {}

try {
  await verifyImages();
} catch (thrown) {
  console.error(asError(thrown).message);
  process.exitCode = thrown instanceof UsageError ? 2 : EXIT.unverified;
}

async function verifyImages(): Promise<void> {
  const now = new Date();
  const options = readCommandLine();
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const accepted = await acceptancesAt(options.accepted);
  const scanners = await installed();
  const paths = options.images.length > 0 ? options.images : await savedByPodman(options.tag, out);

  const images: ImageReport[] = [];
  for (const path of paths) images.push(await verify(path, out, accepted.acceptances, scanners, now));
  const report = reportOf(images, accepted.file, now);
  const text = page(report);
  await writeFile(join(out, 'report.txt'), text);
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(
    `${text}\n${relative(process.cwd(), out) || '.'}/ has this page, its JSON and the SBOMs.\n`,
  );
  process.exitCode = EXIT[report.outcome];
}

async function verify(
  path: string,
  out: string,
  acceptances: Acceptance[],
  scanners: Scanner[],
  now: Date,
): Promise<ImageReport> {
  const image = await readImage(path);
  const sbom = sbomOf(image);
  const faults = schemaFaults(sbom);
  if (faults.length > 0)
    throw new Error(`the SBOM of ${image.name} is not valid CycloneDX: ${faults.join('; ')}`);
  const sbomPath = join(out, `${image.name}.cdx.json`);
  await writeFile(sbomPath, `${JSON.stringify(sbom, null, 2)}\n`);
  await writeFile(
    join(out, `${image.name}.provenance.json`),
    `${JSON.stringify(provenanceOf(image), null, 2)}\n`,
  );

  const locked = lockedPackages(JSON.parse(await readFile(LOCKFILE, 'utf8')));
  const violations = violationsOf(image, locked, now);
  const state = archiveState(image.rootfs)?.toISOString();
  // Scanners read the archive and the SBOM for themselves, and need the room on disk.
  image[Symbol.dispose]();
  await using layout = image.format === 'oci-archive' ? await unpacked(path, out) : undefined;
  const places = {
    image: { format: image.format, path: resolve(path), ...(layout && { layout: layout.path }) },
    sbom: sbomPath,
    lockfile: LOCKFILE,
  };
  const runs = [];
  for (const scanner of scanners) runs.push(...(await scanWith(scanner, places, CANARY, run)));
  return {
    name: image.name,
    file: relative(process.cwd(), path),
    ...(image.id !== undefined && { id: image.id }),
    ...(image.digest !== undefined && { digest: image.digest }),
    ...(image.createdAt !== undefined && { createdAt: image.createdAt }),
    ...(state !== undefined && { archiveState: state }),
    sbom: relative(process.cwd(), sbomPath),
    components: sbom.components,
    runs,
    verdict: judge({ components: sbom.components, runs, violations, acceptances }, now),
  };
}

/** The archive's content in a folder beside the reports, which is as large as the archive and goes with the scans. */
async function unpacked(archive: string, out: string) {
  const folder = await mkdtempDisposable(join(out, 'layout-'));
  await extract({ file: archive, cwd: folder.path });
  return folder;
}

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'build/verify' },
        accepted: { type: 'string', default: ACCEPTED },
        tag: { type: 'string', default: 'latest' },
      },
    });
    const absent = positionals.filter(path => !existsSync(path));
    if (absent.length > 0) throw new Error(`there is no ${absent.join(', ')}`);
    return { ...values, images: positionals };
  } catch (thrown) {
    throw new UsageError(`${asError(thrown).message}\n${USAGE}`);
  }
}

async function acceptancesAt(path: string): Promise<{ acceptances: Acceptance[]; file: string | undefined }> {
  if (!existsSync(path)) {
    if (path !== ACCEPTED) throw new UsageError(`there is no ${path}\n${USAGE}`);
    return { acceptances: [], file: undefined };
  }
  const { acceptances, faults } = readAcceptances(JSON.parse(await readFile(path, 'utf8')));
  if (faults.length > 0) throw new UsageError(`${path}: ${faults.join('; ')}`);
  return { acceptances, file: relative(process.cwd(), path) };
}

async function installed(): Promise<Scanner[]> {
  const there = await Promise.all(
    OPTIONAL.map(async scanner => ((await run(scanner.about[0]!)) === undefined ? [] : [scanner])),
  );
  return [...REQUIRED, ...there.flat()];
}

/**
 * The images of this user's podman, as OCI archives: in that form their digests are the ones that podman shows. Each is
 * saved by its id: an archive that carried a name would take that name away from the image that has it where it is loaded.
 */
async function savedByPodman(tag: string, out: string): Promise<string[]> {
  const saved: string[] = [];
  for (const service of SERVICES) {
    const name = `localhost/noaa-${service}:${tag}`;
    const archive = join(out, `noaa-${service}.oci.tar`);
    // podman does not write over an archive.
    await rm(archive, { force: true });
    const inspected = await run(['podman', 'image', 'inspect', '--format', '{{.Id}}', name]);
    if (inspected === undefined)
      throw new UsageError(`podman is not here, so name the archives to look at\n${USAGE}`);
    if (inspected.code !== 0)
      throw new UsageError(`podman has no ${name}: build it (quadlet/noaa build), or name archives`);
    const save = ['podman', 'save', '--quiet', '--format', 'oci-archive', '--output', archive];
    const output = await run([...save, inspected.stdout.trim()]);
    if (output?.code !== 0)
      throw new Error(`podman could not save ${name} to ${archive}: ${output?.stderr.trim()}`);
    saved.push(archive);
  }
  return saved;
}
