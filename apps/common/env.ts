import { isIPv6 } from 'node:net';
import { cleanEnv, makeValidator, type RequiredValidatorSpec } from 'envalid';
import { Fault } from './errors.ts';
import { misspeltFor } from './misspelt.ts';

/** What a variable is for; `npm run docs` writes it into the tables and `settings.env`. */
export interface About<T> {
  default: T;
  /** A few words. */
  desc: string;
  /** What the tables show instead of the default: "the clip's own". */
  unset?: string;
  /** A value to show in `settings.env` instead of the default. */
  example?: string;
  /** The values it takes, in Markdown. */
  takes?: string;
}

/** One variable: how its text is read, its default, and what the documentation says about it. */
export type Variable<T> = RequiredValidatorSpec<T> & About<T>;

// biome-ignore lint/suspicious/noExplicitAny: a schema holds variables of every type, and ConfigOf reads each one's own
export type Schema = Record<string, Variable<any>>;

/** What `readEnv` returns for a schema. */
export type ConfigOf<S extends Schema> = {
  readonly [Name in keyof S]: S[Name] extends Variable<infer T> ? T : never;
};

/** A variable whose text `parse` reads; it throws an error that says what would do. */
export function variable<T>(parse: (input: string) => T, about: About<T>): Variable<T> {
  return makeValidator<T>(input => parse(input.trim()))(about as object) as Variable<T>;
}

/** A whole number within a range, both ends included. */
export function integer(about: About<number> & { min: number; max: number }): Variable<number> {
  const { min, max } = about;
  const described = { takes: `${min} to ${max}`, ...about };
  return variable(input => {
    const value = Number(input);
    if (!/^[+-]?\d+$/.test(input) || value < min || value > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  }, described);
}

/** A number above `min`, `max` included, or not set. */
export function optionalNumber(
  about: About<number | undefined> & { above: number; max: number },
): Variable<number | undefined> {
  const { above, max } = about;
  const described = { takes: `above ${above}, at most ${max}`, ...about };
  return variable<number | undefined>(input => {
    const value = Number(input);
    if (!/^\+?(\d+\.?\d*|\.\d+)$/.test(input) || value <= above || value > max) {
      throw new Error(`must be a number above ${above}, at most ${max}`);
    }
    return value;
  }, described);
}

/** A TCP port. */
export function tcpPort(about: About<number>): Variable<number> {
  return integer({ ...about, min: 1, max: 65535 });
}

/** Yes or no, in the spellings that operators use. */
export function flag(about: About<boolean>): Variable<boolean> {
  const described = { takes: '`true`, `false`', ...about };
  return variable(input => {
    const value = input.toLowerCase();
    if (['1', 'true', 'yes', 'on'].includes(value)) return true;
    if (['0', 'false', 'no', 'off'].includes(value)) return false;
    throw new Error('must be true or false (or 1, 0, yes, no, on, off)');
  }, described);
}

/** One of a few words. */
export function word<T extends string>(about: About<T> & { oneOf: readonly T[] }): Variable<T> {
  const described = { takes: about.oneOf.map(choice => `\`${choice}\``).join(', '), ...about };
  return variable(input => {
    const found = about.oneOf.find(choice => choice === input.toLowerCase());
    if (found === undefined) throw new Error(`must be one of ${about.oneOf.join(', ')}`);
    return found;
  }, described);
}

/** A path to a file; its reader checks whether it exists. */
export function filePath(about: About<string>): Variable<string> {
  return variable(input => {
    if (input.includes('\0')) throw new Error('must be a path, which holds no NUL');
    return input;
  }, about);
}

const NAME = /^[A-Za-z\d][\w.-]{0,252}$/;
const BRACKETED = /^\[([^%]+)(?:%[\w.-]+)?\]$/;

/** A name, an IPv4 address, or an IPv6 address in brackets. */
function isHost(input: string): boolean {
  return NAME.test(input) || isIPv6(BRACKETED.exec(input)?.[1] ?? '');
}

/** Where a service publishes: `*`, an address of this host, or the name of an interface, as libzmq takes them. */
export function bindHost(about: About<string>): Variable<string> {
  return variable(host => {
    if (host !== '*' && !isHost(host) && !/^\w[\w.-]{0,14}$/.test(host)) {
      throw new Error('must be *, an IP address of this host ([…] around IPv6) or a network interface');
    }
    return host;
  }, about);
}

/** Where a service serves HTTP: `*`, or an address or a name of this host, as Node takes them. */
export function httpHost(about: About<string>): Variable<string> {
  return variable(host => {
    if (host !== '*' && !isHost(host)) {
      throw new Error('must be *, or an IP address ([…] around IPv6) or name of this host, as in localhost');
    }
    return host;
  }, about);
}

/** Where a service finds its peer: a host name or an address, never a wildcard. */
export function connectHost(about: About<string>): Variable<string> {
  return variable(host => {
    if (!isHost(host)) {
      throw new Error('must be the host name or IP address of the peer ([…] around IPv6), as in localhost');
    }
    return host;
  }, about);
}

/** Names, `*.` before a name for all names below it, or `*`; separated by commas or spaces. */
export function hostNames(about: About<string[]>): Variable<string[]> {
  return variable(input => {
    const names = input.split(/[\s,]+/).filter(Boolean);
    const wrong = names.find(name => name !== '*' && !NAME.test(name.replace(/^\*\./, '')));
    if (wrong !== undefined)
      throw new Error(
        `must be names without a port, as in noaa.example.org, *.example.org; ${wrong} is none`,
      );
    return names;
  }, about);
}

/** What a service that serves HTTP adds. */
export const allowedHostsSchema = {
  ALLOWED_HOSTS: hostNames({
    default: [],
    unset: 'none',
    example: 'noaa.example.org',
    takes: 'names; `*.example.org` for all below it, `*` for every name',
    desc: "names that HTTP clients may use for this server, besides IP addresses, localhost and the machine's own",
  }),
};

/** What every service understands. */
export const commonSchema = {
  LOG_LEVEL: word({
    oneOf: ['debug', 'info', 'warn', 'error'] as const,
    default: 'info',
    desc: 'least severe level that is logged',
  }),
  WAIT_FOR_PORT: flag({
    default: false,
    desc: 'if a port is taken, try again until it is free instead of ending; the images set it',
  }),
};

/** What a service without HTTP of its own adds, so that Prometheus and a health check can reach it. */
export const telemetrySchema = {
  METRICS_HOST: httpHost({ default: '127.0.0.1', desc: 'where metrics and health are served' }),
  METRICS_PORT: integer({ min: 0, max: 65535, default: 0, desc: 'port of metrics and health', unset: 'off' }),
  METRICS_SOCKET: filePath({
    default: '',
    unset: 'off',
    desc: 'Unix socket of metrics and health, which only this user can open',
    example: '/tmp/metrics',
  }),
  ...allowedHostsSchema,
};

/** A variable set to nothing counts as not set. */
const whatIsSet = (environment: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));

