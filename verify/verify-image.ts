/** Verifies one image: reads it, writes its SBOM and its origin, compares it with its source, has it scanned, judges. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import type { Acceptance } from './gate/acceptance.ts';
import type { Paths, Scanner } from './gate/finding.ts';
import { judge, type Problem, type Run } from './gate/gate.ts';
import type { ImageReport } from './gate/report.ts';
import { type Image, readImage } from './image/archive.ts';
import { violationsOf } from './image/completeness.ts';
import { archiveState } from './image/hand-made-sbom.ts';
import { lockedPackages } from './image/npm.ts';
import { provenanceOf } from './image/provenance.ts';
import { type Sbom, sbomOf } from './image/sbom.ts';
import { schemaFaults } from './image/schema.ts';
import { run } from './scanners/run.ts';
import { scanWith } from './scanners/scan.ts';
import { CannotCompare } from './source/cannot-compare.ts';
import { type Expected, expectedOf } from './source/expected.ts';
import type { Tarballs } from './source/tarballs.ts';

const CANARY = fileURLToPath(new URL('scanners/canary.cdx.json', import.meta.url));

export interface Gate {
  /** The folder of the report, the SBOMs and the origins. */
  out: string;
  /** The git clone that the images were built from. */
  source: string;
  tarballs: Tarballs;
  scanners: Scanner[];
  acceptances: Acceptance[];
  now: Date;
}

export async function verifyImage(path: string, gate: Gate): Promise<ImageReport> {
  const { sbom, facts, violations, problems } = await readAll(path, gate);
  const runs = await scanned(path, facts, gate);
  const { acceptances, now } = gate;
  return {
    ...facts,
    file: relative(process.cwd(), path),
    sbom: relative(process.cwd(), sbomPath(facts.name, gate)),
    components: sbom.components,
    runs,
    verdict: judge({ components: sbom.components, runs, violations, problems, acceptances }, now),
  };
}

/** All that needs the image's files, which are freed at its end: scanners read the archive for themselves. */
async function readAll(path: string, gate: Gate) {
  using image = await readImage(path);
  const sbom = await writeDocuments(image, gate);
  const lockfile = JSON.parse(await readFile(lockfileOf(gate), 'utf8'));
  const { expected, problems } = await compared(image, gate);
  const state = archiveState(image.rootfs)?.toISOString();
  const { name, format, id, digest, createdAt } = image;
  return {
    sbom,
    problems,
    violations: violationsOf(image, lockedPackages(lockfile), gate.now, expected),
    facts: {
      name,
      format,
      ...(id !== undefined && { id }),
      ...(digest !== undefined && { digest }),
      ...(createdAt !== undefined && { createdAt }),
      ...(state !== undefined && { archiveState: state }),
      ...(expected?.code && { revision: expected.code.revision }),
    },
  };
}

async function writeDocuments(image: Image, gate: Gate): Promise<Sbom> {
  const sbom = sbomOf(image);
  const faults = schemaFaults(sbom);
  if (faults.length > 0)
    throw new Error(`the SBOM of ${image.name} is not valid CycloneDX: ${faults.join('; ')}`);
  const write = (to: string, document: object) => writeFile(to, `${JSON.stringify(document, null, 2)}\n`);
  await write(sbomPath(image.name, gate), sbom);
  await write(join(gate.out, `${image.name}.provenance.json`), provenanceOf(image));
  return sbom;
}

/** What the image should be; where that cannot be known, why, so that it is never taken for a pass. */
async function compared(
  image: Image,
  { source, tarballs }: Gate,
): Promise<{ expected?: Expected; problems: Problem[] }> {
  try {
    const expected = await expectedOf(image, source, tarballs);
    return { expected, problems: expected.unknown === undefined ? [] : [notCompared(expected.unknown)] };
  } catch (thrown) {
    if (!(thrown instanceof CannotCompare)) throw thrown;
    return { problems: [notCompared(thrown.message)] };
  }
}

function notCompared(detail: string): Problem {
  return { doubt: 'not compared', scanner: 'source', detail };
}

async function scanned(
  path: string,
  { name, format }: Pick<Image, 'name' | 'format'>,
  gate: Gate,
): Promise<Run[]> {
  await using layout = format === 'oci-archive' ? await unpacked(path, gate.out) : undefined;
  const places: Paths = {
    image: { format, path: resolve(path), ...(layout && { layout: layout.path }) },
    sbom: sbomPath(name, gate),
    lockfile: lockfileOf(gate),
  };
  const runs: Run[] = [];
  for (const scanner of gate.scanners) runs.push(...(await scanWith(scanner, places, CANARY, run)));
  return runs;
}

/** The archive's content in a folder beside the reports, as large as the archive, until the scans have ended. */
async function unpacked(archive: string, out: string) {
  const folder = await mkdtempDisposable(join(out, 'layout-'));
  await extract({ file: archive, cwd: folder.path });
  return folder;
}

const sbomPath = (name: string, { out }: Gate) => join(out, `${name}.cdx.json`);
const lockfileOf = ({ source }: Gate) => resolve(source, 'package-lock.json');
