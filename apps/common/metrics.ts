import type { RequestListener } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { hostCheck } from './allowed-hosts.ts';
import type { Endpoint } from './endpoint.ts';
import type { Health, Verdict } from './health.ts';
import { createBoundedServer, type Limits, listen } from './http.ts';
import { lostLogLines, waitingLogBytes } from './log-output.ts';
import { memoryLimit } from './memory.ts';
import { memoryUsed } from './memory-used.ts';
import packageJson from './package.json' with { type: 'json' };
import { StageTimes } from './stage-times.ts';
import { listenOnSocket } from './unix-socket.ts';

export { type Counter, Gauge, type Registry, Summary } from 'prom-client';

/** A gauge that is 1 for one value of a label at a time. */
export class InfoGauge {
  readonly #gauge: Gauge;
  readonly #label: string;
  #now: string | undefined;

  constructor(name: string, help: string, label: string, registry: Registry) {
    this.#label = label;
    this.#gauge = new Gauge({ name, help, labelNames: [label], registers: [registry] });
  }

  /** Undefined for no series at all. */
  set(value: string | undefined): void {
    if (value === this.#now) return;
    this.#now = value;
    this.#gauge.reset();
    if (value !== undefined) this.#gauge.set({ [this.#label]: value }, 1);
  }
}

/** Makes the metrics of one service, all in one registry. */
export class Meters {
  readonly registry: Registry;

  constructor(service: string) {
    this.registry = createMetrics(service);
  }

  counter(name: string, help: string, ...labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  gauge(name: string, help: string, ...labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  info(name: string, help: string, label: string): InfoGauge {
    return new InfoGauge(name, help, label, this.registry);
  }

  times(name: string, help: string): StageTimes {
    return new StageTimes(name, help, this.registry);
  }
}

/** Adds a gauge that is read when it is asked for. */
export function addReading(
  registry: Registry,
  { name, help, read }: { name: string; help: string; read: () => number },
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

export const VERSION: string = packageJson.version;

const LIMITS: Limits = { connections: 32 };

/** Returns a registry with what every service reports about itself. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, prefix: 'noaa_' });
  // These gauges have the suffix of a counter, which promtool rejects; the same figures are there by type.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`noaa_nodejs_active_${what}_total`);
  new Gauge({
    name: 'noaa_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: VERSION, node: process.versions.node }, 1);
  new Counter({
    name: 'noaa_log_lines_lost_total',
    help: 'Log lines that were lost because standard output could not be written',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(lostLogLines());
    },
  });
  addReading(registry, {
    name: 'noaa_log_waiting_bytes',
    help: 'Bytes of log lines that wait because standard output cannot be written',
    read: waitingLogBytes,
  });
  addReading(registry, {
    name: 'noaa_memory_limit_bytes',
    help: "Memory that this service may use: its container's limit, or the machine's",
    read: memoryLimit,
  });
  addReading(registry, {
    name: 'noaa_memory_used_bytes',
    help: 'Memory that counts against the limit: of the container what the kernel cannot drop, or of this process',
    read: memoryUsed,
  });
  return registry;
}

/** Where metrics and health are served: on a port, on a Unix socket, on both or nowhere. */
export interface TelemetryEndpoint extends Omit<Endpoint, 'variable'> {
  /** Path of the Unix socket; empty for none. */
  socket: string;
  allowedHosts: readonly string[];
}

/**
 * Serves `/metrics`, `/livez`, `/readyz` and `/healthz` until `signal` is aborted, for a service that has no HTTP of
 * its own. Port 0 is off.
 *
 * @throws Fault `cannot-listen`
 */
export async function serveTelemetry(
  { allowedHosts, socket, ...endpoint }: TelemetryEndpoint,
  metrics: Registry,
  health: Health,
  signal: AbortSignal,
): Promise<void> {
  addReading(metrics, {
    name: 'noaa_ready',
    help: '1 while frames flow through this service, as /readyz says',
    read: () => (health.ready().ok ? 1 : 0),
  });
  const handle: RequestListener = (request, response) => {
    const say = (verdict: Verdict) => {
      response.writeHead(verdict.ok ? 200 : 503, {
        'Content-Type': 'text/plain; charset=utf-8',
        'Cache-Control': 'no-store',
      });
      response.end(`${verdict.message}\n`);
    };
    switch (request.url) {
      case '/livez':
        return say(health.alive());
      case '/readyz':
      case '/healthz':
        return say(health.ready());
      case '/metrics':
        return void metrics.metrics().then(
          text => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
          () => response.writeHead(500).end(),
        );
      default:
        response.writeHead(404).end();
    }
  };
  if (socket !== '') {
    const server = createBoundedServer(handle, LIMITS, hostCheck(allowedHosts, 'localhost'));
    await listenOnSocket(server, { path: socket, variable: 'METRICS_SOCKET' }, signal);
  }
  if (endpoint.port !== 0) {
    const server = createBoundedServer(handle, LIMITS, hostCheck(allowedHosts, endpoint.host));
    await listen(server, { ...endpoint, variable: 'METRICS_PORT' }, signal);
  }
}
