/** What the alert rules and the dashboard ask Prometheus for. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const examples = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), 'utf8');

/** Returns each rule's expression by the name of its alert. */
export function alerts(): Map<string, string> {
  const rules = examples('prometheus/noaa.rules.yml').matchAll(/- alert: (\w+)\n\s+expr: '((?:[^']|'')*)'/g);
  return new Map(
    [...rules].map(([, name = '', expression = '']) => [name, expression.replaceAll("''", "'")]),
  );
}

/** Returns the expressions of the dashboard's panels, for every instance: that label is Prometheus's own. */
export function panels(): string[] {
  const { panels: all } = JSON.parse(examples('grafana/noaa.json'));
  return (all as { targets: { expr: string }[] }[]).flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll(/(, )?instance=~"\$instance"/g, '').replaceAll('{}', '')),
  );
}

export interface Selector {
  names: string[];
  /** Labels that have to be there, and the value if only one will do. */
  labels: [label: string, value: string | undefined][];
}

/** Returns what an expression selects of our metrics. */
export function selectorsIn(expression: string): Selector[] {
  const found = expression.matchAll(/\b(noaa_\w+)(?:\{([^}]*)\})?|\{__name__=~"noaa_\(([\w|]+)\)(\w+)"\}/g);
  return [...found].map(([, name, labels = '', services, rest]) => ({
    names: name === undefined ? services!.split('|').map(service => `noaa_${service}${rest}`) : [name],
    labels: [...labels.matchAll(/(\w+)(=|!=|=~|!~)"([^"]*)"/g)].map(([, label = '', sign, value]) => [
      label,
      sign === '=' ? value : undefined,
    ]),
  }));
}

/** Returns what is wrong with a selector, given what the services print at `/metrics`. */
export function faultsOf({ names, labels }: Selector, printed: string): string[] {
  return names.flatMap(name => {
    const type = new RegExp(`^# TYPE ${name.replace(/_(bucket|sum|count)$/, '')} `, 'm');
    if (!type.test(printed)) return [`${name} is not there`];
    const lines = printed.split('\n').filter(line => line.startsWith(`${name}{`));
    // A counter by reason has no line before the first.
    if (lines.length === 0) return [];
    return labels
      .filter(([label, value]) => {
        const wanted = value === undefined ? `${label}="` : `${label}="${value}"`;
        return !lines.some(line => line.includes(wanted));
      })
      .map(([label, value]) => `${name} has no ${label}="${value ?? ''}"`);
  });
}
