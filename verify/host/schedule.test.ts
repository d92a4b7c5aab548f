import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCHEDULE = fileURLToPath(new URL('schedule', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-schedule-'));
after(() => rmSync(folder, { recursive: true }));

/** A user of a systemd that knows of no run: a machine that was started a moment ago. */
function host({ isEnabled = true } = {}) {
  const home = mkdtempSync(join(folder, 'home-'));
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const systemctl = `case "$*" in *is-enabled*) ${isEnabled} ;; *Result*) echo success ;; esac`;
  writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\n${systemctl}\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'journalctl'), '#!/bin/sh\n', { mode: 0o755 });
  const env = { HOME: home, XDG_STATE_HOME: join(home, 'state'), PATH: `${bin}:${process.env['PATH']}` };
  const sh = (command: string, more: NodeJS.ProcessEnv = {}) => {
    const ran = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: { ...env, ...more } });
    return { code: ran.status, said: ran.stdout + ran.stderr };
  };
  assert.equal(sh(`${SCHEDULE} on`).code, 0);
  return {
    sh,
    lastScan: join(env.XDG_STATE_HOME, 'noaa-pod/last-scan'),
    unit: join(home, '.config/systemd/user/noaa-verify.service'),
    schedule: (what: string) => sh(`${SCHEDULE} ${what}`),
    /** What the unit has systemd do once a scan has ended. */
    ended(exitStatus: string) {
      const units = sh(`${SCHEDULE} on --dry-run`).said;
      const command = /^ExecStopPost=(.*)$/m.exec(units)?.[1] ?? assert.fail(units);
      const ran = sh(command, { XDG_STATE_HOME: '/not/what/the/login/has', EXIT_STATUS: exitStatus });
      assert.equal(ran.code, 0, ran.said);
    },
  };
}

test('a scan that has never run is no good outcome', () => {
  const { code, said } = host().schedule('status');
  assert.equal(code, 1, said);
  assert.match(said, /^schedule: the scan has never run .*systemctl --user start noaa-verify\.service/m);
});

test('the outcome of the last scan outlives a reboot, and a bad one fails', () => {
  const { ended, schedule } = host();
  for (const [exitStatus, expected, why] of [
    ['0', 0, /^The scan of 0 hours ago found nothing to mend\.$/m],
    ['1', 1, /ended with 1 \(1: a rebuild is due/],
    ['3', 1, /ended with 3 /],
    ['TERM', 1, /ended with TERM /],
  ] as const) {
    ended(exitStatus);
    const { code, said } = schedule('status');
    assert.equal(code, expected, said);
    assert.match(said, why);
  }
});

test('a good outcome is one for 30 hours', () => {
  const { ended, schedule, lastScan } = host();
  ended('0');
  for (const [hours, expected] of [
    [29, 0],
    [32, 1],
    [-3, 1],
  ] as const) {
    writeFileSync(lastScan, `0 ${Math.floor(Date.now() / 1000) - hours * 3600}\n`);
    const { code, said } = schedule('status');
    assert.equal(code, expected, said);
    if (expected !== 0) assert.match(said, /^schedule: the scan ran -?\d+ hours ago, and 30 is the most/m);
  }
  writeFileSync(lastScan, '0\n');
  assert.match(schedule('status').said, /last-scan does not say when the scan ran last/);
});

test('a timer that is not enabled fails, however good the last outcome was', () => {
  const { ended, schedule } = host({ isEnabled: false });
  ended('0');
  const { code, said } = schedule('status');
  assert.equal(code, 1, said);
  assert.match(said, /^schedule: the timer noaa-verify\.timer is not enabled/m);
});

test('a unit that runs the scan of another place fails, however good the last outcome was', () => {
  const { ended, schedule, unit } = host();
  ended('0');
  assert.equal(schedule('status').code, 0);
  writeFileSync(unit, readFileSync(unit, 'utf8').replace('/host/scan"', '/scan"'));
  const { code, said } = schedule('status');
  assert.equal(code, 1, said);
  assert.match(
    said,
    /noaa-verify\.service does not run .*\/verify\/host\/scan: .*\/verify\/host\/schedule on writes it again/,
  );
});

test('the unit names the scan of this copy whatever is in its path, and however the script was started', () => {
  const { sh } = host();
  const at = mkdtempSync(join(folder, 'a b%h $HOME '));
  cpSync(SCHEDULE, join(at, 'schedule'));
  cpSync(SCHEDULE.replace(/schedule$/, 'scan'), join(at, 'scan'));
  symlinkSync(join(at, 'schedule'), join(folder, 'link'));
  const state = join(at, '"state"');
  const literal = (path: string) => path.replaceAll('%', '%%').replaceAll('"', '\\"');
  for (const [command, CDPATH] of [
    [`'${join(folder, 'link')}'`, ''],
    [`cd '${folder}' && '${basename(at)}/schedule'`, '.'],
  ] as const) {
    const { said } = sh(`${command} on --dry-run`, { CDPATH, XDG_STATE_HOME: state });
    assert.ok(said.includes(`\nExecStart="${literal(at)}/scan"\n`), said);
    const outcome = literal(state).replaceAll('$', () => '$$');
    assert.ok(said.includes(`/schedule" ended "${outcome}/noaa-pod/last-scan"\n`), said);
    const unit = said.slice(said.indexOf('\n') + 1, said.search(/^# .*noaa-verify\.timer$/m));
    writeFileSync(join(folder, 'noaa-verify.service'), unit);
    const checked = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', join(folder, 'noaa-verify.service')],
      {
        encoding: 'utf8',
      },
    );
    // A machine without systemd can't be asked.
    if (!checked.error) assert.deepEqual([checked.status, checked.stderr], [0, '']);
  }
  assert.match(
    sh(`${SCHEDULE} on --dry-run`, { XDG_CONFIG_HOME: 'config', XDG_STATE_HOME: 'state' }).said,
    /^# \/.*\.config\/systemd\/user\/noaa-verify\.service\n[\s\S]*ended "\/.*\.local\/state\//,
  );
});

test('switched off, nothing is left of the last outcome', () => {
  const { ended, schedule, lastScan } = host();
  ended('0');
  assert.ok(existsSync(lastScan));
  assert.equal(schedule('off').code, 0);
  assert.ok(!existsSync(join(lastScan, '..')));
});
