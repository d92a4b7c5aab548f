/** Viewers that read `/stream` and `/stream.mjpg` as bytes, without a browser. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface ServerSentEvent {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on what is in it
  data: any;
}

/** One that waits for what never comes fails after this time. */
const LONGEST_MS = 60_000;

/** Opens a stream and returns its response. The connection ends with `signal`. */
export function open(
  url: string,
  signal?: AbortSignal,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const ask = url.startsWith('https:') ? requestHttps : requestHttp;
    const request: ClientRequest = ask(
      url,
      { agent: false, headers, method, rejectUnauthorized: false, ...(signal && { signal }) },
      resolve,
    );
    request.once('error', reject).end();
  });
}

/** Yields the events of an SSE stream. */
export async function* events(
  url: string,
  signal = AbortSignal.timeout(LONGEST_MS),
  headers: Record<string, string> = {},
): AsyncGenerator<ServerSentEvent> {
  const response = await open(url, signal, headers);
  try {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
        const data = field('data');
        if (data !== undefined) yield { event: field('event') ?? 'message', data: JSON.parse(data) };
      }
    }
  } finally {
    response.destroy();
  }
}

/** Returns the first event that fits. */
export async function firstEvent(
  url: string,
  fits: (event: ServerSentEvent) => boolean,
): Promise<ServerSentEvent> {
  for await (const event of events(url)) if (fits(event)) return event;
  throw new Error(`${url} ended before the event came`);
}

export interface Part {
  headers: Record<string, string>;
  body: Buffer;
}

/** Yields the parts of a `multipart/x-mixed-replace` stream, by their Content-Length. */
export async function* parts(
  url: string,
  signal = AbortSignal.timeout(LONGEST_MS),
  asked: Record<string, string> = {},
): AsyncGenerator<Part> {
  const response = await open(url, signal, asked);
  try {
    let bytes = Buffer.alloc(0);
    for await (const chunk of response) {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) break;
        const lines = bytes.subarray(0, end).toString().trim().split('\r\n').slice(1);
        const headers = Object.fromEntries(
          lines.map(line => line.toLowerCase().split(': ') as [string, string]),
        );
        const length = Number(headers['content-length']);
        if (bytes.length < end + 4 + length) break;
        yield { headers, body: bytes.subarray(end + 4, end + 4 + length) };
        bytes = bytes.subarray(end + 4 + length + 2);
      }
    }
  } finally {
    response.destroy();
  }
}
