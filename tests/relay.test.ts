/** A visualizer that watches another visualizer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { hashPassword } from '../apps/visualizer/access/password.ts';
import { writeUsers } from '../apps/visualizer/access/users-file.ts';
import type { LoopList } from '../apps/visualizer/messages.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { freePort, freePorts } from './support/ports.ts';
import { metricFaults } from './support/promlint.ts';
import { serve, startRelay, statusOf } from './support/relays.ts';
import { startChain, startService } from './support/services.ts';
import { events, type Part, parts } from './support/streams.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let chain: Awaited<ReturnType<typeof startChain>>;
let relay: Awaited<ReturnType<typeof startRelay>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  clip = await makeClip(`${folder.path}/clip.mp4`, { seconds: 1, fps: 10 });
  chain = await startChain({ DATA_FILE: clip, CLIP_START: '2026-01-01T00:00:00Z', CLIP_STEP: 300 });
  relay = await startRelay(`${chain.web}/stream.mjpg`);
  await relay.service.logged(line => line['state'] === 'live');
});
after(async () => {
  await relay[Symbol.asyncDispose]();
  await chain[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Collects this many of a stream's items by their sequence. */
async function collect<T>(items: AsyncIterable<T>, count: number, key: (item: T) => string | undefined) {
  const found = new Map<string, T>();
  for await (const item of items) {
    const name = key(item);
    if (name !== undefined) found.set(name, item);
    if (found.size >= count) break;
  }
  return found;
}

