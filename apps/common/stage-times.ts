import type { Metric, Registry } from 'prom-client';

/** Upper bounds in seconds: from a cheap stage of a small frame to one that is stuck. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * A histogram of how long a stage takes, for Prometheus. Cost a frame: a few comparisons and two additions, and no
 * allocation; prom-client's own makes several objects for each observation.
 */
export class StageTimes {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  /** How many took at most each bound, without those of the bounds before; the last is what took longer than all. */
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sumMs = 0;

  constructor(name: string, help: string, registry: Registry) {
    this.name = name;
    this.help = help;
    // prom-client asks of a metric only what is here; its types want one of its own classes.
    registry.registerMetric(this as unknown as Metric<never>);
  }

  observe(ms: number): void {
    let at = 0;
    while (at < BOUNDS.length && ms > BOUNDS[at]! * 1000) at += 1;
    this.#counts[at]! += 1;
    this.#sumMs += ms;
  }

  /** Returns what prom-client prints. */
  get() {
    const { name, help, type, aggregator } = this;
    let total = 0;
    const buckets = [...BOUNDS.map(String), '+Inf'].map((le, i) => {
      total += this.#counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le }, value: total };
    });
    const sum = { metricName: `${name}_sum`, labels: {}, value: this.#sumMs / 1000 };
    const count = { metricName: `${name}_count`, labels: {}, value: total };
    return { name, help, type, aggregator, values: [...buckets, sum, count] };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sumMs = 0;
  }
}
