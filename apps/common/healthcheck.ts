/**
 * Usage: node apps/common/healthcheck.ts URL. A container's health check: ends with 0 if the service behind the URL
 * answers 200, else with 1 and one sentence that says why. `http://unix:/SOCKET:/livez` asks over a Unix socket.
 *
 * It gives up before the supervisor does, so that a hung service can be told from a hung check.
 */
import { once } from 'node:events';
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { pathToFileURL, urlToHttpOptions } from 'node:url';
import { asError } from './errors.ts';

const TIMEOUT_MS = 8000;

/** Returns what is wrong with the service behind `url`, or undefined. */
export async function checkHealth(url: string, timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
  try {
    // Not fetch: what it loads at its first use would count as the service's delay.
    const request = get({ ...destination(url), agent: false, signal: AbortSignal.timeout(timeoutMs) });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const said = (await text(response)).trim();
    return response.statusCode === 200 ? undefined : `${url} answered ${response.statusCode}: ${said}`;
  } catch (thrown) {
    const error = asError(thrown);
    if (error.name === 'AbortError') return `${url} did not answer within ${timeoutMs} ms`;
    return `${url} cannot be reached: ${error.message}`;
  }
}

/** Returns what Node takes for a URL. */
function destination(url: string): RequestOptions {
  const [, socketPath, path] = /^http:\/\/unix:([^:]+):(\/.*)$/.exec(url) ?? [];
  return socketPath && path ? { socketPath, path } : urlToHttpOptions(new URL(url));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const fault = await checkHealth(process.argv[2] ?? '');
  if (fault !== undefined) {
    process.stderr.write(`${fault}\n`);
    process.exitCode = 1;
  }
}
