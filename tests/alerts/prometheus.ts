import { writeFile } from 'node:fs/promises';
import { freePort } from '../support/ports.ts';
import { type startChain, startProcess } from '../support/services.ts';
import { prometheusProgram } from './promtool.ts';

/** Starts a real Prometheus that asks the three services once a second. */
export async function startPrometheus(
  folder: string,
  chain: Awaited<ReturnType<typeof startChain>>,
  ruleFiles: string[] = [],
) {
  const port = await freePort();
  const targets = [chain.web, chain.playbackTelemetry, chain.redactorTelemetry].map(url => new URL(url).host);
  await writeFile(
    `${folder}/prometheus.yml`,
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ruleFiles,
      scrape_configs: [{ job_name: 'noaa', static_configs: [{ targets }] }],
    }),
  );
  const running = startProcess('prometheus', prometheusProgram('prometheus'), [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  // biome-ignore lint/suspicious/noExplicitAny: an answer of Prometheus
  const ask = async (path: string): Promise<any> =>
    ((await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as { data: unknown }).data;
  return {
    ask,
    /** Returns what an expression is now, as one result a series. */
    query: async (expression: string): Promise<Sample[]> =>
      (await ask(`query?query=${encodeURIComponent(expression)}`))?.result ?? [],
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

export interface Sample {
  metric: Record<string, string>;
  value: [seconds: number, value: string];
}
