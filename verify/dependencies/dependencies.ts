/** Checks the lockfile against dependencies.json, where each exception has its reason. Pure functions. */
import satisfies from 'spdx-satisfies';

export interface Locked {
  version?: string;
  license?: string;
  hasInstallScript?: boolean;
  deprecated?: string;
  link?: boolean;
  dev?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  resolved?: string;
  integrity?: string;
}

export interface Lockfile {
  packages: Record<string, Locked>;
}

export interface Direct {
  /** The month of its last release or later: some registries know only when they received it. */
  released: string;
  why: string;
  insteadOf: string;
  note?: string;
}

export interface Policy {
  /** SPDX licence → what it requires of us. */
  licences: Record<string, string>;
  /** Licences allowed only for packages that are in no image. */
  developmentLicences: Record<string, string>;
  unstatedLicences: Record<string, { licence: string; reason: string }>;
  /** Package → whether its install script runs, and where. */
  installScripts: Record<string, string>;
  duplicates: Record<string, string>;
  deprecated: Record<string, string>;
  /** Package → the only files that may import it, tests aside. */
  onlyIn: Record<string, string[]>;
  /** Each package that one of our package.json files names; a name may end in an asterisk. */
  direct: Record<string, Direct>;
}

export interface Package extends Locked {
  name: string;
}

/** Returns the faults, one a line: what is there and not allowed, and what is allowed and not there. */
export function dependencyFaults(lockfile: Lockfile, policy: Policy): string[] {
  const packages = packagesOf(lockfile);
  const scripts = packages.filter(one => one.hasInstallScript).map(({ name }) => name);
  const deprecated = packages.filter(one => one.deprecated !== undefined);
  const versions = Map.groupBy(packages, ({ name }) => name);
  const duplicates = [...versions].filter(([, those]) => new Set(those.map(one => one.version)).size > 1);
  const direct = directNames(lockfile);
  return [
    ...unlisted(scripts, policy.installScripts, 'has an install script', 'installScripts'),
    ...unlisted(
      deprecated.map(({ name }) => name),
      policy.deprecated,
      'is deprecated by its authors',
      'deprecated',
    ),
    ...unlisted(
      duplicates.map(([name]) => name),
      policy.duplicates,
      'is there in several versions',
      'duplicates',
    ),
    ...packages.flatMap(one => licenceFault(one, policy)),
    ...packages
      .filter(one => one.integrity === undefined)
      .map(({ name }) => `${name} has no integrity digest`),
    ...packages
      .filter(one => one.resolved !== undefined)
      .map(({ name }) => `${name} is tied to one registry's address`),
    ...direct
      .filter(name => entryOf(policy.direct, name) === undefined)
      .map(name => `${name} is a direct dependency, and dependencies.json does not say why (direct)`),
    ...Object.keys(policy.direct)
      .filter(key => !direct.some(name => matches(key, name)))
      .map(name => `dependencies.json explains ${name}, which no package.json names (direct)`),
  ].sort();
}

/** Returns the imports outside the files that `onlyIn` names. `sources` maps path to text, without tests. */
export function importFaults(sources: Map<string, string>, policy: Policy): string[] {
  return Object.entries(policy.onlyIn).flatMap(([name, allowed]) => {
    const importing = [...sources]
      .filter(([, text]) =>
        new RegExp(`(from|import|import\\(|require\\()\\s*['"]${name}(/[^'"]*)?['"]`).test(text),
      )
      .map(([path]) => path);
    return [
      ...importing
        .filter(path => !allowed.includes(path))
        .map(path => `${path} imports ${name}, which only ${allowed.join(', ')} may`),
      ...allowed
        .filter(path => !importing.includes(path))
        .map(path => `${path} does not import ${name} any more (onlyIn)`),
    ];
  });
}

export function packagesOf(lockfile: Lockfile): Package[] {
  return Object.entries(lockfile.packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, locked]) => ({ ...locked, name: path.split('node_modules/').pop()! }));
}

export function directNames(lockfile: Lockfile): string[] {
  const ours = Object.entries(lockfile.packages).filter(([path]) => !path.includes('node_modules/'));
  const names = ours.flatMap(([, one]) =>
    Object.keys({ ...one.dependencies, ...one.devDependencies, ...one.optionalDependencies }),
  );
  return [...new Set(names)].sort();
}

function unlisted(found: string[], allowed: Record<string, string>, what: string, list: string): string[] {
  const names = [...new Set(found)];
  return [
    ...names
      .filter(name => !allowed[name])
      .map(name => `${name} ${what}, and dependencies.json does not say why that may be (${list})`),
    ...Object.keys(allowed)
      .filter(name => !names.includes(name))
      .map(name => `dependencies.json allows ${name}, and there is no need any more (${list})`),
  ];
}

function licenceFault(one: Package, policy: Policy): string[] {
  const licence = licenceOf(one, policy);
  try {
    const allowed = { ...policy.licences, ...(one.dev && policy.developmentLicences) };
    if (satisfies(licence, Object.keys(allowed))) return [];
  } catch {
    // Not an SPDX expression, so not a licence that we have read.
  }
  return [
    `${one.name} ${one.version} has the licence "${licence}", which is none of those in dependencies.json`,
  ];
}

export function licenceOf(one: Package, policy: Policy): string {
  return one.license ?? policy.unstatedLicences[`${one.name}@${one.version}`]?.licence ?? '';
}

function entryOf(direct: Policy['direct'], name: string): Direct | undefined {
  return Object.entries(direct).find(([key]) => matches(key, name))?.[1];
}

export function matches(key: string, name: string): boolean {
  return key.endsWith('*') ? name.startsWith(key.slice(0, -1)) : key === name;
}
