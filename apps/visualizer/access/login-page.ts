/** The pages of the guard: small, without script. All that is not fixed is escaped. */
import { escapeHtml } from '../escape-html.ts';
import type { Marking } from '../marking.ts';

export const LOGIN_CSS = `:root { color-scheme: dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #0b0f14; color: #e8edf2;
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(20rem, 90vw); padding: 1.5rem 0; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
label { display: block; margin-top: .75rem; }
input { width: 100%; box-sizing: border-box; margin-top: .25rem; padding: .6rem; font: inherit; color: inherit;
  background: #131a22; border: 1px solid #6b7a8a; border-radius: .25rem; }
button { width: 100%; margin-top: 1.25rem; padding: .7rem; font: inherit; font-weight: 600; color: #06121f;
  background: #7cc4ff; border: 0; border-radius: .25rem; cursor: pointer; }
:focus-visible { outline: 3px solid #ffd166; outline-offset: 2px; }
.consent { max-height: 40vh; overflow: auto; padding: .75rem; border: 1px solid #6b7a8a; white-space: pre-wrap; }
.agree { display: flex; gap: .5rem; align-items: baseline; }
.agree input { width: auto; margin: 0; }
.marking { position: fixed; inset: 0 0 auto; margin: 0; padding: 2px 8px; font-weight: 700; text-align: center;
  overflow-wrap: anywhere; }
.marking:last-child { inset: auto 0 0; }
[role=alert] { border-left: 4px solid #ff8a8a; padding-left: .75rem; color: #ffc9c9; }
`;

/** What a person is shown before the picture. */
export interface Notice {
  /** Must be agreed to. */
  consent: string | undefined;
  marking: Marking | undefined;
}

export interface LoginPage {
  notice: Notice;
  /** The way up to the folder of the page, as in `../`. */
  up: string;
  /** Where to go after it. */
  to: string;
  /** Whether there are passwords at all. */
  passwords: boolean;
  user?: string;
  error?: string;
}

export function loginPage({ up, to, passwords, user = '', error, notice }: LoginPage): string {
  const alert = error ? `<p role="alert">${escapeHtml(error)}</p>` : '';
  const form = `<form method="post" action="${up}login">
<input type="hidden" name="to" value="${escapeHtml(to)}">
<label>User <input name="user" value="${escapeHtml(user)}" autocomplete="username" autocapitalize="none" spellcheck="false" required${user ? '' : ' autofocus'}></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required${user ? ' autofocus' : ''}></label>
${agreement(notice)}<button>Log in</button>
</form>`;
  const other =
    '<p>This picture needs a link that has not expired, a client certificate, or a login at the proxy before it.</p>';
  return page(up, 'Log in', `${alert}${passwords ? form : other}`, notice);
}

/** The page before a link's session: what must be agreed to, and the way on. */
export function consentPage(link: string, notice: Notice): string {
  const form = `<form method="get" action="login">
<input type="hidden" name="link" value="${escapeHtml(link)}">
${agreement(notice)}<button>Go on</button>
</form>`;
  return page('', 'Before you watch', form, notice);
}

/** The page for those who need no login: what must be agreed to, and the way on. */
export function agreementPage({ up, to, notice }: Pick<LoginPage, 'up' | 'to' | 'notice'>): string {
  const form = `<form method="post" action="${up}login">
<input type="hidden" name="to" value="${escapeHtml(to)}">
${agreement(notice)}<button>Go on</button>
</form>`;
  return page(up, 'Before you watch', form, notice);
}

function agreement({ consent }: Notice): string {
  if (consent === undefined) return '';
  return `<p class="consent" tabindex="0">${escapeHtml(consent)}</p>
<label class="agree"><input type="checkbox" name="consent" value="yes" required> I have read this and agree</label>
`;
}

export function logoutPage(): string {
  return page('', 'Log out', '<form method="post" action="logout"><button autofocus>Log out</button></form>');
}

export function loggedOutPage(): string {
  return page('', 'Logged out', '<p>You are logged out. <a href="./">Log in again</a></p>');
}

export function entryPage(): string {
  return page('', 'One moment', '<p><a href="./">To the picture</a></p>');
}

function page(up: string, title: string, content: string, notice?: Notice): string {
  const { marking } = notice ?? {};
  const banner = marking ? `<p class="marking">${escapeHtml(marking.text)}</p>\n` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="stylesheet" href="${up}login.css">
</head>
<body>
${banner}<main>
<h1>${title}</h1>
${content}
</main>
${banner}</body>
</html>
`;
}
