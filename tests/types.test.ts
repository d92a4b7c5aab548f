/** `npm run types` checks everything, and nothing twice under two sets of rules. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import manifest from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);

test('every TypeScript file is checked by exactly one project of npm run types', async () => {
  const projects = await projectsOf(manifest.scripts.types);
  const checkedBy = new Map<string, string[]>();
  for (const project of projects) {
    for (const file of await filesOf(project)) {
      checkedBy.set(file, [...(checkedBy.get(file) ?? []), project]);
    }
  }
  const sources = globSync('**/*.ts', { cwd: root, exclude: ['**/node_modules', 'build'] });
  assert.ok(sources.length > 150, `${sources.length} sources`);
  const wrong = sources
    .map(file => ({ file, projects: checkedBy.get(file) ?? [] }))
    .filter(source => source.projects.length !== 1);
  assert.deepEqual(wrong, []);
});

/** The projects that a `tsc -b` builds, relative to the root. */
async function projectsOf(command: string): Promise<string[]> {
  const [program, ...args] = command.split(' ');
  assert.deepEqual([program, args[0]], ['tsc', '-b']);
  const { stdout } = await tsc(...args, '--dry', '--force', '--pretty', 'false');
  return [...stdout.matchAll(/project '([^']+)'/g)].map(([, path = '']) => relative(root, path));
}

/** The files of ours that a project reads, relative to the root. */
async function filesOf(project: string): Promise<string[]> {
  const { stdout } = await tsc('-p', project, '--listFilesOnly');
  return stdout.split('\n').map(path => relative(root, path));
}

function tsc(...args: string[]) {
  return run(`${root}node_modules/.bin/tsc`, args, { cwd: root, maxBuffer: 1 << 24 });
}
