/** What the list of sentences is made from: every way in which the source may say something is seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textsIn } from '../tools/sentences.ts';
import { textsInShell } from '../tools/shell-texts.ts';

test('a sentence is found in a program however it is built', () => {
  const source = `
    const half = 7 / 2; const quoted = /['"]/;
    throw new Fault('one', 'a plain sentence');
    const built = 'the first part, ' + 'and the second' + half +
      \` with \${\`a \${nested} one\`} in it\`;
    log.info({ a: f(1) }, isOver ? \`\${name} stopped\` : "it's over");
    const schema = { desc: 'a line of the settings table' };
  `;
  assert.deepEqual(textsIn(source), [
    { text: 'one', isLogged: false },
    { text: 'a plain sentence', isLogged: false },
    { text: 'the first part, and the second… with … in it', isLogged: false },
    { text: 'a … one', isLogged: false },
    { text: '… stopped', isLogged: true },
    { text: "it's over", isLogged: true },
  ]);
});

test('a sentence is found in a shell script, with what is filled in, and within a program of another language', () => {
  const script = [
    '# "a comment" with it\'s quotes',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell fills it in
    'say "port $port of ${name:-"a host"} is \\"taken\\""',
    'fail \'it said $nothing\' # another "comment"',
    'found=$(printf "%s was %-11s times\\n" "$(say "one inside")" | sed \'s/#//\')',
    "awk '",
    '  { tell("a line of settings.env", "correct it") } # "not quoted',
    "' file",
    'say "the end',
    '  of it"',
  ].join('\n');
  const texts = textsInShell(script);
  for (const text of [
    'port … of … is "taken"',
    'it said $nothing',
    '… was … times',
    'one inside',
    'a line of settings.env',
    'correct it',
    'the end of it',
  ])
    assert.ok(texts.includes(text), `${text} is not in ${JSON.stringify(texts)}`);
  assert.ok(!texts.some(text => text.includes('comment')));
});