/** A URL may have a password or a token in it, which belongs into no log. A password may have any character in it. */
const withoutPassword = (value: string): string =>
  value
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^?#]*[?#]).+$/is, '$1…');

/** Returns a sentence for each variable that is nearly one of a service's own, or begins as they do. */
export function warningsOf(schema: Schema, environment: NodeJS.ProcessEnv): string[] {
  return misspeltFor(schema, Object.keys(whatIsSet(environment))).map(({ message }) => message);
}

/**
 * Reads a service's configuration once.
 *
 * @throws Fault `bad-configuration` that names every bad variable, its value and the remedy in one message, and every
 * one that is nearly a setting of redaction.
 */
export function readEnv<S extends Schema>(schema: S, environment: NodeJS.ProcessEnv): ConfigOf<S> {
  const set = whatIsSet(environment);
  const grave = misspeltFor(schema, Object.keys(set)).filter(each => each.grave);
  return cleanEnv(set, schema, {
    reporter: ({ errors }) => {
      const faults = Object.entries(errors as Record<string, Error>).map(([name, error]) => {
        const comment = /\s#/.test(set[name] ?? '') ? ', and a comment needs a line of its own' : '';
        return `${name}=${JSON.stringify(withoutPassword(set[name] ?? ''))} ${error.message}${comment}`;
      });
      faults.push(...grave.map(({ message }) => message));
      if (faults.length > 0) throw new Fault('bad-configuration', faults.join('; '));
    },
  }) as ConfigOf<S>;
}
