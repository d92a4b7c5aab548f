/** Subscribes to a port, reports each message to its parent, and blocks its event loop on request. */
import { subscribe } from '../../apps/common/bus.ts';

const endpoint = { host: '127.0.0.1', port: Number(process.argv[2]), variable: 'PLAYBACK_PORT' };
process.on('message', (blockMs: number) => {
  process.send!('blocked');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
  process.send!('unblocked');
});
process.on('disconnect', () => process.exit());
for await (const parts of subscribe(endpoint, new AbortController().signal)) process.send!(parts.length);
