import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { markingStyle } from '../marked-page.ts';
import type { Access, Found } from './access.ts';
import { bearerToken } from './authorization.ts';
import { headerValues } from './client-address.ts';
import type { Exposure } from './exposure.ts';
import { answerLogin, answerLogout, isLoginPost } from './login.ts';
import { agreementPage, LOGIN_CSS, loginPage, type Notice } from './login-page.ts';
import { isNavigation, send } from './reply.ts';
import type { Who } from './who.ts';

/** Paths that everybody may ask for, compared as they were sent: a path that is written in another way is not one of them. */
const OPEN = new Set(['/livez', '/readyz']);
export const METRICS_REALM = { 'WWW-Authenticate': 'Bearer realm="noaa metrics"' };

/** Lets requests through to the service, or answers them: with the login page for a person, with 401 for a program. */
export class Guard {
  readonly #access: Access;
  readonly #exposure: Exposure | undefined;
  readonly #who = new WeakMap<IncomingMessage, Who>();

  /** @param exposure notices requests from beyond this machine, where nobody has to log in */
  constructor(access: Access, exposure: Exposure | undefined) {
    this.#access = access;
    this.#exposure = exposure;
  }

  /** Returns a listener that passes on to `next` what may pass. */
  before(next: RequestListener): RequestListener {
    return (request, response) => {
      void this.#handle(request, response, next).catch(() => response.destroy());
    };
  }

  /** Whether a request needs to show who sends it. */
  get required(): boolean {
    return this.#access.required;
  }

  /** Returns who has sent a request that was let through. */
  whoOf(request: IncomingMessage): Who {
    const who = this.#who.get(request);
    if (!who) throw new Error('this request has not come through the guard');
    return who;
  }

  /**
   * Returns why a request may not read the metrics, if it may not. Who serves them asks as well, because there the same path
   * can be spelled in several ways.
   */
  metricsRefusal(request: IncomingMessage): string | undefined {
    const { metricsToken, required } = this.#access;
    if ((metricsToken === undefined && !required) || this.#access.isOperator(request)) return undefined;
    if (metricsToken === undefined)
      return 'Set METRICS_TOKEN_FILE, and send its token: /metrics has a credential of its own\n';
    return isSame(bearerToken(request), metricsToken)
      ? undefined
      : 'Send the token of METRICS_TOKEN_FILE, as in Authorization: Bearer TOKEN\n';
  }

  /** Returns whether a request may have a body. */
  readonly takesBody = (request: IncomingMessage): boolean => this.#access.required && isLoginPost(request);

  async #handle(request: IncomingMessage, response: ServerResponse, next: RequestListener): Promise<void> {
    const { url = '' } = request;
    const access = this.#access;
    this.#exposure?.asked(request);
    const [path = ''] = url.split('?', 1);
    if (OPEN.has(url)) return next(request, response);
    if (path === '/metrics' && access.metricsToken !== undefined) {
      const refusal = this.metricsRefusal(request);
      if (refusal === undefined) return next(request, response);
      return send(response, 401, refusal, METRICS_REALM);
    }
    if (access.required) {
      if (url === '/login.css')
        return send(response, 200, LOGIN_CSS + markingStyle(access.notice.marking), {
          'Content-Type': 'text/css; charset=utf-8',
        });
      if (path === '/login') return await answerLogin(request, response, access);
    }
    const found = await access.identify(request);
    if (response.destroyed) return;
    if (!('who' in found)) return this.#refuse(request, response, found);
    if (access.required && path === '/logout') return await answerLogout(request, response, access);
    if (access.agreement.isMissing(request, found.who, access.proxies.isSecure(request)))
      return askToAgree(request, response, access.notice);
    this.#who.set(request, found.who);
    next(request, response);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, found: Exclude<Found, { who: Who }>) {
    if (found.refused === 'ambiguous')
      return send(response, 400, 'The request says twice who sends it; send one such header\n');
    if (found.refused === 'busy') {
      const seconds = Math.ceil(found.waitMs / 1000);
      return send(response, 429, `Too many wrong passwords; try again in ${seconds} s\n`, {
        'Retry-After': String(seconds),
      });
    }
    const passwords = this.#access.passwords !== undefined;
    if (isNavigation(request)) return askToLogIn(request, response, passwords, this.#access.notice);
    // A browser would open a window of its own for Basic.
    const byHand = /^Mozilla\//.test(headerValues(request, 'user-agent')[0] ?? '');
    send(response, 401, 'Log in to watch: with a user and password, or with the cookie of /login\n', {
      'WWW-Authenticate':
        passwords && !byHand ? 'Basic realm="noaa", charset="UTF-8"' : 'Cookie realm="noaa"',
    });
  }
}

function askToLogIn(
  request: IncomingMessage,
  response: ServerResponse,
  passwords: boolean,
  notice: Notice,
): void {
  const { url = '/' } = request;
  const headers: Record<string, string> = {
    'Content-Type': 'text/html; charset=utf-8',
    'WWW-Authenticate': 'Cookie realm="noaa"',
  };
  // Coming from another site, a browser leaves the cookie out. It sends it when this page asks again.
  if (headerValues(request, 'sec-fetch-site')[0] === 'cross-site') headers['Refresh'] = '0';
  send(response, 401, loginPage({ up: upFrom(url), to: url.slice(1), passwords, notice }), headers);
}

/** Shows the text to whoever may watch without a login: as a page to a person, and to a program with what it may do. */
function askToAgree(request: IncomingMessage, response: ServerResponse, notice: Notice): void {
  const { url = '/' } = request;
  if (isNavigation(request)) {
    const page = agreementPage({ up: upFrom(url), to: url.slice(1), notice });
    send(response, 403, page, { 'Content-Type': 'text/html; charset=utf-8' });
  } else {
    const how = 'To agree to this notice, add ?consent=yes to the address, or open the page in a browser';
    send(response, 403, `${how}:\n\n${notice.consent}\n`);
  }
}

/** Returns the way up from an address to the folder of the page. */
function upFrom(url: string): string {
  const [path = '/'] = url.split('?', 1);
  return '../'.repeat(Math.max(0, path.split('/').length - 2));
}

/** Compares digests, so that neither the token nor its length shows in the time taken. */
function isSame(sent: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(sent), digest(token));
}
