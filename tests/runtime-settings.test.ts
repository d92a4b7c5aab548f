/** What `npm start` and the images set for Node and malloc. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CONCURRENT_ENCODERS } from '../apps/visualizer/newest-encoder.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const OURS = /^(MALLOC_\w+|NODE_OPTIONS|UV_THREADPOOL_SIZE)$/;

type Settings = Record<string, string>;

function ofSetup(): Settings {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const lines = execFileSync('tools/with-setup', ['env'], { cwd: root, env, encoding: 'utf8' }).split('\n');
  return pick(lines.map(line => line.split(/=(.*)/)));
}

function ofImage(service: string): Settings {
  const text = readFileSync(`${root}Containerfile.${service}`, 'utf8');
  const instructions = [...text.matchAll(/^ENV (.*)$/gm)].map(([, values = '']) => values);
  const values = instructions.flatMap(line => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)]);
  return pick(values.map(([, name, quoted, plain]) => [name, quoted ?? plain]));
}

function pick(values: (string | undefined)[][]): Settings {
  const own = values.filter(([name]) => OURS.test(name ?? ''));
  return Object.fromEntries(own.map(([name, value = '']) => [name, value.trim()]));
}

for (const service of ['playback', 'redactor', 'visualizer']) {
  test(`the image of ${service} and npm start run with the same settings`, () => {
    const { UV_THREADPOOL_SIZE: threads, ...setup } = ofSetup();
    const { UV_THREADPOOL_SIZE: own, ...image } = ofImage(service);
    assert.deepEqual(image, setup);
    assert.ok(Object.keys(image).length > 3);
    if (service === 'visualizer') assert.equal(own, threads);
  });
}

test('there is a thread for every encoder that works at once', () => {
  assert.equal(Number(ofSetup()['UV_THREADPOOL_SIZE']), CONCURRENT_ENCODERS);
});
