/**
 * Reads accepted vulnerabilities from an OpenVEX document: of which component, why, and until when. OpenVEX has no expiry, so
 * it is written into `status_notes`, free text that other tools pass on: `accepted until 2027-01-31`. A statement without a
 * reason or an expiry is refused.
 */
import { PackageURL } from 'packageurl-js';
import type { Finding } from './finding.ts';

export interface Acceptance {
  vulnerabilities: string[];
  /** Package URLs; without a version, any version. */
  products: string[];
  reason: string;
  /** The last day on which it is valid, `YYYY-MM-DD`. */
  until: string;
}

interface Statement {
  vulnerability?: { name?: string; aliases?: string[] };
  products?: { '@id'?: string; identifiers?: { purl?: string } }[];
  status?: string;
  status_notes?: string;
  justification?: string;
  impact_statement?: string;
  action_statement?: string;
}

const UNTIL = /\baccepted until (\d{4}-\d{2}-\d{2})\b/;

/** Returns a document's acceptances, and its faults, one a line. Statements with another status accept nothing. */
export function readAcceptances(document: unknown): { acceptances: Acceptance[]; faults: string[] } {
  const { '@context': context, statements } = document as { '@context'?: unknown; statements?: Statement[] };
  if (
    typeof context !== 'string' ||
    !context.startsWith('https://openvex.dev/ns') ||
    !Array.isArray(statements)
  ) {
    return { acceptances: [], faults: ['this is no OpenVEX document'] };
  }
  const acceptances: Acceptance[] = [];
  const faults: string[] = [];
  for (const statement of statements) {
    if (statement.status !== 'not_affected' && statement.status !== 'affected') continue;
    const name = statement.vulnerability?.name ?? '';
    const reason =
      statement.status === 'affected'
        ? statement.action_statement
        : (statement.impact_statement ?? statement.justification);
    const until = UNTIL.exec(statement.status_notes ?? '')?.[1] ?? '';
    const products = (statement.products ?? []).map(one => one.identifiers?.purl ?? one['@id'] ?? '');
    const missing = [
      name === '' && 'a vulnerability',
      !reason && 'a reason',
      Number.isNaN(Date.parse(until)) && 'an expiry ("accepted until YYYY-MM-DD" in status_notes)',
      (products.length === 0 || products.some(purl => !purl.startsWith('pkg:'))) &&
        'the package URL of each product',
    ].filter(what => what !== false);
    if (missing.length > 0) {
      faults.push(`the statement on ${name || 'no vulnerability'} lacks ${missing.join(' and ')}`);
      continue;
    }
    const aliases = statement.vulnerability?.aliases ?? [];
    acceptances.push({ vulnerabilities: [name, ...aliases], products, reason: reason!, until });
  }
  return { acceptances, faults };
}

export function accepts({ vulnerabilities, products }: Acceptance, finding: Finding): boolean {
  return (
    [finding.id, ...finding.aliases].some(id => vulnerabilities.includes(id)) &&
    products.some(product => {
      const { type, namespace, name, version } = PackageURL.fromString(product);
      if (version && version !== finding.version) return false;
      if (finding.purl === undefined) return [name, `${namespace}/${name}`].includes(finding.package);
      const found = PackageURL.fromString(finding.purl);
      return found.type === type && found.namespace === namespace && found.name === name;
    })
  );
}

/** An acceptance is valid to the end of its last day, in UTC. */
export function isExpired({ until }: Acceptance, now: Date): boolean {
  return now.toISOString().slice(0, 10) > until;
}
