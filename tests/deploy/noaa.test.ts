/** quadlet/noaa on made-up hosts: it sees only the system that is made here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { temporaryFolder } from '../support/clips.ts';
import { SETTINGS_FILES } from '../support/settings-files.ts';
import { until } from '../support/until.ts';
import { ok, prepare, run, SERVICES, TREE } from './machine.ts';
import { QUADLET } from './units.ts';

const NOAA = join(QUADLET, 'noaa');
const UNITS = readdirSync(QUADLET).filter(file => /\.(network|pod|container)$/.test(file));

before(() => prepare());

/** Where quadlet/noaa looks at the system itself, instead of running a program. */
const LOOKED_AT = /\/etc\/sub[ug]id|\/sys\/fs\/cgroup|\/usr\/lib\/systemd\/user-generators/g;

/**
 * A host with these programs, which know its folder as $HOST, and the home of one who has installed nothing yet. The
 * folder stands for the root of what the script looks at.
 */
async function host(programs: Record<string, string>) {
  const folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  for (const name of ['bin', 'home', 'tree']) mkdirSync(at(name));
  for (const [name, script] of Object.entries(programs))
    writeFileSync(at('bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  for (const name of readdirSync(TREE)) {
    if (name !== 'quadlet') symlinkSync(join(TREE, name), at('tree', name));
  }
  cpSync(QUADLET, at('tree/quadlet'), { recursive: true });
  const script = at('tree/quadlet/noaa');
  writeFileSync(
    script,
    readFileSync(NOAA, 'utf8').replaceAll(LOOKED_AT, path => join(folder.path, path)),
  );
  const home = at('home');
  const env = {
    PATH: `${at('bin')}:/usr/bin:/bin`,
    HOST: folder.path,
    HOME: home,
    XDG_CONFIG_HOME: '',
    XDG_STATE_HOME: '',
    XDG_DATA_HOME: '',
  };
  const noaa = (...args: string[]) => run(script, args, { env });
  return { noaa, script, home, env, at, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const PODMAN = (version: string) =>
  `case $1 in version) echo ${version} ;; image) [ "$2" = exists ] || echo 'sha256:1' ;; esac`;
const WELL = {
  id: 'case $1 in -u) echo 1000 ;; *) echo op ;; esac',
  podman: PODMAN('5.4.2'),
  systemctl: 'case "$*" in *LoadState*) echo loaded ;; *ActiveState*) echo inactive ;; esac',
  loginctl: 'echo yes',
  ss: 'true',
  newuidmap: 'true',
  pasta: 'true',
  catatonit: 'true',
  netavark: 'true',
  nft: 'true',
};

test('is clean to shellcheck, as is every other script of the deployment', async () => {
  const scripts = ['quadlet/noaa', 'tests/deploy/prepare', 'tests/deploy/stand-in'];
  const images = readdirSync(join(TREE, 'tools/image')).filter(name => name.endsWith('.sh'));
  await ok('shellcheck', [...scripts, ...images.map(name => `tools/image/${name}`)]);
});

test('prints the metrics of the service that is named, over the socket that only its container has', async () => {
  await using well = await host({ ...WELL, podman: 'printf "%s\\n" "$*"' });
  const { output } = await well.noaa('metrics', 'redactor');
  assert.match(output, /^exec noaa-redactor node -e/);
  assert.match(output, /socketPath: "\/tmp\/metrics", path: "\/metrics"/);
  const unnamed = await well.noaa('metrics');
  assert.equal(unnamed.code, 1);
  assert.match(unnamed.output, /takes a service: playback, redactor or visualizer/);
});

test('draws the preview of a mask in the image of the redactor, with the border of the settings', async () => {
  await using well = await host({ ...WELL, podman: 'printf "%s\\n" "$*"; cat' });
  mkdirSync(join(well.home, '.config/noaa-pod'), { recursive: true });
  writeFileSync(join(well.home, '.config/noaa-pod/settings.env'), 'REDACT_WIDTH=50\nREDACT_WIDTH=7\n');
  const mask = well.at('mask.json');
  writeFileSync(mask, 'the mask');
  const { output, code } = await well.noaa('mask-preview', mask, '--size', '64x48');
  assert.equal(code, 0, output);
  assert.match(
    output,
    /--read-only .*--log-driver=none --env=REDACT_WIDTH=7 .*mask-preview\.js \/dev\/stdin --output - --size 64x48\nthe mask$/,
  );
  const none = await well.noaa('mask-preview', well.at('none.json'));
  assert.equal(none.code, 1);
  assert.match(none.output, /none\.json is none that can be read/);
});

test('is plain sh', async () => {
  await ok('dash', ['-n', 'quadlet/noaa']);
  assert.equal(readFileSync(NOAA, 'utf8').split('\n')[0], '#!/bin/sh');
});

test('says each problem of a host with its remedy, and fails', async () => {
  await using poor = await host({
    ...WELL,
    podman: PODMAN('4.9.3'),
    loginctl: 'echo no',
    ss: 'echo LISTEN 0 4096 127.0.0.1:8050',
    systemctl: 'exit 1',
  });
  const { code, output } = await poor.noaa('check');
  assert.equal(code, 1);
  for (const expected of [
    /FIX {3}podman is 4\.9\.3; pods under systemd need 5\.0\n {6}→ .*Debian 13/,
    /FIX {3}there is no systemd session of op\n {6}→ .*ssh/,
    /FIX {3}services of op end at logout.*\n {6}→ loginctl enable-linger/,
    /FIX {3}port 8050 is taken\n {6}→ end what has it/,
    /FIX {3}\S+\/etc\/subuid has \d+ ids for op.*\n {6}→ sudo usermod --add-subuids/,
  ]) {
    assert.match(output, expected);
  }
});

test('users, links and a certificate are made in a folder of the visualizer, by its own image and without a network', async () => {
  const podman = `case $1 in
    image) echo sha256:1 ;;
    run) echo "RUN $*" ;;
    unshare) if [ "$2" = install ]; then shift 8; exec install -m 0600 "$@"; fi ;;
  esac`;
  await using well = await host({ ...WELL, podman });
  const folder = join(well.home, '.local/share/noaa-pod/access');
  const users = (await well.noaa('users', 'add', 'anna')).output;
  assert.match(
    users,
    /^RUN run --rm .*--network=none --read-only --cap-drop=all .*access\/users\.js add anna$/m,
  );
  assert.match(users, /podman unshare chown 10003:10003 \S+\/access$/m);
  assert.match(users, /Nobody is asked to log in yet: set USERS_FILE=/);
  assert.match(
    (await well.noaa('share', '--for', '2h')).output,
    /share\.js --for 2h --url http:\/\/127\.0\.0\.1:8050\/$/m,
  );
  const name = `${'a'.repeat(63)}.noaa.lan`;
  const { code, output } = await well.noaa('certificate', name, '192.168.1.5');
  assert.equal(code, 0, output);
  const { subjectAltName, validToDate } = new X509Certificate(readFileSync(join(folder, 'tls.crt')));
  assert.equal(subjectAltName, `DNS:${name}, IP Address:192.168.1.5`);
  assert.ok(validToDate.getTime() > Date.now() + 396 * 86_400_000);
  assert.match(readFileSync(join(folder, 'tls.key'), 'latin1'), /PRIVATE KEY/);
  const settings = join(well.home, '.config/noaa-pod/settings.env');
  mkdirSync(dirname(settings), { recursive: true });
  writeFileSync(settings, 'USERS_FILE=/access/viewers\nACCESS_KEY_FILE=/access/key\n');
  assert.match(
    (await well.noaa('share')).output,
    /^RUN .*--env=USERS_FILE=\/access\/viewers --env=ACCESS_KEY_FILE=\/access\/key .*share\.js --url/m,
  );
});

test('refuses to be root', async () => {
  await using rooted = await host({ ...WELL, id: 'case $1 in -u) echo 0 ;; *) echo root ;; esac' });
  assert.match((await rooted.noaa('check')).output, /FIX {3}this is root/);
});

test('changes nothing in a dry run, and shows commands that a shell would take', async () => {
  await using well = await host(WELL);
  for (const command of ['build', 'uninstall']) {
    const { code, output } = await well.noaa('--dry-run', command);
    assert.equal(code, 0, output);
  }
  const { output } = await well.noaa('build', '--dry-run', '--', '--no-cache', '--build-arg', "X=it's");
  assert.match(
    output,
    /^\+ podman build --layers=false --file \S+Containerfile\.playback .* --no-cache --build-arg 'X=it'\\''s' \S+$/m,
  );
  assert.deepEqual(readdirSync(well.home), []);
});

test('rebuilds and rolls in one command, and keeps the images that were at work', async () => {
  await using well = await host(WELL);
  const units = join(well.home, '.config/containers/systemd');
  mkdirSync(units, { recursive: true });
  for (const name of UNITS) cpSync(join(QUADLET, name), join(units, name));
  const { code, output } = await well.noaa(
    'upgrade',
    '--dry-run',
    '--wait',
    '5',
    '--build',
    '--',
    '--no-cache',
  );
  assert.equal(code, 0, output);
  const steps = [
    /^\+ podman build .*playback.* --no-cache /m,
    /:latest \S+:previous$/m,
    /:candidate \S+:latest$/m,
  ];
  const at = steps.map(step => output.search(step));
  assert.ok(at[0]! >= 0 && at[0]! < at[1]! && at[1]! < at[2]!, output);
});

test('status ends with code 3 if nothing is installed', async () => {
  await using well = await host(WELL);
  const { code, output } = await well.noaa('status');
  assert.equal(code, 3);
  assert.match(output, /not installed/);
});

describe('build takes files for a proxy', () => {
  test('whatever is in their names, each as one word', async () => {
    await using well = await host(WELL);
    for (const name of ['a b.crt', '*.crt', "it's [1]?.crt"]) {
      const file = join(well.home, name);
      writeFileSync(file, '');
      for (const [option, id] of [
        ['--ca', 'site_ca'],
        ['--npmrc', 'npmrc'],
      ] as const) {
        const { code, output } = await well.noaa('build', '--dry-run', option, file);
        assert.equal(code, 0, output);
        const shown = `'--secret=id=${id},src=${file.replaceAll("'", "'\\''")}'`;
        assert.ok(output.includes(` ${shown} `), output);
      }
    }
  });

  for (const [args, sentence] of [
    [['--ca'], /^noaa: --ca takes a file$/m],
    [['--npmrc', '--', '--no-cache'], /^noaa: --npmrc takes a file$/m],
    [['--ca', ''], /^noaa: --ca takes a file$/m],
    [['--ca', '/nowhere/*'], /^noaa: --ca \/nowhere\/\* is not a file that can be read$/m],
    [['--ca', '/etc'], /^noaa: --ca \/etc is not a file/m],
    [['--ca', '/tmp/a,b'], /^noaa: --ca \/tmp\/a,b /m],
    [['--other'], /^noaa: build does not know --other/m],
  ] as const) {
    test(`and says in a sentence what is wrong with ${args.join(' ')}`, async () => {
      await using well = await host(WELL);
      const { code, output } = await well.noaa('build', ...args);
      assert.equal(code, 1);
      assert.match(output, sentence);
      assert.doesNotMatch(output, /parameter|not set|^\+ podman/m);
    });
  }

  test('and none with a comma in its path, which podman would take for two options', async () => {
    await using well = await host(WELL);
    writeFileSync(join(well.home, 'a,b.crt'), '');
    assert.match(
      (await well.noaa('build', '--ca', join(well.home, 'a,b.crt'))).output,
      /has a comma in its path/,
    );
  });
});

for (const wait of [[], ['soon'], ['-5']]) {
  test(`upgrade --wait ${wait} is refused in a sentence`, async () => {
    await using well = await host(WELL);
    const { code, output } = await well.noaa('upgrade', '--wait', ...wait);
    assert.equal(code, 1);
    assert.match(output, /^noaa: --wait takes seconds/m);
  });
}

test('audit prints what was changed, newest last and in UTC, and nothing of it works on the terminal', async () => {
  const line = (time: string, service: string, entry: object) =>
    `2026-11-26T${time}+00:00 host noaa-${service}[71]: ${JSON.stringify(entry)}`;
  const journal = [
    line('14:00:01', 'redactor', {
      level: 'info',
      audit: 'mask',
      msg: 'the mask is 0123456789abcdef: "a\\b"',
    }),
    line('14:00:02', 'playback', { level: 'info', msg: 'playing, with "audit" in its name' }),
    '2026-11-26T14:00:03+00:00 host noaa-redactor[71]: no JSON',
    line('14:00:04', 'playback', { audit: 'source', msg: 'now 1920×1080\u009b31m\u202e' }),
    ...['killed, status=9/KILL', 'exited, status=137/n/a', 'exited, status=1/FAILURE'].map(
      (how, at) =>
        `2026-11-26T14:00:0${5 + at}+00:00 host systemd[614]: noaa-visualizer.service: Main process exited, code=${how}`,
    ),
  ].join('\n');
  await using well = await host({
    ...WELL,
    journalctl: `echo "$*" >"$HOST/asked"; cat <<'JOURNAL'\n${journal}\nJOURNAL`,
  });
  const { code, output } = await well.noaa('audit', '--since', 'an hour ago');
  assert.equal(code, 0, output);
  assert.equal(
    output,
    '2026-11-26T14:00:01Z  redactor    mask      the mask is 0123456789abcdef: "a\\b"\n' +
      '2026-11-26T14:00:04Z  playback    source    now 1920×108031m\n' +
      '2026-11-26T14:00:05Z  visualizer  viewer    the service was killed: who watched until then has no entry\n' +
      '2026-11-26T14:00:06Z  visualizer  viewer    the service was killed: who watched until then has no entry\n',
  );
  const asked = readFileSync(well.at('asked'), 'utf8');
  assert.match(asked, /^--user .*--utc .*--since an hour ago .*-u noaa-redactor/);
  assert.equal((await well.noaa('audit', '--output=json')).output, output, 'another form of the journal');
  assert.match(readFileSync(well.at('asked'), 'utf8'), /--output=json --output=short-iso -u noaa-playback/);
  const none = await well.noaa('audit', '--', '--since=today');
  assert.deepEqual(
    [none.code, none.output],
    [1, 'noaa: audit takes options of journalctl, and -- is none\n'],
  );
});

test('audit takes nothing that a viewer wrote for a word of systemd, and fails as journalctl does', async () => {
  const said = 'systemd[1]: noaa-visualizer.service: Main process exited, code=killed, status=9/KILL';
  await using well = await host({
    ...WELL,
    journalctl: `case "$*" in *nonsense*) echo 'Failed to parse timestamp' >&2; exit 1 ;; esac; cat <<'LINES'
2026-11-26T14:00:01+00:00 host noaa-visualizer[71]: {"msg":"no login for ${said}"}
LINES`,
  });
  assert.deepEqual(await well.noaa('audit'), { code: 0, output: '', stdout: '' });
  const failed = await well.noaa('audit', '--since', 'nonsense');
  assert.equal(failed.code, 1);
  assert.match(failed.output, /Failed to parse timestamp/);
});

test('metrics of a service that does not answer fail in a sentence, and are no control characters of a terminal', async () => {
  const bytes =
    '\\302\\302\\233\\2331m \\2332J \\342\\342\\200\\256\\200\\256 \\302\\342\\200\\256\\233 \\330\\234\\342\\200\\217';
  await using well = await host({
    ...WELL,
    podman: `case "$*" in *redactor*) exit 125 ;; *) printf 'noaa_up 1 ${bytes} é\\n' ;; esac`,
  });
  const { code, stdout } = await well.noaa('metrics', 'playback');
  assert.equal(code, 0);
  assert.match(stdout, /^noaa_up 1 1m 2J\s+é$/m);
  const silent = await well.noaa('metrics', 'redactor');
  assert.equal(silent.code, 1);
  assert.match(silent.output, /^noaa: redactor does not answer; is it running\? quadlet\/noaa status$/m);
});

test('metrics without an end are cut, though they are one line', async () => {
  await using well = await host({ ...WELL, podman: "head -c 20000000 /dev/zero | tr '\\0' x" });
  assert.equal((await well.noaa('metrics', 'playback')).stdout.length, 2 ** 24);
});

test('a build is labelled with the revision of its own folder, and says what is wrong with its time', async () => {
  await using well = await host({
    ...WELL,
    git: 'case "$*" in *%ct) echo 1 ;; *) echo "git $GIT_DIR" ;; esac',
  });
  const build = (more: NodeJS.ProcessEnv) =>
    run(well.script, ['build', '--dry-run'], { env: { ...well.env, ...more } });
  assert.match((await build({ GIT_DIR: '/other/.git' })).output, /'REVISION=git '/);
  for (const time of ['now', '-1', '1e9', '123456789012'])
    assert.match(
      (await build({ SOURCE_DATE_EPOCH: time })).output,
      /^noaa: SOURCE_DATE_EPOCH takes seconds since 1970, a whole number; \S+ is none$/m,
    );
});

test('works through a link to it, from its own folder, and whatever CDPATH is', async () => {
  await using well = await host(WELL);
  symlinkSync(well.script, well.at('bin/pod'));
  const env = { ...well.env, CDPATH: well.at('bin') };
  const inItsFolder = ['-c', 'cd "$1" && exec sh noaa build --dry-run', 'sh', dirname(well.script)];
  for (const ran of [
    await run(well.at('bin/pod'), ['build', '--dry-run'], { env }),
    await run('sh', inItsFolder, { env }),
  ]) {
    assert.equal(ran.code, 0, ran.output);
    assert.ok(ran.output.includes(`--file ${well.at('tree')}/Containerfile.playback`), ran.output);
  }
});

test('says that HOME is not a folder, and passes over folders of XDG that are not absolute', async () => {
  await using well = await host({ ...WELL, podman: '[ "$1" = image ] && [ "$2" = inspect ] && echo 1' });
  for (const HOME of ['', 'home'])
    assert.match(
      (await run(well.script, ['check'], { env: { ...well.env, HOME } })).output,
      /^noaa: HOME is /,
    );
  const env = { ...well.env, XDG_CONFIG_HOME: 'config', XDG_STATE_HOME: './state' };
  const users = await run(well.script, ['users', 'list', '--dry-run'], { env });
  assert.ok(users.output.includes(`in ${well.home}/.config/noaa-pod/settings.env`), users.output);
  const build = await run(well.script, ['build', '--dry-run'], { env });
  assert.ok(build.output.includes(`mkdir -p ${well.home}/.local/state/noaa-pod`), build.output);
});

for (const [args, why] of [
  [
    ['install', 'noaa-redactor.tar'],
    /install does not know noaa-redactor\.tar; archives come after --signed-by/,
  ],
  [['install', '--signd-by', 'a.pub', 'a.tar'], /install does not know --signd-by/],
  [['install', '--older'], /--older goes with --signed-by/],
  [['install', '--signed-by='], /takes a public key and the archives/],
  [
    ['install', '--signed-by', 'a.pub', 'a.tar', '--older', 'b.tar'],
    /takes archives after the key, and --older is none/,
  ],
  [['uninstall', '--clip'], /uninstall does not know --clip/],
  [['rollback', 'please'], /rollback does not know please/],
  [['status', '--json'], /status does not know --json/],
  [['upgrade', '--wait', '1234567'], /--wait takes seconds, a whole number of at most six digits/],
] as const) {
  test(`does nothing on ${args.join(' ')}, and says why`, async () => {
    await using well = await host({ ...WELL, podman: `echo "$*" >>"$HOST/asked"; ${PODMAN('5.4.2')}` });
    const { code, output } = await well.noaa(...args);
    assert.equal(code, 1, output);
    assert.match(output, why);
    assert.doesNotMatch(output, /^\+ /m);
  });
}

test('what it runs in an image has no proxy of the host’s, and no right to gain', async () => {
  await using well = await host({ ...WELL, podman: 'echo "$*"; [ "$1" != image ] || echo sha256:1' });
  for (const args of [['users', 'list'], ['share']] as const) {
    const { output } = await well.noaa(...args);
    assert.match(output, /^run .*--http-proxy=false/m, args[0]);
    assert.match(output, /^run .*--security-opt=no-new-privileges/m, args[0]);
  }
});

test('a setting is read as systemd reads it, and what could show too much when it is not read is grave', async () => {
  await using well = await host(WELL);
  // The script's own functions in one process, on one file after the other.
  writeFileSync(
    well.script,
    readFileSync(well.script, 'utf8').replace(
      /^main "\$@"\nexit\n/m,
      () => `names=$(setting_names) fixed=$(fixed_names)
      setting_names() { say "$names"; }
      fixed_names() { say "$fixed"; }
      for settings; do
        read -r wanted <"$settings/wanted"
        for name in $wanted; do setting "$name" >"$settings/$name"; done
        settings_faults >"$settings/faults"
      done`,
    ),
  );
  const folders = SETTINGS_FILES.map(({ text, read }, at) => {
    const folder = well.at(`settings-${at}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'settings.env'), text, 'latin1');
    const wanted = read && Object.keys(read).length > 0 ? Object.keys(read) : ['REDACT_WIDTH'];
    writeFileSync(join(folder, 'wanted'), `${wanted.join(' ')}\n`);
    return { folder, wanted };
  });
  const paths = folders.map(({ folder }) => folder);
  assert.deepEqual(await run(well.script, paths, { env: well.env }), { code: 0, output: '', stdout: '' });
  for (const [at, { text, read = {}, grave = false }] of SETTINGS_FILES.entries()) {
    const { folder, wanted } = folders[at]!;
    const written = (name: string) => readFileSync(join(folder, name), 'latin1').trimEnd();
    for (const name of wanted)
      assert.equal(written(name), (read[name] ?? '').trimEnd(), `${JSON.stringify(text)}: ${name}`);
    assert.equal(/^grave\t/m.test(written('faults')), grave, `${JSON.stringify(text)}: ${written('faults')}`);
  }
});

test('an origin with a password that holds an @ loses all of it', async () => {
  await using well = await host({
    ...WELL,
    git: 'case "$*" in *remote*) echo https://anna:p@ss:w@rd@git.example/noaa.git ;; *%ct) echo 1 ;; *) echo abc ;; esac',
  });
  const { output } = await well.noaa('build', '--dry-run');
  assert.match(output, /SOURCE=https:\/\/git\.example\/noaa\.git/);
  assert.doesNotMatch(output, /ss:w|rd@/);
});

test('answers a command that it does not know with its usage and code 1', async () => {
  await using well = await host(WELL);
  const { code, output } = await well.noaa('isntall');
  assert.equal(code, 1);
  assert.match(output, /noaa install/);
});

describe('images and units, from the first to the last', () => {
  /** Images are files: one is called what it is tagged, and holds its id. Of one that lost its last tag an id is left. */
  const KEEPING = `
    for last; do :; done
    image=$HOST/images/$(basename "$last")
    case "$1 $2" in
    'version '*) echo 5.4.2 ;;
    'build '*) shift; while [ "$1" != --tag ]; do shift; done
      echo "built" >"$HOST/images/$(basename "$2")" ;;
    'image inspect') cat "$image" 2>/dev/null || exit 125 ;;
    'image exists') [ -e "$image" ] ;;
    'image rm') rm -f "$image"; grep -vx "$last" "$HOST/untagged" >"$HOST/rest"; mv "$HOST/rest" "$HOST/untagged" ;;
    'secret inspect') [ -e "$HOST/secrets/$last" ] ;;
    'secret create') cat >"$HOST/secrets/$3" ;;
    'secret rm') rm "$HOST/secrets/$last" ;;
    'images '*) case $* in *dangling*playback*) cat "$HOST/untagged" ;; esac ;;
    'tag '*)
      id=$(cat "$HOST/images/$(basename "$2")" 2>/dev/null || echo "$2")
      old=$(cat "$image" 2>/dev/null || true)
      echo "$id" >"$image"
      [ -z "$old" ] || grep -qx "$old" "$HOST"/images/*playback* || echo "$old" >>"$HOST/untagged" ;;
    'exec '*) cat "$HOST/said" 2>/dev/null; [ ! -e "$HOST/live" ] || echo 'live, 30.0 frames a second' ;;
    *) exit 0 ;;
    esac`;
  /** Units are those of the folder, but one of \$HOST/left-out. */
  const RUNNING = `
    left_out=$(cat "$HOST/left-out" 2>/dev/null || echo none)
    case "$*" in
    *stop*"$left_out"*) echo "Unit $left_out not loaded." >&2; exit 5 ;;
    *"show --property=LoadState"*"$left_out"*) echo not-found ;;
    *"show --property=FragmentPath"*"$left_out"*) ;;
    *LoadState*) echo loaded ;;
    *FragmentPath*) echo /run/unit ;;
    *ActiveState*) echo active ;;
    esac`;

  /** verify/host/signature, to which every archive is signed, and is its id. */
  const LOADING = `
    command=$1
    shift
    if [ "$1" = --older ]; then shift; else [ ! -e "$HOST/newer" ] || exit 1; fi
    [ "$command" = load ] || exit 0
    shift
    for archive; do cp "$archive" "$HOST/images/$(basename "\${archive%%.*}"):candidate"; done`;

  async function keeping(images: Record<string, string> = {}) {
    const made = await host({ ...WELL, podman: KEEPING, systemctl: RUNNING });
    const slice = 'sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service';
    for (const folder of ['images', 'secrets', 'etc', slice, 'usr/lib/systemd/user-generators'])
      mkdirSync(made.at(folder), { recursive: true });
    for (const file of ['etc/subuid', 'etc/subgid']) writeFileSync(made.at(file), 'op:100000:65536\n');
    for (const file of ['sys/fs/cgroup/cgroup.controllers', `${slice}/cgroup.controllers`])
      writeFileSync(made.at(file), 'memory pids\n');
    rmSync(made.at('tree/verify'));
    mkdirSync(made.at('tree/verify/host'), { recursive: true });
    writeFileSync(made.at('tree/verify/host/signature'), `#!/bin/sh\n${LOADING}\n`, { mode: 0o755 });
    symlinkSync('/bin/true', made.at('usr/lib/systemd/user-generators/podman-user-generator'));
    writeFileSync(made.at('untagged'), '');
    for (const service of SERVICES) {
      for (const [tag, id] of Object.entries(images))
        writeFileSync(made.at('images', `noaa-${service}:${tag}`), `${id}\n`);
    }
    const units = join(made.home, '.config/containers/systemd');
    return {
      ...made,
      units,
      /** Where the unit of the socket is, which is not one of Quadlet's. */
      socket: join(made.home, '.config/systemd/user/noaa.socket'),
      /** The ids that the services' images of a tag have, each once. */
      ids: (tag: string) => [
        ...new Set(
          SERVICES.map(service => made.at('images', `noaa-${service}:${tag}`)).map(file =>
            existsSync(file) ? readFileSync(file, 'utf8').trim() : 'none',
          ),
        ),
      ],
      untagged: () => readFileSync(made.at('untagged'), 'utf8').trim(),
      live: (is: boolean) =>
        is ? writeFileSync(made.at('live'), '') : rmSync(made.at('live'), { force: true }),
      leaveOut: (unit: string) => writeFileSync(made.at('left-out'), unit),
      /** As an earlier version installed it: its units are not those of the folder. */
      install: (id: string) => {
        mkdirSync(units, { recursive: true });
        for (const name of UNITS)
          writeFileSync(join(units, name), `# units of ${id}\nPublishPort=127.0.0.1:8050:8050\n`);
        for (const service of SERVICES) writeFileSync(made.at('images', `noaa-${service}:latest`), `${id}\n`);
      },
      unitsOf: () =>
        /units of (\w+)/.exec(readFileSync(join(units, 'noaa.pod'), 'utf8'))?.[1] ?? 'the folder',
      /** From archives of these services, which `verify/host/signature` takes for signed by whatever key. */
      installSigned: (services: string[], ...before: string[]) => {
        const archives = services.map(service => {
          const archive = made.at(`${service}.oci.tar`);
          writeFileSync(archive, `signed-${service}\n`);
          return archive;
        });
        return made.noaa('install', ...before, '--signed-by', 'noaa.pub', ...archives);
      },
    };
  }
  const OURS = SERVICES.map(service => `noaa-${service}`);

  test('status shows what a visualizer says, and nothing of it works on the terminal', async () => {
    await using one = await keeping();
    one.install('old');
    const said =
      'NOT LIVE: \x1b[2J\x1b]0;title\x07\u009b31mred \u202elived\u2066 3 × 2 …\rpicture     live\nnext';
    writeFileSync(one.at('said'), said);
    const { code, output } = await one.noaa('status');
    assert.equal(code, 1);
    assert.match(output, /^picture {5}NOT LIVE: \[2J\]0;title31mred lived 3 × 2 …picture {5}live next$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: which are looked for
    assert.doesNotMatch(output, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
    writeFileSync(one.at('said'), 'x'.repeat(1e6));
    assert.ok((await one.noaa('status')).output.length < 2000);
  });

  test('status says which service was killed for its memory, and how often', async () => {
    await using one = await keeping();
    one.install('old');
    const killed = 'noaa-redactor.service: A process of this unit has been killed by the OOM killer.';
    writeFileSync(
      one.at('bin/journalctl'),
      `#!/bin/sh\ncase "$*" in *noaa-redactor*) printf '%s\\nother\\n%s\\n' "${killed}" "${killed}" ;; esac\n`,
      { mode: 0o755 },
    );
    const { output } = await one.noaa('status');
    assert.match(output, /^memory {6}noaa-redactor was killed for its memory 2 times in the last hour/m);
    assert.doesNotMatch(output, /noaa-(playback|visualizer) was killed/);
  });

  describe('a settings file with a name that is not known, or a line that systemd does not read,', () => {
    const withSettings = async (text: string) => {
      const one = await keeping({ latest: 'id' });
      mkdirSync(join(one.home, '.config/noaa-pod'), { recursive: true });
      writeFileSync(join(one.home, '.config/noaa-pod/settings.env'), text);
      return one;
    };
    for (const [line, named, remedy] of [
      ['VISUALISER_PORT=8051', 'VISUALISER_PORT', 'did you mean VISUALIZER_PORT? The pod sets that itself'],
      ['DATA_FLIE=/clips/a.mp4', 'DATA_FLIE', 'did you mean DATA_FILE?'],
      ['log_level=debug', 'log_level', 'did you mean LOG_LEVEL?'],
      ['export DATA_FILE=/clips/a.mp4', 'line 2', 'write DATA_FILE=… at its beginning, without export'],
      ['DATA_FILE=/clips/a.mp4 # mine', 'DATA_FILE', 'put the comment on a line of its own'],
      ['PLAYBACK_PORT=5557', 'PLAYBACK_PORT', 'remove it, or change it with a drop-in'],
      ['SOMETHING=1', 'SOMETHING', 'docs/configure.md lists the settings'],
    ] as const) {
      test(`as ${line}, is named by check, install and status`, async () => {
        await using one = await withSettings(`# mine\n${line}\n`);
        const told = await one.noaa('check');
        const note = told.output
          .split('\n')
          .findIndex(each => each.startsWith('NOTE  ') && each.includes(named));
        assert.ok(note >= 0, told.output);
        assert.ok(told.output.split('\n')[note + 1]?.includes(remedy), told.output);
        const installed = await one.noaa('install');
        assert.equal(installed.code, 0, installed.output);
        assert.match(installed.output, /^NOTE/m);
        assert.ok((await one.noaa('status')).output.includes(remedy));
      });
    }

    for (const line of [
      'REDACT_WITH=500',
      'MARKING="no end\nREDACT_WIDTH=500',
      'redact_width=500',
      'export REDACT_WIDTH=500',
      'REDACT_WIDTH=500 # wide',
      'REDACT_WIDTH: 500',
      'MASK_FLIE=/x',
      'REDACT_HEIGHT=500',
    ]) {
      test(`as ${line}, keeps a pod from being installed that shows more than was meant`, async () => {
        await using one = await withSettings(`${line}\n`);
        const { code, output } = await one.noaa('install');
        assert.equal(code, 1, output);
        assert.match(
          output,
          /^FIX {3}.*\b(redact|mask|REDACT|MASK|line 1).*\n.*could show more than you meant$/m,
        );
        assert.equal(existsSync(one.units), false);
      });
    }

    test('is not looked at by the redactor if it may not read it, which check says', async () => {
      for (const [path, mode] of [
        ['settings.env', 0o600],
        ['.', 0o700],
      ] as const) {
        await using one = await withSettings('LOG_LEVEL=info\n');
        chmodSync(join(one.home, '.config/noaa-pod', path), mode);
        assert.match(
          (await one.noaa('check')).output,
          /^NOTE {2}the redactor may not read settings\.env.*\n {6}→ chmod a\+rX /m,
        );
      }
    });

    test('is none: check is content with what the file may say', async () => {
      await using one = await withSettings(
        '# a comment\n; another\n\nDATA_FILE="/clips/a b #1.mp4"\n REDACT_WIDTH = 50\r\nLOG_LEVEL=\n' +
          'MARKING="FOR OFFICIAL\nUSE ONLY # 1"\nMARKING_COLOR=#ff0000\nCLIP_SECTOR=40,-100 \\\n30,-90\n',
      );
      assert.match((await one.noaa('check')).output, /^ok {4}every name in settings\.env is a setting$/m);
    });
  });

  test('install has podman log no line for each health check, unless its user says otherwise', async () => {
    await using one = await keeping({ latest: 'id' });
    const conf = join(one.home, '.config/containers/containers.conf.d/noaa-pod.conf');
    const { code, output } = await one.noaa('install');
    assert.equal(code, 0, output);
    assert.equal(readFileSync(conf, 'utf8'), '[engine]\nhealthcheck_events = false\n');
    assert.doesNotMatch((await one.noaa('install')).output, /healthcheck_events/);
    assert.equal((await one.noaa('uninstall')).code, 0);
    assert.equal(existsSync(join(one.home, '.config/containers')), false);

    await using other = await keeping({ latest: 'id' });
    const own = join(other.home, '.config/containers/containers.conf');
    mkdirSync(join(own, '..'), { recursive: true });
    writeFileSync(own, '[engine]\nhealthcheck_events = true\n');
    assert.equal((await other.noaa('install')).code, 0);
    assert.equal((await other.noaa('uninstall')).code, 0);
    assert.deepEqual(readdirSync(join(own, '..')), ['containers.conf']);
  });

  for (const umask of ['000', '077']) {
    test(`with umask ${umask} the services can read what install makes, and nobody else can write to it`, async () => {
      await using one = await keeping({ latest: 'id' });
      const ran = await run('sh', ['-c', `umask ${umask}; exec "$0" install`, one.script], { env: one.env });
      assert.equal(ran.code, 0, ran.output);
      const modes = (at: string, paths: string[]) =>
        paths.map(path => (statSync(join(at, path)).mode & 0o777).toString(8));
      const folders = [
        '.config',
        '.config/noaa-pod',
        '.config/containers/systemd',
        '.local/share/noaa-pod/masks',
      ];
      assert.deepEqual(modes(one.home, folders), ['755', '755', '755', '755']);
      assert.deepEqual(
        modes(one.units, UNITS),
        UNITS.map(() => '644'),
      );
      assert.deepEqual(modes(one.home, ['.config/noaa-pod/settings.env', '.local/share/noaa-pod/access']), [
        '644',
        '700',
      ]);
    });
  }

  test('status warns of each address that others reach, as systemd reads the drop-ins', async () => {
    await using one = await keeping();
    one.install('new');
    cpSync(join(QUADLET, 'noaa.pod'), join(one.units, 'noaa.pod'));
    mkdirSync(dirname(one.socket), { recursive: true });
    cpSync(join(QUADLET, 'noaa.socket'), one.socket);
    one.live(true);
    mkdirSync(`${one.socket}.d`);
    for (const [lines, reached] of [
      ['ListenStream = 0.0.0.0:8080 \n', '0.0.0.0:8080'],
      ['ListenStream=\nListenStream=8080\nListenStream=127.0.0.1:8051\n', '8080'],
      [
        'ListenStream=[::]:1\n\tListenStream\t=\t192.168.0.2:2\r\nListenStream=[::1]:8051\n',
        '[::]:1 192.168.0.2:2',
      ],
      ['ListenStream=0.0.0.0:1\nListenStream= \nListenStream=127.0.0.2:8051\n', undefined],
      ['#ListenStream=0.0.0.0:1\n', undefined],
    ] as const) {
      writeFileSync(`${one.socket}.d/own.conf`, `[Socket]\n${lines}`);
      const { output } = await one.noaa('status');
      assert.equal(/^access +ANYBODY WHO REACHES (.*) MAY WATCH/m.exec(output)?.[1], reached, output);
    }
  });

  test('install makes a secret for each link, secret makes new ones, and none of them is ever shown', async () => {
    await using one = await keeping({ latest: 'id' });
    const read = () =>
      ['noaa-playback', 'noaa-redactor'].map(name => readFileSync(one.at('secrets', name), 'utf8'));
    const first = await one.noaa('install');
    assert.equal(first.code, 0, first.output);
    const made = read();
    for (const secret of made) assert.match(secret, /^[0-9a-f]{64}$/);
    assert.equal((await one.noaa('install')).code, 0);
    assert.deepEqual(read(), made);

    one.live(true);
    writeFileSync(one.at('bin/systemd-run'), '#!/bin/sh\necho "$*" >"$HOST/journal"\n', { mode: 0o755 });
    const dry = await one.noaa('secret', '--dry-run');
    assert.equal(dry.code, 0, dry.output);
    assert.deepEqual(read(), made);
    const again = await one.noaa('secret');
    assert.equal(again.code, 0, again.output);
    const renewed = read();
    assert.equal(new Set([...made, ...renewed]).size, 4);
    assert.match(
      again.output,
      /^\+ systemctl --user restart noaa-playback\.service noaa-redactor\.service noaa-visualizer\.service$/m,
    );
    const journal = readFileSync(one.at('journal'), 'utf8');
    assert.match(journal, /"audit":"secret"/);
    for (const secret of [...made, ...renewed]) {
      for (const text of [first.output, dry.output, again.output, journal]) assert.ok(!text.includes(secret));
    }

    rmSync(one.at('secrets/noaa-redactor'));
    assert.match(
      (await one.noaa('check')).output,
      /FIX {3}the secret noaa-redactor is missing\n {6}→ quadlet\/noaa secret/,
    );
    assert.equal((await one.noaa('uninstall')).code, 0);
    assert.deepEqual(readdirSync(one.at('secrets')), []);
    assert.equal((await one.noaa('secret')).code, 1);
  });

  test('uninstall keeps clips and masks unless it is told to', async () => {
    for (const kept of ['clips/a.mp4', 'masks/m.json', undefined]) {
      await using one = await keeping({ latest: 'id' });
      assert.equal((await one.noaa('install')).code, 0);
      const data = join(one.home, '.local/share/noaa-pod');
      if (kept) writeFileSync(join(data, kept), '');
      const { code, output } = await one.noaa('uninstall');
      assert.equal(code, 0, output);
      assert.equal(existsSync(data), kept !== undefined);
      assert.equal((await one.noaa('uninstall', '--clips')).code, 0);
      assert.equal(existsSync(data), false);
    }
  });

  test('install takes the images built last, whatever older one has the name', async () => {
    await using one = await keeping({ latest: 'older', candidate: 'newer' });
    const { code, output } = await one.noaa('install');
    assert.equal(code, 0, output);
    assert.deepEqual(one.ids('latest'), ['newer']);
  });

  test('a build before the install is the one that is installed, the last of several', async () => {
    await using one = await keeping({ latest: 'older', candidate: 'older' });
    assert.equal((await one.noaa('build')).code, 0);
    assert.equal((await one.noaa('install')).code, 0);
    assert.deepEqual(one.ids('latest'), ['built']);
  });

  test('a second install leaves the images alone, as does a build', async () => {
    await using one = await keeping({ latest: 'at-work', candidate: 'newer' });
    one.install('at-work');
    const { code, output } = await one.noaa('install');
    assert.equal(code, 0, output);
    assert.deepEqual(one.ids('latest'), ['at-work']);
    assert.equal((await one.noaa('build')).code, 0);
    assert.deepEqual(one.ids('latest'), ['at-work']);
    assert.deepEqual(one.ids('candidate'), ['built']);
  });

  test('a signed install runs what was signed, whatever images are here', async () => {
    await using one = await keeping({ latest: 'older', candidate: 'older' });
    const { code, output } = await one.installSigned(OURS);
    assert.equal(code, 0, output);
    assert.deepEqual(
      one.ids('latest'),
      SERVICES.map(service => `signed-noaa-${service}`),
    );
  });

  test('a signed install goes back to an image that is older than the last only if it is told to', async () => {
    await using one = await keeping();
    writeFileSync(one.at('newer'), '');
    assert.equal((await one.installSigned(OURS)).code, 1);
    const { code, output } = await one.installSigned(OURS, '--older');
    assert.equal(code, 0, output);
    assert.equal(one.ids('latest')[0], 'signed-noaa-playback');
  });

  test('a signed install takes an archive of each service or none, and builds none instead', async () => {
    for (const wrong of [
      OURS.slice(1),
      [...OURS, 'noaa-other'],
      ['noaa-playback', 'noaa-redactor', 'noaa-other'],
    ]) {
      await using one = await keeping();
      const { code, output } = await one.installSigned(wrong);
      assert.equal(code, 1, output);
      assert.match(
        output,
        /noaa: not installed: it takes one archive each of noaa-playback, noaa-redactor and/,
      );
      assert.deepEqual(one.ids('latest'), ['none']);
      assert.deepEqual(readdirSync(one.home), []);
    }
  });

  test('a signed install beside an installed pod points to the upgrade', async () => {
    await using one = await keeping({ latest: 'at-work' });
    one.install('at-work');
    const { code, output } = await one.installSigned(OURS);
    assert.equal(code, 1, output);
    assert.match(output, /installed already; verify\/host\/signature load .* quadlet\/noaa upgrade/);
    assert.deepEqual(one.ids('latest'), ['at-work']);
    assert.deepEqual(one.ids('candidate'), ['none']);
  });

  test('an upgrade that is live is kept, with the way back and without what nobody can name', async () => {
    await using one = await keeping({ candidate: 'new', previous: 'oldest' });
    one.install('old');
    one.live(true);
    const { code, output } = await one.noaa('upgrade');
    assert.equal(code, 0, output);
    assert.deepEqual(
      [one.ids('latest'), one.ids('previous'), one.unitsOf()],
      [['new'], ['old'], 'the folder'],
    );
    assert.equal(one.untagged(), '');
    assert.match(output, /image rm oldest/);
    const back = await one.noaa('rollback');
    assert.equal(back.code, 0, back.output);
    assert.deepEqual([one.ids('latest'), one.unitsOf()], [['old'], 'old']);
  });

  test('the socket comes with an upgrade, goes with the way back to a version without one, and with uninstall', async () => {
    await using one = await keeping({ candidate: 'new' });
    one.install('old');
    one.live(true);
    assert.equal((await one.noaa('upgrade')).code, 0);
    assert.equal(readFileSync(one.socket, 'utf8'), readFileSync(join(QUADLET, 'noaa.socket'), 'utf8'));
    const back = await one.noaa('rollback');
    assert.equal(back.code, 0, back.output);
    assert.match(back.output, /^\+ systemctl --user stop noaa\.socket$/m);
    assert.equal(existsSync(one.socket), false);
    assert.equal((await one.noaa('upgrade')).code, 0);
    mkdirSync(`${one.socket}.d`);
    writeFileSync(`${one.socket}.d/lan.conf`, '[Socket]\nListenStream=\nListenStream=0.0.0.0:8080\n');
    assert.match((await one.noaa('status')).output, /^picture {5}live.*, at http:\/\/0\.0\.0\.0:8080$/m);
    const removed = await one.noaa('uninstall');
    assert.equal(removed.code, 0, removed.output);
    assert.deepEqual([existsSync(one.socket), existsSync(`${one.socket}.d`)], [false, false]);
  });

  test('status says that the port is not the pod’s, or that its unit is missing', async () => {
    await using one = await keeping({ latest: 'new', candidate: 'new' });
    await one.noaa('install');
    one.live(true);
    assert.equal((await one.noaa('status')).code, 0);
    writeFileSync(
      one.at('bin/systemctl'),
      `#!/bin/sh\ncase "$*" in *noaa.socket*) echo failed ;; *) ${RUNNING} ;; esac\n`,
    );
    writeFileSync(one.at('bin/ss'), '#!/bin/sh\necho LISTEN 0 4096 127.0.0.1:8050\n');
    const taken = await one.noaa('status');
    assert.equal(taken.code, 1);
    assert.match(
      taken.output,
      /^port {8}127\.0\.0\.1:8050 is not the pod's: another program has it \(ss -ltnp/m,
    );
    rmSync(one.socket);
    assert.match(
      (await one.noaa('status')).output,
      /^port {8}\S+noaa\.socket is missing, so no port leads to the picture/m,
    );
    const folder = join(one.units, 'noaa.pod.d');
    mkdirSync(folder);
    writeFileSync(join(folder, 'published.conf'), '[Pod]\nPublishPort=127.0.0.1:9000:8050\n');
    const published = await one.noaa('status');
    assert.equal(published.code, 0, published.output);
    assert.match(published.output, /at http:\/\/127\.0\.0\.1:9000$/m);
  });

  /** An upgrade that waits for a picture, which does not come. */
  async function waiting(one: Awaited<ReturnType<typeof keeping>>) {
    const child = spawn(one.script, ['upgrade'], {
      env: one.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
    await until(() => /restart noaa-pod/.test(said) || undefined, 'the restart');
    return { child, said: () => said };
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`an upgrade that ${signal} cuts short is taken back`, async () => {
      await using one = await keeping({ candidate: 'bad' });
      one.install('old');
      const { child, said } = await waiting(one);
      assert.deepEqual([one.ids('latest'), one.unitsOf()], [['bad'], 'the folder']);
      one.live(true);
      process.kill(-child.pid!, signal);
      await once(child, 'exit');
      assert.deepEqual([one.ids('latest'), one.unitsOf()], [['old'], 'old'], said());
      assert.equal((await one.noaa('status')).output.includes('not finished'), false);
    });
  }

  test('an upgrade whose reader is gone is taken back', async () => {
    await using one = await keeping({ candidate: 'bad' });
    one.install('old');
    const { child } = await waiting(one);
    one.live(true);
    child.stdout.destroy();
    child.stderr.destroy();
    process.kill(-child.pid!, 'SIGHUP');
    await once(child, 'exit');
    assert.deepEqual([one.ids('latest'), one.unitsOf()], [['old'], 'old']);
  });

  test('an upgrade that was killed keeps the way back to what ran before it', async () => {
    await using one = await keeping({ candidate: 'bad' });
    one.install('old');
    const { child } = await waiting(one);
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit');
    assert.match((await one.noaa('status')).output, /upgrade {5}not finished; .*quadlet\/noaa rollback/);
    // Again, and cut short again: nothing of the bad version is taken for a way back.
    const again = await waiting(one);
    assert.match(again.said(), /the way back stays what it was/);
    process.kill(-again.child.pid!, 'SIGKILL');
    await once(again.child, 'exit');
    one.live(true);
    const { code, output } = await one.noaa('rollback');
    assert.equal(code, 0, output);
    assert.deepEqual([one.ids('latest'), one.unitsOf()], [['old'], 'old']);
    assert.doesNotMatch((await one.noaa('status')).output, /not finished/);
  });

  test('an upgrade of which Quadlet makes no service is taken back', async () => {
    await using one = await keeping({ candidate: 'bad' });
    one.install('old');
    one.live(true);
    one.leaveOut('noaa-redactor.service');
    const { code, output } = await one.noaa('upgrade');
    assert.equal(code, 1, output);
    assert.match(output, /Quadlet made no noaa-redactor\.service/);
    assert.deepEqual([one.ids('latest'), one.unitsOf()], [['old'], 'old'], output);
  });

  test('without an upgrade there is nothing to roll back to, and nothing changes', async () => {
    await using one = await keeping();
    one.install('old');
    const { code, output } = await one.noaa('rollback');
    assert.equal(code, 1, output);
    assert.match(output, /nothing to go back to: no upgrade has been made here/);
    assert.deepEqual(one.ids('latest'), ['old']);
  });

  test('uninstall takes all away, though Quadlet has left a unit out and an image has lost its name', async () => {
    await using one = await keeping({ candidate: 'new', previous: 'older' });
    one.install('old');
    writeFileSync(one.at('untagged'), 'oldest\n');
    one.leaveOut('noaa-playback.service');
    const { code, output } = await one.noaa('uninstall');
    assert.equal(code, 0, output);
    assert.match(
      output,
      /systemctl --user stop noaa-pod\.service noaa-network\.service noaa-redactor\.service noaa-visualizer\.service$/m,
    );
    assert.deepEqual(readdirSync(one.at('images')), []);
    assert.equal(one.untagged(), '');
    assert.equal(existsSync(one.units), false);
  });
});
