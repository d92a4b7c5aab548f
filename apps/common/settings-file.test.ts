import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS_FILES } from '../../tests/support/settings-files.ts';
import { entriesOf } from './environment-file.ts';
import { Fault } from './errors.ts';
import { checkSettingsFile, faultsOf as faultsOfBytes } from './settings-file.ts';

const faultsOf = (text: string) => faultsOfBytes(Buffer.from(text, 'latin1'));

test('a file is read as systemd reads it, and what could show too much when it is not read is grave', () => {
  for (const { text, read, grave = false } of SETTINGS_FILES) {
    const faults = faultsOf(text);
    assert.equal(
      faults.some(each => each.grave),
      grave,
      `${JSON.stringify(text)}: ${faults.map(({ message }) => message)}`,
    );
    if (!read) continue;
    const values = entriesOf(text).flatMap(({ name, value }) =>
      value !== undefined && /^[A-Z_][A-Z0-9_]*$/i.test(name) ? [[name, value]] : [],
    );
    assert.deepEqual(Object.fromEntries(values), read, JSON.stringify(text));
  }
});

test('a file of settings and comments is fine', () => {
  assert.deepEqual(
    faultsOf('# REDACT_WITH=5\n; x\n\n REDACT_WIDTH = 50 \r\nDATA_FILE="/clips/a b.mp4"\nTZ=UTC\n'),
    [],
  );
  assert.deepEqual(faultsOf('DATA_FILE="/clips/loop #1.mp4"\n'), []);
  assert.deepEqual(faultsOf('DATA_FILE= \'/clips/it is "#1".mp4\' \r\n'), []);
});

for (const line of [
  'REDACT_WITH=500',
  'redact_width=500',
  'export REDACT_WIDTH=500',
  'REDACT_WIDTH: 500',
  'REDACT_WIDTH=500 # wide',
  'REDACT_WIDTH="500" # "wide"',
  'REDACT_HEIGHT=500',
]) {
  test(`"${line}" is grave: to ignore it would show more than was meant`, () => {
    const [fault] = faultsOf(`# mine\n${line}\n`);
    assert.equal(fault?.grave, true);
  });
}

for (const line of [
  'VISUALISER_PORT=8051',
  'export DATA_FILE=/clips/a.mp4',
  'DATA_FILE=/clips/a.mp4 # mine',
  'nothing',
]) {
  test(`"${line}" is worth a warning`, () => {
    const [fault] = faultsOf(line);
    assert.equal(fault?.grave, false);
  });
}

test('what is grave ends the service and the rest is logged, each with the file, none with a value', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'noaa-settings-'));
  const path = join(folder.path, 'settings.env');
  const logged: string[] = [];
  const log = { warn: (message: unknown) => logged.push(String(message)) };

  await checkSettingsFile(path, log as never);
  assert.deepEqual(logged, []);

  await writeFile(path, 'VISUALISER_PORT=8051\n');
  await checkSettingsFile(path, log as never);
  assert.deepEqual(logged, [`VISUALISER_PORT is not a setting (did you mean VISUALIZER_PORT?), in ${path}`]);

  await writeFile(path, 'REDACT_WITH=500\nredact_width=7\n');
  await assert.rejects(checkSettingsFile(path, log as never), (error: Fault) => {
    assert.ok(error instanceof Fault && error.exitCode === 2);
    assert.match(error.message, /REDACT_WITH is not .*, in \S+; redact_width is not /);
    assert.doesNotMatch(error.message, /500|7,/);
    return true;
  });

  await checkSettingsFile(folder.path, log as never);
  assert.match(logged.at(-1) ?? '', /are not checked, because it cannot be read: EISDIR/);
});
