/** Raw frames behind a secret: the chain that knows it plays, and a stranger gets nothing. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Subscriber } from 'zeromq';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { startChain, startService } from './support/services.ts';

test('with a secret the picture is live, and a stranger at playback’s port gets not one byte', async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/secret`;
  const secret = '0123456789abcdef'.repeat(4);
  await writeFile(file, `${secret}\n`);
  await using chain = await startChain({
    DATA_FILE: await makeClip(`${folder.path}/clip.mp4`),
    PLAYBACK_SECRET_FILE: file,
  });
  const { playback } = chain.services;
  const stranger = new Subscriber({ linger: 0, receiveTimeout: 2000 });
  stranger.connect(`tcp://127.0.0.1:${chain.environment.playback.PLAYBACK_PORT}`);
  stranger.subscribe();
  await playback.logged(({ reason, msg }) => reason === 'refused-subscriber' && /offers no secret/.test(msg));
  // It times out: frames come 30 times a second to every subscriber that is let in.
  await assert.rejects(stranger.receive(), { code: 'EAGAIN' });
  stranger.close();
  for (const { log } of Object.values(chain.services)) {
    assert.ok(!JSON.stringify(log).includes(secret), 'the secret is in a log');
  }
});

test('a secret that cannot be read is named, and nothing is published', async () => {
  await using playback = startService('playback', { PLAYBACK_SECRET_FILE: '/nowhere/secret' });
  assert.equal(await playback.ended, 2);
  assert.match(
    playback.log.at(-1)?.msg ?? '',
    /^PLAYBACK_SECRET_FILE="\/nowhere\/secret" does not exist; set it to/,
  );
});
