import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'noaa-run-test-'));
const from = process.cwd();
process.chdir(folder);
after(() => {
  process.chdir(from);
  rmSync(folder, { recursive: true });
});

test('a scanner starts where no ignore file lies, though one lies where the gate was started', async () => {
  for (const file of ['.trivyignore', '.trivyignore.yaml', 'trivy.yaml', '.grype.yaml'])
    writeFileSync(join(folder, file), 'CVE-2099-0001\n');
  assert.deepEqual(await run(['ls', '-A']), { code: 0, stdout: '', stderr: '' });
});

test('of the settings in the environment a scanner gets those that say where its database is, and no other of its own', async () => {
  const kept = {
    TRIVY_CACHE_DIR: '/cache',
    TRIVY_DB_REPOSITORY: 'mirror.example/trivy-db',
    TRIVY_SKIP_DB_UPDATE: 'true',
    GRYPE_DB_CACHE_DIR: '/cache',
    GRYPE_DB_UPDATE_URL: 'https://mirror.example/grype-db',
    HTTPS_PROXY: 'http://proxy.example:3128',
  };
  const dropped = {
    TRIVY_IGNOREFILE: '/ignore',
    TRIVY_SEVERITY: 'LOW',
    TRIVY_CONFIG: '/trivy.yaml',
    GRYPE_CONFIG: '/grype.yaml',
    GRYPE_EXCLUDE: '/**',
    GRYPE_ONLY_NOTFIXED: 'true',
  };
  Object.assign(process.env, kept, dropped);
  const given = (await run(['env']))?.stdout ?? '';
  for (const [name, value] of Object.entries(kept)) assert.ok(given.includes(`${name}=${value}\n`), name);
  for (const name of Object.keys(dropped)) assert.ok(!given.includes(name), name);
});

test('a program that is not there is told from one that fails', async () => {
  assert.equal(await run(['/no/such/program']), undefined);
  assert.equal((await run(['false']))?.code, 1);
});
