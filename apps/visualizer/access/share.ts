/**
 * Usage: share [--for TIME] [--url URL]. Prints a link, as text and as QR code, with which anybody may watch until it
 * expires: TIME is 30m, 2h or 7d; without it, 2h. The visualizer must use the same key: that of ACCESS_KEY_FILE, or the
 * one beside USERS_FILE.
 */
import { parseArgs } from 'node:util';
import { renderUnicodeCompact } from 'uqr';
import { asError } from '../../common/errors.ts';
import { keyFileOf } from './key-file.ts';
import { newId, nowSeconds, readOrMakeKey, Tokens } from './tokens.ts';

const SECONDS: Record<string, number> = { m: 60, h: 3600, d: 86_400 };
const LONGEST_S = 30 * 86_400;

async function main(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { values } = parseArgs({
    args,
    options: { for: { type: 'string', default: '2h' }, url: { type: 'string' } },
  });
  const seconds = secondsOf(values.for);
  const base =
    values.url ?? `${env['TLS_CERT_FILE'] ? 'https' : 'http'}://localhost:${env['VISUALIZER_PORT'] ?? 8050}/`;
  if (!/^https?:\/\/[^\s?#]+$/.test(base) || !URL.canParse(base))
    throw new Error(`--url ${base} is no address of the page; give one as in https://noaa.example.org/`);
  const path = keyFileOf(env);
  if (path === '')
    throw new Error('neither USERS_FILE nor ACCESS_KEY_FILE is set; set one, to the visualizer as well');
  const tokens = new Tokens(await readOrMakeKey('ACCESS_KEY_FILE', path));
  const expires = nowSeconds() + seconds;
  const link = new URL(
    `login?link=${tokens.sign('link', { expires, id: newId() })}`,
    base.replace(/\/?$/, '/'),
  );
  const until = `${new Date(expires * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${renderUnicodeCompact(link.href)}\n\n${link.href}\n\nWhoever has this link may watch until ${until}.`;
}

function secondsOf(time: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(time) ?? [];
  const seconds = Number(number) * (SECONDS[unit] ?? 0);
  if (seconds < 1 || seconds > LONGEST_S)
    throw new Error(`--for ${time} is no time; give minutes, hours or days, at most 30d, as in 30m, 2h, 7d`);
  return seconds;
}

try {
  process.stdout.write(`${await main(process.argv.slice(2), process.env)}\n`);
} catch (thrown) {
  process.stderr.write(`share: ${asError(thrown).message}\n`);
  process.exitCode = 1;
}
