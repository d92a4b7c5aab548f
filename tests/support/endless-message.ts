/** Subscribes to a publisher whose message never ends, and reports what became of it. Run as `node endless-message.ts PORT`. */
import { readFileSync } from 'node:fs';
import { subscribe } from '../../apps/common/bus.ts';

const ended = new AbortController();
const endpoint = { host: '127.0.0.1', port: Number(process.argv[2]), variable: 'PLAYBACK_PORT' };
const anonymousMb = () =>
  Number(/RssAnon:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1024;
const beforeMb = anonymousMb();
const events = {
  reconnected() {},
  flapping: () => process.send?.({ fault: 'it flaps' }),
  unreachable: (fault: string) => process.send?.({ fault, grownMb: anonymousMb() - beforeMb }),
};
for await (const parts of subscribe(endpoint, ended.signal, 8 * 2 ** 20, events)) {
  process.send?.({ parts: parts.length });
}
