import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from './access.ts';
import { readCookies, setCookie } from './cookies.ts';
import { consentPage, entryPage, loggedOutPage, loginPage, logoutPage } from './login-page.ts';
import { isOwn, send } from './reply.ts';

const MOST_BYTES = 4096;
/** Of HTTP/1.1 the server itself answers a request that comes too slowly, before this. */
const BODY_MS = 8000;
const HTML = { 'Content-Type': 'text/html; charset=utf-8' };
/** A path of ours without a slash at its beginning; anything else could lead to another site. */
const OWN_PATH = /^(?:[\w.-]+(?:\/[\w.-]+)*)?(?:\?[\w.~=&%+,:-]*)?$/;

/** Whether the request is a login, the only request that has a body. */
export function isLoginPost({ method, url, headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  return (
    method === 'POST' &&
    url === '/login' &&
    length <= MOST_BYTES &&
    headers['transfer-encoding'] === undefined
  );
}

/** Answers everything under `/login`: the page, its form, and links that expire. */
export async function answerLogin(
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  const { method, url = '' } = request;
  if (method === 'POST') return await logIn(request, response, access);
  if (method !== 'GET' && method !== 'HEAD')
    return send(response, 405, 'Use GET or POST\n', { Allow: 'GET, POST' });
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  const link = query.get('link');
  const { notice } = access;
  if (link !== null && notice.consent !== undefined && query.get('consent') !== 'yes')
    return send(response, 200, consentPage(link, notice), { ...HTML, 'Referrer-Policy': 'no-referrer' });
  if (link !== null) return await enterByLink(link, request, response, access);
  const to = ownPath(query.get('to'));
  send(response, 200, loginPage({ up: '', to, passwords: access.passwords !== undefined, notice }), HTML);
}

async function logIn(request: IncomingMessage, response: ServerResponse, access: Access): Promise<void> {
  const { passwords, sessions, notice } = access;
  const again = (status: number, error: string, fields: { user?: string; to?: string } = {}, headers = {}) =>
    send(
      response,
      status,
      loginPage({ up: '', to: fields.to ?? '', passwords: true, notice, ...fields, error }),
      {
        ...HTML,
        ...headers,
      },
    );
  if (!isOwn(request)) return again(403, 'That form was on another site. Log in here.');
  const form = await readForm(request);
  if (!form) return again(400, 'The form did not arrive whole. Try again.');
  if (!form.has('user') && form.get('consent') === 'yes') return await agree(form, request, response, access);
  if (!passwords || !sessions) return send(response, 404, 'Nobody has a password here\n');
  const user = form.get('user') ?? '';
  const to = ownPath(form.get('to'));
  if (notice.consent !== undefined && form.get('consent') !== 'yes')
    return again(403, 'Read the notice below and agree to it.', { user: user.slice(0, 64), to });
  const address = access.proxies.clientOf(request);
  const verdict = await passwords.check(address, user, form.get('password') ?? '');
  if (response.destroyed) return;
  if (!verdict.right) {
    const seconds = Math.ceil(verdict.waitMs / 1000);
    const fields = { user: user.slice(0, 64), to };
    if (seconds === 0)
      return again(401, 'User or password is wrong.', fields, { 'WWW-Authenticate': 'Cookie realm="noaa"' });
    return again(429, `User or password is wrong, or was too often. Try again in ${seconds} s.`, fields, {
      'Retry-After': String(seconds),
    });
  }
  await endSession(request, access);
  const { cookie, seconds } = sessions.open(user);
  send(response, 303, '', {
    Location: `./${to}`,
    'Set-Cookie': setCookie(cookie, seconds, access.proxies.isSecure(request)),
  });
}

/** Notes that someone who needs no login has agreed to the text. */
async function agree(
  form: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  const found = await access.identify(request);
  const cookie = 'who' in found && access.agreement.cookieFor(found.who, access.proxies.isSecure(request));
  if (!cookie) return send(response, 404, 'There is nothing to agree to\n');
  send(response, 303, '', { Location: `./${ownPath(form.get('to'))}`, 'Set-Cookie': cookie });
}

async function enterByLink(
  link: string,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  const session = access.sessions?.openByLink(link);
  if (!session) {
    const error = 'This link has expired, or is not whole. Ask for a new one.';
    const page = loginPage({
      up: '',
      to: '',
      passwords: access.passwords !== undefined,
      error,
      notice: access.notice,
    });
    return send(response, 401, page, { ...HTML, 'WWW-Authenticate': 'Cookie realm="noaa"' });
  }
  await endSession(request, access);
  // A page that goes on by itself, not a redirect: after a redirect from another site a browser leaves the cookie out.
  send(response, 200, entryPage(), {
    ...HTML,
    Refresh: '0; url=./',
    'Referrer-Policy': 'no-referrer',
    'Set-Cookie': setCookie(session.cookie, session.seconds, access.proxies.isSecure(request)),
  });
}

/** Answers `/logout`: the button, and what it does. */
export async function answerLogout(
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): Promise<void> {
  if (request.method !== 'POST') return send(response, 200, logoutPage(), HTML);
  if (!isOwn(request)) return send(response, 403, 'That form was on another site\n');
  await endSession(request, access);
  send(response, 200, loggedOutPage(), {
    ...HTML,
    'Set-Cookie': setCookie('', 0, access.proxies.isSecure(request)),
  });
}

async function endSession(request: IncomingMessage, { sessions, proxies }: Access): Promise<void> {
  for (const cookie of readCookies(request, proxies.isSecure(request))) await sessions?.end(cookie);
}

function ownPath(to: string | null): string {
  return to !== null && OWN_PATH.test(to) ? to : '';
}

/** Returns the fields of a form; undefined if it is too long, too slow or no form. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) return undefined;
  const limit = setTimeout(() => request.destroy(), BODY_MS);
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MOST_BYTES) return undefined;
      parts.push(part);
    }
    return new URLSearchParams(Buffer.concat(parts).toString());
  } catch {
    return undefined;
  } finally {
    clearTimeout(limit);
  }
}
