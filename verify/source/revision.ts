/** Reads the tree of the revision that an image names, from the objects of a git clone. Nothing of it is run. */
import { spawn } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Budget } from '../image/budget.ts';
import { eachEntry } from '../image/tar-entries.ts';
import { CannotCompare } from './cannot-compare.ts';

/** The files of a revision by path, `apps/redactor/main.ts`. */
export type Tree = Map<string, Buffer>;

/** How an image is made of a tree, and of which packages. It must be as in the clone's own files, which are used for it. */
const RULES =
  /^(Containerfile\.\w+|\.containerignore|package(-lock)?\.json|tsconfig\.json|apps\/visualizer\/(page\/)?tsconfig(\.messages)?\.json)$/;
/** Those that this verifier runs itself. */
const OWN_RULES = /^(tools\/image\/[^/]+|apps\/visualizer\/page\/build)$/;
const OWN_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Returns the files of a revision of the clone. Throws CannotCompare if the image names no commit, the clone does not have
 * it, or has other rules checked out.
 */
export async function treeOf(clone: string, revision: string): Promise<Tree> {
  if (!/^[0-9a-f]{40}$/.test(revision)) {
    throw new CannotCompare(
      `the image was not built from a commit (its revision is "${revision}"), so nothing says what its code should be: commit, and build it again`,
    );
  }
  const tree = await archived(clone, revision);
  const others = [...tree]
    .filter(
      ([path, bytes]) =>
        (RULES.test(path) && !isSame(join(clone, path), bytes)) ||
        (OWN_RULES.test(path) && !isSame(join(OWN_ROOT, path), bytes)),
    )
    .map(([path]) => path);
  if (others.length > 0) {
    throw new CannotCompare(
      `the image's revision ${revision.slice(0, 12)} is made by other rules (${others.slice(0, 3).join(', ')}): verify it from a checkout of that revision`,
    );
  }
  return tree;
}

async function archived(clone: string, revision: string): Promise<Tree> {
  // As committed, whatever line ends this user's git would write.
  const settings = ['-c', 'core.autocrlf=false', '-c', 'core.eol=lf', '-c', 'core.attributesFile=/dev/null'];
  const git = spawn('git', ['-C', clone, ...settings, 'archive', '--format=tar', revision], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  git.once('error', reject).once('close', resolve);
  const tree: Tree = new Map();
  const read = eachEntry(git.stdout, new Budget(Number.POSITIVE_INFINITY), ({ entry }) => {
    const chunks: Buffer[] = [];
    if (entry.type === 'File')
      entry
        .on('end', () => tree.set(entry.path, Buffer.concat(chunks)))
        .on('data', chunk => chunks.push(chunk));
    else entry.resume();
  });
  const [code, said, readable] = await Promise.allSettled([promise, text(git.stderr), read]);
  if (code.status === 'rejected')
    throw new CannotCompare('git is missing, so the code cannot be compared: install git');
  if (code.value !== 0 || readable.status === 'rejected') {
    const why = said.status === 'fulfilled' ? said.value.trim().split('\n').pop() : '';
    throw new CannotCompare(`${clone} does not have the image's revision ${revision}: git fetch (${why})`);
  }
  return tree;
}

function isSame(path: string, bytes: Buffer): boolean {
  try {
    return lstatSync(path).isFile() && readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}
