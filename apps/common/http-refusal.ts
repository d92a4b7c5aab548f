import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { Refusal } from './allowed-hosts.ts';
import { asError } from './errors.ts';

/** What every answer has, unless its handler sets another value. Sites on other origins get nothing from it. */
export const SAFE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Headers of an answer of one sentence. */
const REFUSAL_HEADERS = {
  ...SAFE_HEADERS,
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
};

/** By Node's code for what its parser refuses. */
const UNREADABLE: Record<string, { line: string; message: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    line: '408 Request Timeout',
    message: 'The request did not arrive in time; send it whole, at once',
  },
  HPE_HEADER_OVERFLOW: {
    line: '431 Request Header Fields Too Large',
    message: 'The address and the headers of the request are more than 16 kB; send less',
  },
};
const NO_REQUEST = { line: '400 Bad Request', message: 'This is not an HTTP request that can be read' };
const NO_PROXY = 'This server is no proxy; ask it for a path of its own';

/** Returns why a request is refused whatever path it asks for, if it is. */
export function formRefusal({ method, headers }: IncomingMessage, takesBody: boolean): Refusal | undefined {
  if (method === 'CONNECT') return { status: 405, message: NO_PROXY };
  if (!/^(100-continue)?$/i.test(headers.expect ?? ''))
    return { status: 417, message: 'Nothing here is expected; send the request without Expect' };
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody && !takesBody
    ? { status: 413, message: 'Nothing here takes a body; send the request without a body' }
    : undefined;
}

/** Answers a request with one sentence, and ends its connection. */
export function refuse(response: ServerResponse, { status, message }: Refusal): void {
  const body = `${message}\n`;
  // A body that follows is not read, so the connection cannot be used again. HTTP/2 ends only the stream.
  const connection = response.req.httpVersionMajor < 2 ? { Connection: 'close' } : {};
  response
    .writeHead(status, { ...REFUSAL_HEADERS, ...connection, 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

/** Has a server answer what Node would answer by itself, without a header: what is no request, comes too slowly or expects. */
export function answerUnreadable(server: Server | Http2SecureServer): void {
  server.on('clientError', (error: Error, socket: Answering) => {
    const { line, message } = UNREADABLE[asError(error).code ?? ''] ?? NO_REQUEST;
    answerByHand(socket, line, message);
  });
  const asAnyOther = (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  };
  // Handled as if it expected nothing: what has a body is refused, and a form that is taken comes after a second without 100.
  server.on('checkContinue', asAnyOther);
  // It waits for its turn, like any other, and is refused then.
  server.on('checkExpectation', asAnyOther);
  server.on('connect', (request: IncomingMessage, answers: ServerResponse | Answering) => {
    if ('writeHead' in answers) {
      asAnyOther(request, answers);
      return;
    }
    // Node has taken its own listeners away.
    answers.on('error', () => answers.destroy());
    answerByHand(answers, '405 Method Not Allowed', NO_PROXY);
  });
}

/** A connection, with the answer that is under way on it. */
type Answering = Socket & { _httpMessage?: ServerResponse | null };

/** Answers with one sentence, where Node has no response for it, and ends the connection. */
function answerByHand(socket: Answering, line: string, message: string): void {
  // In the middle of another answer it would be a part of that.
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const headers = Object.entries({
    ...REFUSAL_HEADERS,
    Connection: 'close',
    'Content-Length': message.length + 1,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${line}\r\n${headers.join('')}\r\n${message}\n`);
  socket.destroySoon();
}
