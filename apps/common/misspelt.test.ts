import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { integer, readEnv, type Schema, tcpPort, warningsOf } from './env.ts';
import { misspelt } from './misspelt.ts';

const KNOWN = ['DATA_FILE', 'LOG_LEVEL', 'MASK_FILE', 'PLAYBACK_LOOP', 'REDACT_WIDTH', 'VISUALIZER_PORT'];

describe('a name that is nearly a setting is named, with the setting that was probably meant', () => {
  for (const [name, meant] of [
    ['VISUALISER_PORT', 'VISUALIZER_PORT'],
    ['VISUALIZER_PROT', 'VISUALIZER_PORT'],
    ['PLAYBACK_LOPP', 'PLAYBACK_LOOP'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['data_file', 'DATA_FILE'],
    ['REDACT_WITH', 'REDACT_WIDTH'],
    ['REDCAT_WIDTH', 'REDACT_WIDTH'],
    ['redact_width', 'REDACT_WIDTH'],
    ['REDACT_WIDTH ', 'REDACT_WIDTH'],
    ['MASK_FLIE', 'MASK_FILE'],
  ] as const) {
    test(name, () => {
      const [found] = misspelt([name], KNOWN);
      assert.equal(found?.meant, meant);
      assert.ok(found.message.startsWith(`${name} is not a setting (did you mean ${meant}?)`));
      assert.equal(found.grave, /^(REDACT|MASK)/.test(meant));
    });
  }
});

test('a name that begins as ours do is named, and one of redaction is grave', () => {
  assert.deepEqual(
    misspelt(['PLAYBACK_FRAMERATE', 'REDACT_COLOUR', 'MASK_DIRECTORY'], KNOWN).map(found => found.grave),
    [false, true, true],
  );
});

test('what other programs are told is none of our business', () => {
  const theirs = [
    'PATH',
    'HOME',
    'NODE_OPTIONS',
    'LOG_FILE',
    'DATA_DIR',
    'XDG_DATA_DIRS',
    'MAX_OLD_SPACE',
    'PORT',
    '_',
  ];
  assert.deepEqual(misspelt([...theirs, ...KNOWN], KNOWN), []);
});

describe('a service', () => {
  const redactor = { REDACT_WIDTH: integer({ min: 1, max: 9, default: 5, desc: '' }) } satisfies Schema;
  const visualizer = { VISUALIZER_PORT: tcpPort({ default: 8050, desc: '' }) } satisfies Schema;

  test('refuses to start when it would ignore what was meant to be redacted, beside every other fault', () => {
    assert.throws(
      () => readEnv(redactor, { REDACT_WITH: '9', REDACT_WIDTH: '8 # wide' }),
      /REDACT_WIDTH="8 # wide" must be .*, and a comment needs a line of its own; REDACT_WITH is not a setting \(did you mean REDACT_WIDTH\?\): correct or unset it/,
    );
  });

  test('refuses any name that begins as redaction does, which no other service is stopped by', () => {
    for (const name of ['REDACTION_WIDTH', 'REDACT', 'MASK', 'masks_folder']) {
      assert.throws(
        () => readEnv(redactor, { [name]: '9' }),
        new RegExp(`^Fault: ${name} is not a setting`),
        name,
      );
      assert.deepEqual(warningsOf(visualizer, { [name]: '9' }), []);
    }
    assert.equal(readEnv(redactor, { REDACTOR_SERVICE_HOST: '10.0.0.1' }).REDACT_WIDTH, 5);
  });

  test('gets a warning about names near its own only, and starts', () => {
    const environment = { VISUALISER_PORT: '8051', REDACT_WITH: '9', PLAYBACK_LOPP: '1' };
    assert.equal(readEnv(visualizer, environment).VISUALIZER_PORT, 8050);
    assert.deepEqual(warningsOf(visualizer, environment), [
      'VISUALISER_PORT is not a setting (did you mean VISUALIZER_PORT?)',
    ]);
  });

  test('takes one that is set to nothing for not set', () => {
    assert.equal(readEnv(redactor, { REDACT_WITH: ' ' }).REDACT_WIDTH, 5);
  });
});
