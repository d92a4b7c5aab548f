/** How large the page is. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { freePort } from './support/ports.ts';
import { startService } from './support/services.ts';
import { until } from './support/until.ts';

const PUBLIC = fileURLToPath(new URL('../apps/visualizer/page/public/', import.meta.url));
const BUDGET_BYTES = 80_000;

test('the page, its style and all of its scripts are at most 80 kB, uncompressed, and nothing is loaded from elsewhere', async () => {
  const port = await freePort();
  await using _ = startService('visualizer', { VISUALIZER_PORT: port, REDACTOR_PORT: await freePort() });
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject);
    });
    return { headers: answer.headers, bytes: await buffer(answer) };
  };
  await until(() => ask('/livez'), 'the service');
  const paths = globSync('**/*.{html,css,js,svg}', { cwd: PUBLIC });
  for (const needed of ['index.html', 'script/main.js', 'script/export/animation.js', 'script/style.css'])
    assert.ok(paths.includes(needed), needed);
  let total = 0;
  for (const path of paths) {
    const source = readFileSync(`${PUBLIC}${path}`);
    for (let again = 0; again < 2; again++) {
      const small = await ask(`/${path}`, { 'accept-encoding': 'br, gzip' });
      assert.equal(small.headers['content-encoding'], 'gzip', path);
      assert.ok(gunzipSync(small.bytes).equals(source), path);
    }
    const plain = await ask(`/${path}`);
    total += plain.bytes.length;
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.match(plain.headers['content-type'] ?? '', /text\/|javascript|svg/);
    assert.ok(plain.bytes.equals(source), path);
    assert.doesNotMatch(
      source.toString(),
      /(?:src|href|from|import|url)[=(\s]*["']?https?:/,
      `${path} loads from elsewhere`,
    );
  }
  const page = await ask('/', { 'accept-encoding': 'gzip' });
  assert.equal(page.headers['content-encoding'], 'gzip');
  assert.match(page.headers['content-type'] ?? '', /text\/html/);
  const coast = await ask('/coastlines.txt');
  assert.ok(coast.bytes.length > 10_000 && coast.bytes.length <= 100_000, `${coast.bytes.length} bytes`);
  assert.ok(total > 10_000 && total <= BUDGET_BYTES, `${total} bytes`);
});
