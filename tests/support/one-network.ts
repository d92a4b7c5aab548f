/**
 * Run as root in a network namespace of its own: playback, redactor and visualizer as the pod runs them, each as a user of
 * its own, with an attacker beside the visualizer. Prints what the attacker got and whether the picture was live, as JSON.
 *
 * Usage: node one-network.ts CLIP FOLDER, with what is left out of the protection as more arguments: secrets, ports.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { startProcess } from './services.ts';
import { until } from './until.ts';

const [clip = '', folder = '', ...leftOut] = process.argv.slice(2);
const SECRETS = { playback: 'a1'.repeat(32), redactor: 'b2'.repeat(32) };
const USERS = { playback: 10001, redactor: 10002, visualizer: 10003 };
type Name = keyof typeof USERS;

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const firstFree = leftOut.includes('ports') ? '0' : '6000';
writeFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', firstFree);

/** A copy of a secret that one user can read. */
function secretFile(of: keyof typeof SECRETS, reader: Name): Record<string, string> {
  if (leftOut.includes('secrets')) return {};
  const path = `${folder}/${of}-for-${reader}`;
  writeFileSync(path, SECRETS[of], { mode: 0o400 });
  chownSync(path, USERS[reader], USERS[reader]);
  return { [`${of.toUpperCase()}_SECRET_FILE`]: path };
}

function startAs(user: Name, args: string[], env: Record<string, string>, mayBind: boolean) {
  const id = String(USERS[user]);
  const rights = mayBind
    ? ['--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service']
    : ['--inh-caps=-all'];
  const as = ['--reuid', id, '--regid', id, '--clear-groups', '--no-new-privs', ...rights];
  return startProcess(user, 'setpriv', [...as, process.execPath, ...args], env);
}

const start: Record<Name, () => ReturnType<typeof startProcess>> = {
  playback: () =>
    startAs(
      'playback',
      ['apps/playback/main.ts'],
      {
        PLAYBACK_HOST: '127.0.0.1',
        DATA_FILE: clip,
        WAIT_FOR_PORT: '1',
        ...secretFile('playback', 'playback'),
      },
      true,
    ),
  redactor: () =>
    startAs(
      'redactor',
      ['apps/redactor/main.ts'],
      {
        PLAYBACK_HOST: '127.0.0.1',
        REDACTOR_HOST: '127.0.0.1',
        WAIT_FOR_PORT: '1',
        ...secretFile('playback', 'redactor'),
        ...secretFile('redactor', 'redactor'),
      },
      true,
    ),
  visualizer: () =>
    startAs(
      'visualizer',
      ['apps/visualizer/main.ts'],
      { REDACTOR_HOST: '127.0.0.1', ...secretFile('redactor', 'visualizer') },
      false,
    ),
};

await using stack = new AsyncDisposableStack();
const visualizer = stack.use(start.visualizer());
const services = { playback: start.playback(), redactor: start.redactor() };
stack.defer(async () => {
  for (const service of Object.values(services)) await service[Symbol.asyncDispose]();
});
await visualizer.logged(line => line['state'] === 'live');

const attacker = stack.use(startAs('visualizer', ['tests/support/attacker.ts', '5555', '5556'], {}, false));
await attacker.logged(() => true);
const isLive = async () => {
  const status = (await (await fetch('http://127.0.0.1:8050/status')).json()) as { state: string };
  return status.state === 'live';
};
// Its neighbours are killed and restarted under it, as when they crash.
for (const name of ['playback', 'redactor'] as const) {
  await services[name][Symbol.asyncDispose]();
  await new Promise(resolve => setTimeout(resolve, 3000));
  services[name] = start[name]();
  await services[name].logged(({ level }) => level === 'info' || level === 'warn');
}
// With the port taken by a fake, the picture never comes.
const live = await until(isLive, 'the picture', leftOut.includes('ports') ? 10_000 : 30_000).catch(
  () => false,
);
attacker.process.kill('SIGTERM');
await attacker.ended;
const got = attacker.log.find(line => 'bytes' in line);
assert.ok(got);
process.stdout.write(`${JSON.stringify({ ...got, live, secret: SECRETS.redactor })}\n`);
