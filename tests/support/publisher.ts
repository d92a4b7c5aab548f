/** Publishes 30 small frames a second on a port. */
import { publish } from '../../apps/common/bus.ts';

const endpoint = { host: '127.0.0.1', port: Number(process.argv[2]), variable: 'PLAYBACK_PORT' };
const sink = await publish(endpoint, new AbortController().signal);
process.on('disconnect', () => process.exit());
setInterval(() => void sink.send(Buffer.from('a frame')), 33);
