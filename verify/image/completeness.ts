/**
 * What must hold in an image before a scanner's silence means anything: everything in it has a name and is what that name
 * stands for, and nothing is in it that does not belong there.
 */
import type { Expected } from '../source/expected.ts';
import type { Image } from './archive.ts';
import { rebuildDue, undated } from './checks/age.ts';
import { foreignPlatforms, misplacedLibraries, missingSbomFiles, unnamedElves } from './checks/binaries.ts';
import { generatedFaults } from './checks/generated.ts';
import { changedFiles, preloaded, strayLinks, unexplainedFiles, unlockedPackages } from './checks/origin.ts';
import { shells, tools, unaskedPrograms } from './checks/programs.ts';
import { notOwnedByRoot, otherModes, runsAsRoot, setuidFiles, worldWritable } from './checks/rights.ts';
import { leftovers, secrets } from './checks/secrets.ts';
import { alteredCode, alteredNode, alteredPackages, alteredSettings, misnamed } from './checks/source.ts';
import { type Check, type Fault, subjectOf } from './checks/subject.ts';

export interface Violation extends Fault {
  check: keyof typeof CHECKS;
}

/** By the name that a violation carries. */
const CHECKS = {
  'elf-unnamed': unnamedElves,
  'sbom-file-missing': missingSbomFiles,
  'foreign-platform': foreignPlatforms,
  'library-in-node-modules': misplacedLibraries,
  changed: changedFiles,
  'generated-changed': generatedFaults,
  'code-changed': alteredCode,
  'package-changed': alteredPackages,
  'node-changed': alteredNode,
  'settings-changed': alteredSettings,
  misnamed,
  unexplained: unexplainedFiles,
  preloaded,
  'stray-link': strayLinks,
  'not-in-lockfile': unlockedPackages,
  setuid: setuidFiles,
  'world-writable': worldWritable,
  'mode-changed': otherModes,
  'not-root-owned': notOwnedByRoot,
  'runs-as-root': runsAsRoot,
  undated,
  secret: secrets,
  leftover: leftovers,
  'program-unasked': unaskedPrograms,
  shell: shells,
  tool: tools,
  'rebuild-due': rebuildDue,
} satisfies Record<string, Check>;

/**
 * @param locked what the lockfile allows, where there is one
 * @param now the day that the image is judged on
 * @param expected what our code and npm's packages must be; without it they are not compared, which the caller must report
 */
export function violationsOf(
  image: Image,
  locked: Set<string> | undefined,
  now: Date,
  expected?: Expected,
): Violation[] {
  const subject = subjectOf(image, { locked, expected, now });
  return (Object.keys(CHECKS) as (keyof typeof CHECKS)[]).flatMap(check =>
    CHECKS[check](subject).map(fault => ({ check, ...fault })),
  );
}
