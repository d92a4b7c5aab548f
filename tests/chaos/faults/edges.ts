import { copyFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashPassword } from '../../../apps/visualizer/access/password.ts';
import { writeUsers } from '../../../apps/visualizer/access/users-file.ts';
import { makePair } from '../../support/certificates.ts';
import { type Edge, edge } from '../edge.ts';
import type { Fault } from '../fault.ts';
import { FaultyLink } from '../faulty-link.ts';
import type { Rig } from '../rig.ts';

const relayOf = (rig: Rig, port = rig.ports.visualizer) =>
  edge(rig, { SOURCE_URL: `http://127.0.0.1:${port}/stream.mjpg` });

/** Ends what is beside the chain only after the chain was looked at. */
const endsLater = (other: Edge) => async () => await other[Symbol.asyncDispose]();

const relays: Fault[] = [
  {
    name: 'the origin of a relay is killed, and started again after 2 s',
    shows: {
      status: /^no answer/,
      log: /^no link to the visualizer at .*(nothing listens there|cut the connection)/,
    },
    async inject(rig) {
      const relay = await relayOf(rig);
      await rig.kill('visualizer');
      await sleep(2000);
      rig.start('visualizer');
      await relay.live();
      return endsLater(relay);
    },
  },
  {
    name: 'a relay is killed, and started again after 2 s',
    // The origin and its other viewers see nothing of it.
    shows: {},
    async inject(rig) {
      const relay = await relayOf(rig);
      await relay.service.stop('SIGKILL');
      await sleep(2000);
      relay.again();
      await relay.live();
      return endsLater(relay);
    },
  },
  {
    name: 'origin → relay: cut in the middle of a picture, five times',
    shows: {
      log: /^the link to the visualizer at .* was lost \d times|^no link to the visualizer at .* cut the connection/,
    },
    async inject(rig, random) {
      const link = await FaultyLink.start({ host: '127.0.0.1', port: rig.ports.visualizer }, random);
      const relay = await relayOf(rig, link.port);
      for (let time = 0; time < 5; time += 1) {
        link.mischief = { cutAfterBytes: Math.ceil(1 + random() * 50_000) };
        await sleep(1200);
      }
      link.mend();
      await relay.live();
      return async () => {
        await relay[Symbol.asyncDispose]();
        await link[Symbol.asyncDispose]();
      };
    },
  },
];

const BASIC = { Authorization: `Basic ${Buffer.from('anna:correct horse').toString('base64')}` };

async function guarded(rig: Rig) {
  const at = (name: string) => `${rig.folder}/${name}`;
  const pairs = await Promise.all(['first', 'second'].map(name => makePair(rig.folder, name)));
  const install = async (pair: (typeof pairs)[number]) => {
    await copyFile(pair.certFile, at('tls.crt'));
    await copyFile(pair.keyFile, at('tls.key'));
  };
  await install(pairs[0]!);
  const users = new Map([['anna', await hashPassword('correct horse')]]);
  await writeUsers(at('users'), users);
  await writeFile(at('users.key'), '7'.repeat(64));
  const other = await edge(
    rig,
    { TLS_CERT_FILE: at('tls.crt'), TLS_KEY_FILE: at('tls.key'), USERS_FILE: at('users') },
    { scheme: 'https', headers: BASIC },
  );
  return { other, at, users, install: () => install(pairs[1]!) };
}

const doors: Fault[] = [
  {
    name: 'a certificate is replaced by what is none for 4 s, and then by another',
    shows: { log: /is no certificate in PEM.*The certificate before it stays in use/ },
    async inject(rig) {
      const { other, at, install } = await guarded(rig);
      await writeFile(at('tls.crt'), 'not a certificate');
      await sleep(4000);
      await install();
      await other.service.logged(({ msg }) => /^the certificate was exchanged/.test(msg));
      await other.live();
      return endsLater(other);
    },
  },
  {
    name: 'the list of users is half written for 4 s',
    shows: { log: /^USERS_FILE=.* has a line .*Until it can be read, the 1 users before it stay/ },
    async inject(rig) {
      const { other, at, users } = await guarded(rig);
      await writeFile(at('users'), 'anna:$argon2id$v=19$m=19');
      await sleep(4000);
      await writeUsers(at('users'), users);
      await other.service.logged(({ msg }) => /^read the users again/.test(msg));
      await other.live();
      return endsLater(other);
    },
  },
  {
    name: 'the redactor has another secret than the visualizer for 8 s',
    shows: {
      status: /^disconnected: .*it refuses the secret in REDACTOR_SECRET_FILE/,
      metric: /redactor_subscribers_refused/,
      log: /^no link to the redactor at .*: it refuses the secret in REDACTOR_SECRET_FILE/,
    },
    async inject(rig) {
      const secret = async (name: string) => {
        await writeFile(`${rig.folder}/${name}`, name.repeat(8), { mode: 0o600 });
        return { REDACTOR_SECRET_FILE: `${rig.folder}/${name}` };
      };
      const [old, other] = [await secret('old-secret'), await secret('new-secret')];
      await Promise.all([rig.kill('redactor', 'SIGTERM'), rig.kill('visualizer', 'SIGTERM')]);
      rig.start('redactor', old);
      rig.start('visualizer', old);
      await rig.live(performance.now());
      await rig.kill('redactor', 'SIGTERM');
      rig.start('redactor', other);
      await sleep(8000);
      await rig.kill('redactor', 'SIGTERM');
      rig.start('redactor', old);
      return async () => {
        await Promise.all([rig.kill('redactor', 'SIGTERM'), rig.kill('visualizer', 'SIGTERM')]);
        rig.start('redactor');
        rig.start('visualizer');
      };
    },
  },
];

export const edges: Fault[] = [...relays, ...doors];
