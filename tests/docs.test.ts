/** The documentation against the tree: what it names exists, and what it lists is what the code has. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { documents, fileOf } from '../tools/documents.ts';
import { rowsOf } from '../tools/sentences.ts';
import { alerts } from './support/expressions.ts';

const PAGES = globSync('**/*.md', { cwd: fileOf('.'), exclude: ['**/node_modules', 'build'] });
/** Files that commands or people make. */
const MADE = /^(build\/.*|verify\/accepted\.openvex\.json)$/;
const read = (path: string) => readFileSync(fileOf(path), 'utf8');

/** A page without its code, in which brackets and number signs are no links and no titles. */
const prose = (path: string) => read(path).replaceAll(/^```[\s\S]*?^```$|^ {4}.*$/gm, '');

/** The anchors that GitHub makes of a page's titles. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, title = ''] of prose(path).matchAll(/^#+ +(.+)$/gm)) {
    const slug = title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Returns the targets of links and images: inline, by reference, and in HTML. */
function linksIn(markdown: string): string[] {
  const forms = [
    /\]\(\s*<?([^)\s>]+)/g,
    /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm,
    /<[a-z]+\s[^>]*?\b(?:href|src)=["']?([^"'\s>]+)/gi,
  ];
  // An example of HTML in a code span is no link.
  const text = markdown.replaceAll(/`[^`\n]*`/g, '');
  return forms.flatMap(form => [...text.matchAll(form)].map(([, target = '']) => target));
}

test('links are found in every form that Markdown has, and not in code', () => {
  const markdown =
    '[a](1.md "title") ![`b`](2.png) [c](<3.md#d>) `[e](no.md)` <img src="4.svg"> <a href=5.md>\n[f]: 6.md\n';
  assert.deepEqual(linksIn(markdown).sort(), ['1.md', '2.png', '3.md#d', '4.svg', '5.md', '6.md']);
});

for (const page of PAGES) {
  test(`every relative link and anchor of ${page} leads somewhere`, () => {
    const dead: string[] = [];
    for (const target of linksIn(prose(page))) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? page : normalize(join(dirname(page), path));
      if (linked.startsWith('..')) dead.push(`${target}: ${linked} is not of this project`);
      else if (!existsSync(fileOf(linked))) dead.push(`${target}: there is no ${linked}`);
      else if (anchor !== undefined && !anchorsOf(linked).has(anchor))
        dead.push(`${target}: ${linked} has no such title`);
    }
    assert.deepEqual(dead, []);
  });

  test(`every file of this project that ${page} names exists`, () => {
    const named = [...read(page).matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)].map(([, path = '']) => path);
    const missing = named.filter(
      path => existsSync(fileOf(path.split('/')[0] ?? '')) && !existsSync(fileOf(path)) && !MADE.test(path),
    );
    assert.deepEqual(missing, []);
  });
}

test('the README is at most 10 KB', () => {
  assert.ok(Buffer.byteLength(read('README.md')) <= 10_000);
});

test('what follows from the schemas, and the list of sentences, is what npm run docs writes', async () => {
  const stale = (await documents()).filter(({ before, after }) => before !== after).map(({ path }) => path);
  assert.deepEqual(stale, [], 'the source says something else: run npm run docs and commit');
});

test('every sentence that an operator may see has its meaning and what to do', () => {
  const rows = rowsOf(read('docs/sentences.md'));
  assert.ok(rows.length > 300, `${rows.length} rows`);
  const unexplained = rows.filter(({ means, remedy }) => !/\w/.test(means) || !/\w/.test(remedy));
  assert.deepEqual(
    unexplained.map(({ text }) => text),
    [],
    'fill in the two cells of these rows of docs/sentences.md',
  );
});

describe('paths of HTTP', () => {
  const routes = globSync('apps/visualizer/*.ts', { cwd: fileOf('.') })
    .flatMap(path => [...read(path).matchAll(/router\.get\(\s*(\[[^\]]*\]|'[^']*')/g)])
    .flatMap(([, paths = '']) => [...paths.matchAll(/'([^']*)'/g)].map(([, path = '']) => path));
  // The page itself is a file.
  const served = ['/', ...routes.map(route => route.replace(/:\w+/, '*'))].sort();

  for (const page of ['README.md', 'docs/wire.md']) {
    test(`the table in ${page} has those that are served, and no others`, () => {
      const [, lines = ''] = /^\| path \| what \|\n(.*(?:\n\|.*)*)/m.exec(read(page)) ?? [];
      const listed = [...lines.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path.replace(/\{\w+\}(\.\w+)?/, '*')),
      );
      assert.ok(listed.length > 5);
      assert.deepEqual(listed.sort(), served);
    });
  }
});

test('docs/wire.md describes every field of the events and of /loop', () => {
  const messages = read('apps/visualizer/messages.ts');
  const fields = ['PictureFacts', 'FrameMessage', 'LoopFrame', 'LoopList', 'LoopChange'].flatMap(name => {
    const [, body = ''] =
      new RegExp(`^export interface ${name}\\b[^\\n]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(messages) ?? [];
    const own = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field = '']) => field);
    assert.ok(own.length > 0, name);
    return own;
  });
  const text = read('docs/wire.md');
  assert.deepEqual(
    fields.filter(field => !text.includes(`\`${field}\``)),
    [],
  );
});

