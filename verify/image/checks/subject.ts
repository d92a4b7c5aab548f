/** What every check is given: an image, and what was read out of it once for all of them. */
import type { Expected } from '../../source/expected.ts';
import type { Image } from '../archive.ts';
import { debianPackages, ownedPaths, recordedSums } from '../dpkg.ts';
import { type Elf, isElf, readElf } from '../elf.ts';
import { namedFiles } from '../hand-made-sbom.ts';
import type { Entry, Rootfs } from '../rootfs.ts';

export interface Subject {
  image: Image;
  rootfs: Rootfs;
  /** Path → the Debian package that owns it. */
  owners: Map<string, string>;
  /** The packages of Debian by dpkg's status, which is what scanners read. */
  installed: Set<string>;
  /** Path → the MD5 that dpkg recorded. */
  sums: Map<string, string>;
  /** Path → the SHA-256 that the image's own SBOM gives. */
  named: Map<string, string>;
  elves: Map<string, Elf>;
  /** ELF files that cannot be read. */
  broken: string[];
  /** `name@version` of what the lockfile allows; undefined if there is none to compare with. */
  locked: Set<string> | undefined;
  /** What our code and npm's packages must be; undefined if nothing is known of it, which is never a pass. */
  expected: Expected | undefined;
  /** The day that the image is judged on. */
  now: Date;
}

export interface Fault {
  path: string;
  message: string;
}

export type Check = (subject: Subject) => Fault[];

export function subjectOf(image: Image, given: Pick<Subject, 'locked' | 'expected' | 'now'>): Subject {
  const { rootfs } = image;
  return {
    image,
    rootfs,
    owners: ownedPaths(rootfs),
    installed: new Set(debianPackages(rootfs).map(({ name }) => name)),
    sums: recordedSums(rootfs),
    named: namedFiles(rootfs),
    ...elvesOf(rootfs),
    ...given,
  };
}

export function filesOf(rootfs: Rootfs): [string, Entry][] {
  return [...rootfs].filter(([, { type }]) => type === 'file');
}

function elvesOf(rootfs: Rootfs): Pick<Subject, 'elves' | 'broken'> {
  const elves = new Map<string, Elf>();
  const broken: string[] = [];
  for (const [path, entry] of filesOf(rootfs)) {
    if (!isElf(entry.read(0, 65))) continue;
    try {
      elves.set(path, readElf(entry.read()));
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      broken.push(path);
    }
  }
  return { elves, broken };
}
