import { readFileSync } from 'node:fs';

interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
}
interface Panel {
  id: number;
  title: string;
  description?: string;
  type: 'stat' | 'timeseries';
  gridPos: { x: number; y: number; w: number; h: number };
  options: object;
  fieldConfig: { defaults: { custom?: object; unit?: string } };
  targets: Target[];
}

/** The example of a dashboard, as Grafana imports it. */
export const dashboard: { panels: Panel[] } = JSON.parse(
  readFileSync(new URL('../../examples/grafana/noaa.json', import.meta.url), 'utf8'),
);
/** As Grafana asks for them when all instances are chosen. */
export const panels: Panel[] = dashboard.panels.map(panel => ({
  ...panel,
  targets: panel.targets.map(target => ({ ...target, expr: target.expr.replaceAll('$instance', '.*') })),
}));
