/** What an image must hold of our own files, made of a revision's tree as the Containerfiles make it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { asError } from '../../apps/common/errors.ts';
import { toJavaScript } from '../../tools/image/javascript.ts';
import { CannotCompare } from './cannot-compare.ts';
import type { Tree } from './revision.ts';

const PAGE = 'apps/visualizer/page';
/** This verifier's own: nothing of the image's revision is run. */
const BUILD = fileURLToPath(new URL(`../../${PAGE}/build`, import.meta.url));
const COMPILERS = [
  ['typescript', 'TypeScript'],
  ['esbuild', 'esbuild'],
] as const;
const CLIP = /^data\/(README\.md|NOAA_GOES_17_satellite_imagery\.mp4)$/;

/** Returns path in the image → SHA-256. `modules` is the node_modules whose tsc and esbuild make the page. */
export async function ownFiles(tree: Tree, service: string, modules: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const add = (path: string, bytes: Buffer | string) =>
    files.set(`/app/${path}`, createHash('sha256').update(bytes).digest('hex'));
  for (const [path, bytes] of tree) {
    if (!isCopied(path, service)) continue;
    if (!path.endsWith('.ts')) add(path, bytes);
    else if (!path.endsWith('.d.ts')) add(path.replace(/\.ts$/, '.js'), toJavaScript(bytes.toString()));
  }
  if (tree.has(`${PAGE}/tsconfig.json`) && service === 'visualizer') {
    for (const [path, bytes] of await pageScripts(tree, modules)) add(path, bytes);
  }
  return files;
}

/** Returns whether a service's image gets a file, as COPY, .containerignore and rm in its Containerfile have it. */
function isCopied(path: string, service: string): boolean {
  if (path === 'package.json' || path === 'LICENSE') return true;
  if (service === 'playback' && CLIP.test(path)) return true;
  if (!path.startsWith('apps/common/') && !path.startsWith(`apps/${service}/`)) return false;
  if (path.endsWith('.test.ts') || path.includes('/fixtures/')) return false;
  if (path.startsWith(`${PAGE}/`)) return path.startsWith(`${PAGE}/public/`);
  return path !== 'apps/visualizer/tsconfig.messages.json';
}

/** Compiles the page's scripts in a folder of its own, by the command of the image build. */
async function pageScripts(tree: Tree, modules: string): Promise<Map<string, Buffer>> {
  await checkCompiler(tree, modules);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'noaa-page-'));
  for (const [path, bytes] of tree) {
    if (!/^tsconfig\.json$|^apps\/visualizer\/(page\/|messages\.ts|tsconfig)/.test(path)) continue;
    if (path.endsWith('.test.ts')) continue;
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), bytes);
  }
  await symlink(modules, join(folder.path, 'node_modules'));
  try {
    await promisify(execFile)('sh', [BUILD, join(folder.path, PAGE)], { timeout: 120_000 });
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new CannotCompare(
      `the page of that revision does not compile: ${(stdout + stderr).trim() || asError(thrown).message}`,
    );
  }
  const scripts = new Map<string, Buffer>();
  for (const path of globSync(`${PAGE}/public/{index.html,script/**/*.{js,css}}`, { cwd: folder.path }))
    scripts.set(path, await readFile(join(folder.path, path)));
  return scripts;
}

/** Another compiler writes other bytes. */
async function checkCompiler(tree: Tree, modules: string): Promise<void> {
  const lockfile = JSON.parse(tree.get('package-lock.json')?.toString() ?? '{"packages":{}}');
  for (const [name, title] of COMPILERS) {
    const wanted = lockfile.packages[`node_modules/${name}`]?.version;
    const manifest = await readFile(join(modules, name, 'package.json'), 'utf8').catch(() => '{}');
    const { version } = JSON.parse(manifest);
    if (version === undefined || version !== wanted) {
      throw new CannotCompare(
        `the page was compiled by ${title} ${wanted}, and here is ${version ?? 'none'}: verify it from a checkout of its revision, after npm ci`,
      );
    }
  }
}
