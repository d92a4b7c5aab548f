import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../tests/support/ports.ts';
import { until } from '../../tests/support/until.ts';
import type { BareTask } from '../load/bare-server.ts';
import type { FeederTask } from '../load/feeder.ts';
import type { Services } from '../load/services.ts';
import type { ViewerTask } from '../load/viewers.ts';
import { message } from '../part.ts';

/** Pictures a second of every server. */
export const FPS = 30;

/** Serves one picture, `FPS` times a second, to everyone who connects. */
export interface Server extends Disposable {
  name: string;
  task: Pick<ViewerTask, 'port' | 'path' | 'framing' | 'tls'>;
  pid: number;
}

/** Starts the redactor that publishes ready frames. */
export async function feeder(task: FeederTask): Promise<Disposable> {
  const child = fork(new URL('../load/feeder.ts', import.meta.url), [JSON.stringify(task)]);
  await message(child);
  return { [Symbol.dispose]: () => child.kill() };
}

/** Our own; `services` owns its life. */
export function visualizerOf(services: Services, stream: string, tls = false): Server {
  return {
    name: 'noaa-pod',
    task: { port: services.port, path: stream, framing: 'chunks', tls },
    pid: services.pid('visualizer'),
    [Symbol.dispose]: () => {},
  };
}

/** Node's own HTTP server of the same bytes. */
export async function bareServer(
  jpeg: string,
  stream: BareTask['stream'],
  tls?: BareTask['tls'],
): Promise<Server> {
  const task: BareTask = { jpeg, fps: FPS, stream, ...(tls && { tls }) };
  const child = fork(new URL('../load/bare-server.ts', import.meta.url), [JSON.stringify(task)]);
  const port = await message<number>(child);
  const name = tls ? 'bare Node TLS server' : 'bare Node server';
  return serverOf(name, { port, path: '/', framing: 'chunks', tls: tls !== undefined }, child);
}

/** GStreamer's fan-out of the same picture. A client that can't follow gets the newest one next. */
export async function tcpServerSink(jpeg: string, frameBytes: number): Promise<Server> {
  const port = await freePort();
  const pipeline =
    // It encodes as often as the visualizer does: a source of ready pictures has no times to pace them by.
    `filesrc location=${jpeg} ! jpegdec ! imagefreeze ! video/x-raw,framerate=${FPS}/1 ! jpegenc quality=85 ! ` +
    `multipartmux boundary=frame ! ` +
    `tcpserversink host=127.0.0.1 port=${port} sync=true recover-policy=latest units-max=18 units-soft-max=9`;
  const child = spawn('gst-launch-1.0', ['-q', ...pipeline.split(' ')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(() => answers(port), 'tcpserversink');
  return serverOf('tcpserversink', { port, path: '', framing: { frameBytes } }, child);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return true;
}

function serverOf(name: string, task: Server['task'], child: ChildProcess): Server {
  return { name, task, pid: child.pid!, [Symbol.dispose]: () => child.kill() };
}
