import type { LinkState } from './link.ts';
import { addReading, Gauge, type Registry } from './metrics.ts';

/** Has the metrics say whether the link to the peer stands, and if not, why. */
export function measureLink(registry: Registry, link: () => LinkState | undefined): void {
  addReading(registry, {
    name: 'noaa_link_up',
    help: '1 while the connection to the service before this one stands',
    read: () => (link()?.connected ? 1 : 0),
  });
  new Gauge({
    name: 'noaa_link_fault_info',
    help: 'Always 1, and only while the connection does not stand; the label says why not, in words',
    labelNames: ['fault'],
    registers: [registry],
    collect() {
      this.reset();
      const { fault } = link() ?? {};
      if (fault !== undefined) this.set({ fault }, 1);
    },
  });
}