describe('the runbook has', () => {
  const source = (pattern: string) =>
    globSync(pattern, { cwd: fileOf('.'), exclude: ['**/node_modules', '**/*.test.ts'] })
      .map(read)
      .join('\n');
  /** The words of a union of strings, by its name. */
  const union = (file: string, name: string): string[] => {
    const [, body = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(read(file)) ?? [];
    return [...body.matchAll(/'([^']+)'/g)].map(([, word = '']) => word);
  };
  const page = read('docs/runbook.md');
  const metrics = [...source('apps/**/*.ts').matchAll(/'(noaa_[a-z_]+)'/g)].map(([, name = '']) => name);
  for (const [what, words] of Object.entries({
    'every code of a fault': union('apps/common/errors.ts', 'FaultCode'),
    'every state of the source': union('apps/visualizer/messages.ts', 'SourceState'),
    'every reason of a refusal': [
      ...union('apps/common/refusal.ts', 'RefusalReason'),
      ...union('apps/redactor/redactor.ts', 'WithheldReason'),
      ...union('apps/visualizer/telemetry.ts', 'RefusedReason'),
      ...union('apps/visualizer/relay/received-picture.ts', 'RelayRefusal'),
    ],
    'every cause of a drop': union('apps/visualizer/messages.ts', 'DropCause'),
    'every kind of audit': union('apps/common/audit.ts', 'AuditKind'),
    'every metric': metrics.filter(name => name !== 'noaa_'),
    'every alert': [...alerts().keys()],
  })) {
    test(what, () => {
      assert.ok(words.length >= 3, `${words.length} words`);
      assert.deepEqual(
        words.filter(word => !page.includes(`\`${word}\``) && !page.includes(`="${word}"`)),
        [],
      );
    });
  }

  test('a place for the link of each alert, and each alert a test in which it fires', () => {
    const rules = read('examples/prometheus/noaa.rules.yml');
    const links = [...rules.matchAll(/^ +runbook: ([^#\n]+)#(\S+)$/gm)];
    assert.equal(links.length, alerts().size);
    for (const [, path = '', anchor = ''] of links)
      assert.ok(anchorsOf(path).has(anchor), `${path}#${anchor}`);
    const tests = read('examples/prometheus/noaa.rules.test.yml');
    const fires = new Set([...tests.matchAll(/alertname: (\w+)\n +exp_alerts:/g)].map(([, name]) => name));
    assert.deepEqual(
      [...alerts().keys()].filter(name => !fires.has(name)),
      [],
    );
  });

  test('the command that asks a service of the pod why no frames flow, as its unit asks whether it is alive', () => {
    const [, check = ''] = /^HealthCmd=(.+)$/m.exec(read('quadlet/noaa-playback.container')) ?? [];
    const command = (JSON.parse(check) as string[]).join(' ').replace(/livez$/, 'readyz');
    assert.ok(page.includes(`\`podman exec noaa-playback ${command}\``), command);
  });

  test('no metric that is not there', () => {
    const named = [...page.matchAll(/`(noaa_[a-z_]+)`/g)].map(([, name = '']) => name);
    assert.deepEqual(
      named.filter(name => !metrics.includes(name)),
      [],
    );
  });
});