describe('a relay serves what its origin does', () => {
  test('and its metrics, like those of all three services, are what promtool takes', async () => {
    for (const service of [relay.web, chain.web, chain.redactorTelemetry, chain.playbackTelemetry]) {
      const text = await (await fetch(`${service}/metrics`)).text();
      assert.match(text, /^# TYPE noaa_(visualizer|redactor|playback)_frames_\w+ counter$/m, service);
      assert.deepEqual(metricFaults(text), [], service);
    }
  });

  test('the same JPEGs with the same headers, and the same events', async () => {
    const ofParts = (web: string) =>
      collect(parts(`${web}/stream.mjpg`), 12, ({ headers }: Part) => headers['x-sequence']);
    const ofFrames = (web: string) =>
      collect(events(`${web}/stream`), 12, ({ event, data }) =>
        event === 'frame' ? String(data.seq) : undefined,
      );
    const [theirs, ours, theirFrames, ourFrames] = await Promise.all([
      ofParts(chain.web),
      ofParts(relay.web),
      ofFrames(chain.web),
      ofFrames(relay.web),
    ]);
    const both = [...theirs.keys()].filter(seq => ours.has(seq));
    assert.ok(both.length >= 6, `${both.length} in common`);
    for (const seq of both) assert.deepEqual(ours.get(seq), theirs.get(seq));
    const bothFrames = [...theirFrames.keys()].filter(seq => ourFrames.has(seq));
    assert.ok(bothFrames.length >= 6, `${bothFrames.length} in common`);
    for (const seq of bothFrames) assert.deepEqual(ourFrames.get(seq), theirFrames.get(seq));
    const [first] = [...ours.values()];
    assert.match(first?.headers['x-mask'] ?? '', /^[\da-f]{16}$/);
    assert.match(first?.headers['x-valid-time'] ?? '', /^2026-01-01t/);
    assert.equal(first?.headers['x-redacted'], '1');
  });

  test('the whole history under the same names, which a new relay has at once', async () => {
    const listOf = async (web: string) => (await (await fetch(`${web}/loop`)).json()) as LoopList;
    await until(async () => (await listOf(chain.web)).frames.length === 10, 'the whole clip');
    await using late = await startRelay(`${chain.web}/stream.mjpg`);
    await until(async () => (await listOf(late.web)).frames.length === 10, 'its history');
    const list = await listOf(chain.web);
    assert.deepEqual(await listOf(late.web), list);
    for (const { id } of list.frames) {
      const [theirs, ours] = await Promise.all(
        [chain.web, late.web].map(async web => {
          const answer = await fetch(`${web}/loop/${id}.jpg`);
          const names = ['x-sequence', 'x-timestamp', 'x-mask', 'x-valid-time', 'cache-control'];
          return [names.map(name => answer.headers.get(name)), Buffer.from(await answer.arrayBuffer())];
        }),
      );
      assert.deepEqual(ours, theirs);
    }
    assert.equal((await fetch(`${late.web}/loop/0123.jpg`)).status, 404);
  });

  test('the same still', async () => {
    await until(async () => {
      const [theirs, ours] = await Promise.all(
        [chain.web, relay.web].map(web => fetch(`${web}/snapshot.jpg`)),
      );
      if (theirs!.headers.get('x-sequence') !== ours!.headers.get('x-sequence')) return false;
      assert.deepEqual(await ours!.bytes(), await theirs!.bytes());
      return true;
    }, 'one still of both');
  });

  test('the marking, which it takes over at its start, and ends when it changes so that it starts with that', async () => {
    const port = await freePort();
    const origin = { ...chain.environment.visualizer, VISUALIZER_PORT: port };
    const web = `http://127.0.0.1:${port}`;
    const first = startService('visualizer', { ...origin, MARKING: 'EXERCISE // DRILL' });
    await first.logged(({ state }) => state === 'live');
    await using marked = await startRelay(`${web}/stream.mjpg`);
    await marked.service.logged(({ state }) => state === 'live');
    assert.deepEqual((await statusOf(marked.web)).marking, { text: 'EXERCISE // DRILL', color: '#4b5563' });
    for await (const { headers } of parts(`${marked.web}/stream.mjpg`)) {
      assert.equal(headers['x-marking'], 'exercise // drill');
      break;
    }
    await until(async () => {
      const [theirs, ours] = await Promise.all([web, marked.web].map(each => fetch(`${each}/snapshot.jpg`)));
      if (theirs!.headers.get('x-sequence') !== ours!.headers.get('x-sequence')) return false;
      assert.deepEqual(await ours!.bytes(), await theirs!.bytes());
      return true;
    }, 'one still of both, with the marking in it');
    await using disagreeing = await startRelay(`${web}/stream.mjpg`, { MARKING: 'REAL' });
    const refused = await disagreeing.service.logged(({ state }) => state === 'refusing');
    assert.match(refused.msg, /EXERCISE.*set MARKING/);
    await first.stop();
    await using second = startService('visualizer', { ...origin, MARKING: 'REAL' });
    assert.equal(await marked.service.ended, 1);
    assert.equal(marked.service.log.at(-1)?.['code'], 'marking-changed');
    await disagreeing.service.logged(({ state }) => state === 'live');
    await second.stop();
  });

  test('its status, with both levels, while it takes one place and encodes nothing', async () => {
    const [origin, own] = await Promise.all([statusOf(chain.web), statusOf(relay.web)]);
    assert.equal(own.mask, origin.mask);
    assert.equal(own.source.format, origin.source.format);
    assert.equal(origin.source.blank, false);
    assert.equal(own.source.blank, false, 'as the origin says: a relay has no pixels');
    assert.deepEqual(own.origin, {
      address: `${chain.web}/stream.mjpg`,
      connected: true,
      state: 'live',
      message: origin.message,
    });
    assert.deepEqual(own.chain.slice(1), origin.chain);
    assert.equal(origin.origin, null);
    await until(async () => (await statusOf(chain.web)).viewers.relay === 1, 'one place');
    const metrics = await (await fetch(`${relay.web}/metrics`)).text();
    assert.match(metrics, /^noaa_visualizer_frames_encoded_total\S* 0$/m);
  });
});

describe('a relay says what is lost', () => {
  test('the origin’s source, its origin that is silent, its origin that is gone, and shows what the next one has', async () => {
    const [file, tall] = [`${folder.path}/own.mp4`, `${folder.path}/tall.mp4`];
    await Promise.all([copyFile(clip, file), makeClip(tall, { size: '240x320', seconds: 1, fps: 10 })]);
    await using own = await startChain({ DATA_FILE: file });
    await using watching = await startRelay(`${own.web}/stream.mjpg`);
    const { service } = watching;
    await service.logged(line => line['state'] === 'live');
    const within2s = async (state: string, message: RegExp, beganMs: number) => {
      const status = await until(async () => {
        const now = await statusOf(watching.web);
        return now.state === state ? now : undefined;
      }, state);
      assert.match(status.message, message);
      const tookMs = performance.now() - beganMs;
      // The origin notices within 2 s that its source is gone, and says so at once.
      assert.ok(tookMs < 2300, `${Math.round(tookMs)} ms`);
      assert.equal((await fetch(`${watching.web}/snapshot.jpg`)).status, 503);
      assert.equal((await fetch(`${watching.web}/readyz`)).status, 503);
      return status;
    };

    let beganMs = performance.now();
    own.services.redactor.process.kill('SIGSTOP');
    const told = await within2s(
      'stalled',
      /^The visualizer at .* reports: The redactor at .* sends no frames/,
      beganMs,
    );
    assert.equal(told.origin?.connected, true);
    own.services.redactor.process.kill('SIGCONT');
    await until(async () => (await statusOf(watching.web)).state === 'live', 'live again');

    beganMs = performance.now();
    own.services.visualizer.process.kill('SIGSTOP');
    const silent = await within2s('stalled', /^The visualizer at .* sends nothing/, beganMs);
    assert.equal(silent.origin?.state, 'live');
    own.services.visualizer.process.kill('SIGCONT');
    await until(async () => (await statusOf(watching.web)).state === 'live', 'live again');

    beganMs = performance.now();
    own.services.visualizer.process.kill('SIGKILL');
    const lost = await within2s('disconnected', /^This relay has lost the visualizer/, beganMs);
    assert.equal(lost.origin?.connected, false);
    // What it has of the past, it still has.
    assert.ok(((await (await fetch(`${watching.web}/loop`)).json()) as LoopList).frames.length > 0);

    // Another process at the same address, with another history and another size of picture.
    await rename(tall, file);
    await using again = startService('visualizer', own.environment.visualizer);
    await again.logged(({ state }) => state === 'live');
    await until(async () => {
      const [theirs, ours] = await Promise.all(
        [own.web, watching.web].map(web => fetch(`${web}/snapshot.jpg`)),
      );
      if (theirs!.headers.get('x-sequence') !== ours!.headers.get('x-sequence')) return false;
      assert.deepEqual(await ours!.bytes(), await theirs!.bytes());
      const { source } = await statusOf(watching.web);
      return source.width === 240 && source.height === 320;
    }, 'the picture of the other clip');
  });
});

describe('a relay refuses', { concurrency: true }, () => {
  test('to watch itself', async () => {
    const port = await freePort();
    await using self = startService('visualizer', {
      SOURCE_URL: `http://127.0.0.1:${port}/stream.mjpg`,
      VISUALIZER_PORT: port,
    });
    const line = await self.logged(({ state }) => state === 'refusing');
    assert.match(line.msg, /leads back to this visualizer/);
  });

  for (const count of [2, 3])
    test(`to watch itself through ${count - 1} more`, async () => {
      const ports = await freePorts(count);
      await using stack = new AsyncDisposableStack();
      const relays = ports.map((port, at) =>
        stack.use(
          startService('visualizer', {
            SOURCE_URL: `http://127.0.0.1:${ports[(at + 1) % count]}/stream.mjpg`,
            VISUALIZER_PORT: port,
          }),
        ),
      );
      const line = await Promise.any(relays.map(each => each.logged(({ state }) => state === 'refusing')));
      assert.match(line.msg, /leads back to this visualizer/);
    });

  test('what is not marked as redacted: not one picture of it reaches a viewer', async () => {
    const port = await freePort();
    await using unmarked = startService('visualizer', {
      REDACTOR_HOST: '127.0.0.1',
      REDACTOR_PORT: chain.environment.playback.PLAYBACK_PORT,
      ALLOW_UNMARKED_FRAMES: 1,
      VISUALIZER_PORT: port,
    });
    await unmarked.logged(({ state }) => state === 'live');
    await using watching = await startRelay(`http://127.0.0.1:${port}/stream.mjpg`);
    await watching.service.logged(({ state }) => state === 'refusing');
    const status = await until(async () => {
      const now = await statusOf(watching.web);
      return (now.refused['unmarked'] ?? 0) > 5 ? now : undefined;
    }, 'refusals');
    assert.match(status.message, /not marked as redacted/);
    assert.equal((await fetch(`${watching.web}/snapshot.jpg`)).status, 503);
    const { frames } = (await (await fetch(`${watching.web}/loop`)).json()) as LoopList;
    for (const { id } of frames) assert.equal((await fetch(`${watching.web}/loop/${id}.jpg`)).status, 404);
    for await (const { headers } of parts(`${watching.web}/stream.mjpg`)) {
      assert.equal(headers['x-sequence'], '0', 'only the card');
      break;
    }
  });

  test('origins that are hostile, and goes on when they mend', async () => {
    const attacks: string[] = [
      `--b\r\nX: ${'y'.repeat(100_000)}`,
      `--b\r\nContent-Type: image/jpeg\r\nContent-Length: 2\r\n\r\nno\r\n`.repeat(20_000),
      `--b\r\nContent-Type: application/json\r\nX-Event: status\r\nContent-Length: 2\r\n\r\n{]\r\n`,
    ];
    let mended = false;
    using origin = await serve((request, response) => {
      if (mended) {
        const { port } = new URL(chain.web);
        const upstream = connect(Number(port), '127.0.0.1', () =>
          upstream.write(
            `GET ${request.url} HTTP/1.0\r\nX-Relay: ${request.headers['x-relay'] ?? ''}\r\n\r\n`,
          ),
        );
        response.once('close', () => upstream.destroy());
        upstream.pipe(request.socket);
        return;
      }
      if (request.url !== '/stream.mjpg') {
        response.writeHead(404).end();
        return;
      }
      const attack = attacks.shift();
      mended = attacks.length === 0;
      response.writeHead(200, {
        'Content-Type': 'multipart/x-mixed-replace;boundary=b',
        'X-Relay': '0123456789abcdef',
      });
      response.end(attack);
    });
    await using watching = await startRelay(`${origin.web}/stream.mjpg`);
    await watching.service.logged(({ state }) => state === 'live');
    assert.equal((await fetch(`${watching.web}/snapshot.jpg`)).status, 200);
  });
});

describe('the credential of a relay', { concurrency: true }, () => {
  test('goes to the origin and nowhere else, and into no log', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere: string[] = [];
    using stranger = await serve(({ url = '' }, response) => {
      elsewhere.push(url);
      response.end();
    });
    using origin = await serve(({ headers, url }, response) => {
      if (url !== '/stream.mjpg') {
        response.writeHead(404).end();
        return;
      }
      seen.push(headers.authorization);
      response.writeHead(seen.length === 1 ? 404 : 302, { Location: `${stranger.web}/stream.mjpg` }).end();
    });
    const file = `${folder.path}/credential`;
    await writeFile(file, 'relay:wonderful: pass\n');
    await using watching = await startRelay(`${origin.web}/stream.mjpg`, { SOURCE_CREDENTIAL_FILE: file });
    await watching.service.logged(({ msg }) => /no such stream/.test(msg));
    // A credential that is replaced counts from the next connection on.
    await writeFile(file, 'a.token-of_ours\n');
    await until(
      async () => /redirects elsewhere/.test((await statusOf(watching.web)).message),
      'the redirection',
    );
    const basic = `Basic ${Buffer.from('relay:wonderful: pass').toString('base64')}`;
    assert.deepEqual(seen.slice(0, 2), [basic, 'Bearer a.token-of_ours']);
    assert.deepEqual(elsewhere, []);
    const everything = JSON.stringify([watching.service.log, await statusOf(watching.web)]);
    for (const secret of ['wonderful', basic.slice(6), 'token-of_ours'])
      assert.ok(!everything.includes(secret));
  });

  test('opens an origin whose viewers log in, and its history; with a wrong one a relay says so and shows nothing', async () => {
    const users = `${folder.path}/users`;
    await writeUsers(users, new Map([['relay', await hashPassword('wonderful')]]));
    const port = await freePort();
    const guarded = { ...chain.environment.visualizer, VISUALIZER_PORT: port, USERS_FILE: users };
    await using origin = startService('visualizer', guarded);
    await origin.logged(({ state }) => state === 'live');
    const relayWith = async (password: string) => {
      const file = `${folder.path}/${password}`;
      await writeFile(file, `relay:${password}\n`);
      return await startRelay(`http://127.0.0.1:${port}/stream.mjpg`, { SOURCE_CREDENTIAL_FILE: file });
    };
    await using welcome = await relayWith('wonderful');
    await using refused = await relayWith('miserable');
    await welcome.service.logged(({ state }) => state === 'live');
    const [oldest] = await until(async () => {
      const { frames } = (await (await fetch(`${welcome.web}/loop`)).json()) as LoopList;
      return frames.length > 0 ? frames : undefined;
    }, 'its history');
    assert.equal((await fetch(`${welcome.web}/loop/${oldest!.id}.jpg`)).status, 200);
    await refused.service.logged(({ msg }) => /refuses the one in SOURCE_CREDENTIAL_FILE/.test(msg));
    assert.equal((await fetch(`${refused.web}/snapshot.jpg`)).status, 503);
  });

  test('travels over TLS to an origin whose certificate SOURCE_CA_FILE vouches for, and to no other', async () => {
    const [key, cert] = [`${folder.path}/key.pem`, `${folder.path}/cert.pem`];
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '2',
        ],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    const { port } = new URL(chain.web);
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, socket => {
      const upstream = connect(Number(port), '127.0.0.1');
      const end = () => {
        socket.destroy();
        upstream.destroy();
      };
      for (const each of [socket, upstream]) each.on('error', () => {}).on('close', end);
      socket.pipe(upstream).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.on('tlsClientError', () => {});
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/stream.mjpg`;
    {
      await using trusting = await startRelay(url, { SOURCE_CA_FILE: cert });
      await trusting.service.logged(({ state }) => state === 'live');
      await using wary = await startRelay(url);
      await wary.service.logged(({ msg }) => /certificate is not accepted.*SOURCE_CA_FILE/.test(msg));
    }
    server.close();
  });

  test('and other settings that are wrong are named, never shown', async () => {
    await writeFile(`${folder.path}/two-lines`, 'onetwo\nonetwo\n');
    const wrong: [Record<string, string>, RegExp][] = [
      [
        { SOURCE_URL: 'https://user:secret@origin.example.org/stream.mjpg' },
        /SOURCE_URL="https:\/\/…@origin.* SOURCE_CREDENTIAL_FILE/,
      ],
      [{ SOURCE_URL: 'ftp://origin.example.org/stream.mjpg' }, /as in https:/],
      [{ SOURCE_URL: 'http://origin.example.org/' }, /as in https:/],
      [{ SOURCE_URL: `${chain.web}/stream.mjpg`, SOURCE_CREDENTIAL_FILE: '/nowhere' }, /does not exist/],
      [
        { SOURCE_URL: `${chain.web}/stream.mjpg`, SOURCE_CREDENTIAL_FILE: `${folder.path}/two-lines` },
        /not one line/,
      ],
      [
        { SOURCE_URL: `${chain.web}/stream.mjpg`, SOURCE_CA_FILE: `${folder.path}/two-lines` },
        /no certificate/,
      ],
    ];
    await Promise.all(
      wrong.map(async ([settings, message]) => {
        await using service = startService('visualizer', { VISUALIZER_PORT: await freePort(), ...settings });
        const { msg } = await service.logged(({ level }) => level === 'fatal');
        assert.match(msg, message);
        assert.doesNotMatch(JSON.stringify(service.log), /secret|onetwo/);
        assert.equal(await service.ended, 2);
      }),
    );
  });
});
