/** Importing a file does nothing but make its exports available: no flags, no addons, no sockets, no timers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** The files whose purpose is a library in machine code. Importing it loads the library, and nothing else may happen. */
const ADDON_OF: Record<string, string> = {
  'apps/common/bus.ts': 'zeromq',
  'apps/common/zap.ts': 'zeromq',
};

/** Prints what importing the file given as an argument has left behind. */
const probe = `
  import v8 from 'node:v8';
  import { readFileSync } from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  const flags = [];
  v8.setFlagsFromString = flag => flags.push(flag);
  syncBuiltinESMExports();
  const [file, addon] = process.argv.slice(1);
  void [process.stdout, process.stderr]; // Opened at first use, which is no fault.
  const before = process.getActiveResourcesInfo().length;
  await import(file);
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const addons = new Set([...maps.matchAll(/\\/node_modules\\/(?:@koromix\\/)?([a-z]+)\\S*\\.node$/gm)].map(([, name]) => name));
  console.log(JSON.stringify({ flags, addons: [...addons], resources: process.getActiveResourcesInfo().slice(before) }));
`;

const run = promisify(execFile);
const root = new URL('../../', import.meta.url);

const common = readdirSync(new URL('.', import.meta.url))
  .filter(name => /(?<!\.test)\.ts$/.test(name))
  .map(name => `apps/common/${name}`);

for (const file of common) {
  const addon = ADDON_OF[file];
  test(`importing ${file} ${addon ? `loads ${addon} and does` : 'loads no addon and does'} nothing else`, async () => {
    const args = ['--input-type=module', '-e', probe, new URL(file, root).href, addon ?? ''];
    const { stdout } = await run(process.execPath, args, { cwd: root });
    assert.deepEqual(JSON.parse(stdout), {
      flags: [],
      addons: addon ? [addon] : [],
      resources: [],
    });
  });
}
