/** Run in a network namespace of its own: cuts the link under a publisher and a subscriber, without a FIN, and mends it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { publish, subscribe } from '../../apps/common/bus.ts';
import { until } from './until.ts';

const loopback = (state: 'up' | 'down') => execFileSync('ip', ['link', 'set', 'lo', state]);
const endpoint = { host: '127.0.0.1', port: 5555, variable: 'PLAYBACK_PORT' };
const ended = new AbortController();
loopback('up');
const sink = await publish(endpoint, ended.signal);
const source = subscribe(endpoint, ended.signal);
const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 50);
let heard = 0;
const hearing = (async () => {
  for await (const _ of source) heard += 1;
})();

await until(() => heard > 3, 'frames');
assert.ok(source.connected);
loopback('down');
await until(() => !source.connected, 'the loss of the link', 7000);
loopback('up');
const before = heard;
await until(() => heard > before + 3, 'frames after the cut', 8000);
assert.ok(source.connected);
clearInterval(sending);
ended.abort();
await hearing;
