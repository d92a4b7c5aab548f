/**
 * Returns what `promtool check metrics` would say about an answer of /metrics, by the rules that an own metric can break:
 * https://github.com/prometheus/client_golang/tree/main/prometheus/testutil/promlint
 */
export function metricFaults(text: string): string[] {
  const help = new Map([...text.matchAll(/^# HELP (\S+)(.*)$/gm)].map(([, name, words]) => [name!, words!]));
  const labels = new Set([...text.matchAll(/[{,]([A-Za-z_]\w*)="/g)].map(([, label]) => label!));
  return [
    ...[...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      faultsOf(name!, type!, help.get(name!) ?? ''),
    ),
    ...[...labels]
      .filter(label => /[A-Z]/.test(label))
      .map(label => `the label ${label} is not in snake case`),
  ];
}

function faultsOf(name: string, type: string, help: string): string[] {
  const isCounter = type === 'counter';
  return [
    help.trim() === '' && 'has no help',
    isCounter !== name.endsWith('_total') && 'has the suffix _total, or lacks it',
    /_(bucket|count|sum)$/.test(name) && 'has the suffix of a histogram',
    /_(gauge|counter|histogram|summary)(_|$)/.test(name) && 'names its type',
    /[A-Z:]/.test(name) && 'is not in snake case',
    /_(ms|milliseconds?|us|micros?|microseconds?|ns|kb|kilobytes|mb|megabytes|bits|minutes?|hours?|percent)(_|$)/.test(
      name,
    ) && 'is not in base units',
  ].flatMap(fault => (fault ? [`${name} ${fault}`] : []));
}
