import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Returns a listener that passes each request of a connection on when the answer before it has ended.
 *
 * One request may wait: a client that has read all of an answer, by its length, sends the next before we have noticed the
 * end. More of them (pipelined, RFC 9112, 9.3.2; no browser does it) end the connection: Node would start them all at once,
 * two thousand in 64 kB, and keep the answers. HTTP/2 has a stream for each, which is not held up.
 */
export function inTurn(next: RequestListener): RequestListener {
  const current = new WeakMap<Socket, ServerResponse>();
  const waiting = new WeakSet<Socket>();
  const start: RequestListener = (request, response) => {
    current.set(request.socket, response);
    next(request, response);
  };
  return (request, response) => {
    const { socket } = request;
    // A response has no socket as long as another is before it.
    const before = response.socket ? undefined : current.get(socket);
    if (!before) {
      start(request, response);
    } else if (waiting.has(socket)) {
      socket.destroy();
    } else {
      waiting.add(socket);
      before.once('finish', () => {
        waiting.delete(socket);
        start(request, response);
      });
    }
  };
}
