import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { Context, Next } from 'koa';
import { escapeHtml } from './escape-html.ts';
import type { Marking } from './marking.ts';

/** Where index.html has room for the marking. */
const PLACES = /(<p class="?marking"?[^>]*?) hidden(?:="")?>(<\/p>)/g;

/** Returns the style of the marking. A Content-Security-Policy without `unsafe-inline` leaves no other place for its colour. */
export const markingStyle = (marking: Marking | undefined): string =>
  marking ? `.marking { background: ${marking.color}; color: ${marking.ink}; }\n` : '';

/** Returns a page of HTML with the marking in its places, so that it is there before, and without, any script. */
function withMarking(html: string, { text, color }: Marking): string {
  return html
    .replace(PLACES, (_, opening: string, closing: string) => `${opening}>${escapeHtml(text)}${closing}`)
    .replace('</head>', () => `  <link rel="stylesheet" href="marking.css?${color.slice(1)}">\n</head>`);
}

/** Marks every page of HTML that is served as a file, and serves the style of the marking with them. */
export function markedPages(marking: Marking | undefined): (context: Context, next: Next) => Promise<void> {
  return async (context, next) => {
    if (context.path === '/marking.css') {
      context.set('Cache-Control', 'no-store');
      context.type = 'css';
      context.body = markingStyle(marking);
      return;
    }
    await next();
    const { body } = context;
    if (!marking || context.type !== 'text/html' || !(body instanceof Readable)) return;
    const file = (body as Readable & { path?: string }).path;
    if (file === undefined) return;
    body.destroy();
    // What was modified last is not the file alone.
    context.remove('Last-Modified');
    context.remove('Content-Length');
    context.set('Cache-Control', 'no-cache');
    context.body = Readable.from([withMarking(readFileSync(file, 'utf8'), marking)], { objectMode: false });
    context.type = 'html';
  };
}
