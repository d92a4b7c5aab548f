/**
 * Usage: node apps/common/healthcheck.ts URL. What a container's health check runs: ends with 0 when the service behind
 * the URL answers 200, else with 1 and one sentence of why.
 *
 * It gives up by itself, sooner than the supervisor would, so that a hung service is told from a hung check.
 */
import { pathToFileURL } from 'node:url';
import { asError } from './errors.ts';

const TIMEOUT_MS = 4000;

/** What is wrong with the service behind `url`, or undefined. */
export async function checkHealth(url: string, timeoutMs = TIMEOUT_MS): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const said = (await response.text()).trim();
    return response.ok ? undefined : `${url} answered ${response.status}: ${said}`;
  } catch (thrown) {
    const error = asError(thrown);
    if (error.name === 'TimeoutError') return `${url} did not answer within ${timeoutMs} ms`;
    return `${url} cannot be reached: ${asError(error.cause ?? error).message}`;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const fault = await checkHealth(process.argv[2] ?? '');
  if (fault !== undefined) {
    process.stderr.write(`${fault}\n`);
    process.exitCode = 1;
  }
}
