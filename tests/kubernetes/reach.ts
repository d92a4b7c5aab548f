import type { Manifest } from './manifests.ts';

/** A pod as NetworkPolicies see it. */
export interface Peer {
  namespace: string;
  namespaceLabels?: Record<string, string>;
  labels: Record<string, string>;
}

type Direction = 'Ingress' | 'Egress';

/**
 * Returns whether these policies let one pod reach a TCP port of another: both directions must allow it. A rule that this
 * cannot read (ipBlock, named ports, expressions) is an error instead of a guess. NetworkPolicy, networking.k8s.io/v1.
 */
export function reaches(policies: Manifest[], from: Peer, to: Peer, port: number): boolean {
  return allows(policies, to, from, 'Ingress', port) && allows(policies, from, to, 'Egress', port);
}

function allows(policies: Manifest[], pod: Peer, other: Peer, direction: Direction, port: number): boolean {
  const [rules, side] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to'];
  const own = policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace &&
      directions(spec).includes(direction) &&
      fits(spec.podSelector, pod.labels),
  );
  // A pod that no policy selects is open.
  if (own.length === 0) return true;
  return own.some(({ metadata, spec }) =>
    (spec[rules] ?? []).some(
      (rule: Manifest) =>
        hasPort(rule.ports, port) &&
        (!rule[side]?.length || rule[side].some((peer: Manifest) => isPeer(peer, other, metadata.namespace))),
    ),
  );
}

/** Without policyTypes a policy is for Ingress, and for Egress if it has rules for it. */
function directions({ policyTypes, egress }: Manifest): Direction[] {
  return policyTypes ?? (egress ? ['Ingress', 'Egress'] : ['Ingress']);
}

function hasPort(ports: Manifest[] | undefined, port: number): boolean {
  if (!ports?.length) return true;
  return ports.some(({ port: first, endPort, protocol = 'TCP' }) => {
    if (typeof first === 'string') throw new Error(`the named port ${first} is not read`);
    if (protocol !== 'TCP') return false;
    return first === undefined || (port >= first && port <= (endPort ?? first));
  });
}

function isPeer(
  { ipBlock, podSelector, namespaceSelector }: Manifest,
  other: Peer,
  namespace: string,
): boolean {
  if (ipBlock) throw new Error('ipBlock is not read');
  const inNamespace = namespaceSelector
    ? fits(namespaceSelector, {
        'kubernetes.io/metadata.name': other.namespace,
        ...other.namespaceLabels,
      })
    : other.namespace === namespace;
  return inNamespace && fits(podSelector, other.labels);
}

function fits(selector: Manifest | undefined, labels: Record<string, string>): boolean {
  if (selector?.matchExpressions) throw new Error('matchExpressions are not read');
  return Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
}
