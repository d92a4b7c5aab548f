/**
 * What follows from the services' schemas: the tables of settings, the variables that a unit takes from the settings file,
 * and that file itself.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Schema } from '../apps/common/env.ts';
import { schema as playback } from '../apps/playback/config.ts';
import { schema as redactor } from '../apps/redactor/config.ts';
import { schema as visualizer } from '../apps/visualizer/config.ts';
import { withSentences } from './sentences.ts';

const SCHEMAS: Record<string, Schema> = { playback, redactor, visualizer };
const SERVICES = Object.keys(SCHEMAS);

/** The settings that the README shows; docs/configure.md has all. */
const IN_README = new Set([
  'DATA_FILE',
  'PLAYBACK_HOST',
  'PLAYBACK_FPS',
  'PLAYBACK_LOOP',
  'REDACTOR_HOST',
  'REDACT_WIDTH',
  'MASK_FILE',
  'VISUALIZER_HOST',
  'JPEG_QUALITY',
  'MAX_VIEWERS',
  'LOG_LEVEL',
]);

/** A file that is partly or wholly written by `npm run docs`, as it is and as it should be. */
export interface Document {
  path: string;
  before: string;
  after: string;
}

/** Every document, read and written anew; nothing is changed on disk. */
export async function documents(): Promise<Document[]> {
  const made: Record<string, (before: string) => string | Promise<string>> = {
    'README.md': text => between(text, 'settings', readmeTable()),
    'docs/configure.md': text => between(text, 'settings', settingsTable()),
    'docs/wire.md': withFiles,
    'docs/sentences.md': withSentences,
    'quadlet/settings.env': settingsFile,
    'apps/common/setting-names.ts': settingNames,
  };
  for (const service of SERVICES)
    made[`quadlet/noaa-${service}.container`] = text => withPassedOn(text, service);
  return await Promise.all(
    Object.entries(made).map(async ([path, make]) => {
      const before = await read(path);
      return { path, before, after: await make(before) };
    }),
  );
}

export const fileOf = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const read = (path: string): Promise<string> => readFile(fileOf(path), 'utf8');

/** One setting as the tables have it, in Markdown. A host has its port with it. */
interface Row {
  services: string[];
  names: string[];
  defaults: string[];
  takes: string;
  meaning: string;
}

/** Every setting in the order of the schemas. What is the same in several services comes once. */
function rows(): Row[] {
  const found: Row[] = [];
  for (const [service, schema] of Object.entries(SCHEMAS)) {
    for (const [name, { default: value, unset, desc, takes = '' }] of Object.entries(schema)) {
      const shown = unset ?? (value === undefined ? 'none' : `\`${value}\``);
      const host = found.find(
        row => row.services.includes(service) && row.names.at(-1) === name.replace(/_PORT$/, '_HOST'),
      );
      const same = found.find(
        row => `${row.names[0]} ${row.defaults[0]} ${row.meaning}` === `${name} ${shown} ${desc}`,
      );
      if (host) {
        host.names.push(name);
        host.defaults.push(shown);
      } else if (same) {
        same.services.push(service);
      } else if (!found.some(row => row.services.includes(service) && row.names.includes(name))) {
        found.push({ services: [service], names: [name], defaults: [shown], takes, meaning: desc });
      }
    }
  }
  // What every service takes comes last.
  return found.toSorted((a, b) => Number(isOfAll(a)) - Number(isOfAll(b)));
}

const isOfAll = ({ services }: Row): boolean => services.length === SERVICES.length;

const readmeTable = (): string =>
  table(
    ['service', 'name', 'default', 'meaning'],
    rows()
      .filter(({ names }) => IN_README.has(names[0] ?? ''))
      .map(row => [servicesOf(row), code(row.names), row.defaults.join(', '), row.meaning]),
  );

const settingsTable = (): string =>
  table(
    ['service', 'name', 'default', 'takes', 'meaning'],
    rows().map(row => [servicesOf(row), code(row.names), row.defaults.join(', '), row.takes, row.meaning]),
  );

const servicesOf = (row: Row): string => (isOfAll(row) ? 'all' : row.services.join(', '));
const code = (names: string[]): string => names.map(name => `\`${name}\``).join(', ');

function table(titles: string[], cells: string[][]): string {
  const line = (row: string[]) => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), `|${'---|'.repeat(titles.length)}`, ...cells.map(line)].join('\n');
}

/** A text with what is between `<!-- begin NAME … -->` and `<!-- end NAME -->` replaced. */
function between(text: string, name: string, content: string): string {
  const marked = new RegExp(`(<!-- begin ${name}\\b[^\\n]*-->\\n)[\\s\\S]*?(<!-- end ${name} -->)`);
  if (!marked.test(text)) throw new Error(`<!-- begin ${name} --> and <!-- end ${name} --> are missing`);
  return text.replace(marked, (_, begin: string, end: string) => `${begin}${content}\n${end}`);
}

/** A text with each `<!-- begin file PATH -->` followed by that file as it is. */
async function withFiles(text: string): Promise<string> {
  let result = text;
  for (const [, path = ''] of text.matchAll(/<!-- begin file (\S+\.py) -->/g)) {
    result = between(result, `file ${path}`, `\`\`\`python\n${(await read(path)).trimEnd()}\n\`\`\``);
  }
  return result;
}

const ENVIRONMENT = /^Environment=(.*)$/gm;
const PASSED_ON = /^PodmanArgs=--env=.*$/m;

/** The variables that a unit takes from the settings file: all that it does not set itself. */
function passedOn(unit: string, service: string): string[] {
  const set = [...unit.matchAll(ENVIRONMENT)].flatMap(([, line = '']) => line.split(' '));
  const fixed = new Set(set.map(assignment => assignment.split('=')[0]));
  return Object.keys(SCHEMAS[service] ?? {}).filter(name => !fixed.has(name));
}

function withPassedOn(unit: string, service: string): string {
  if (!PASSED_ON.test(unit)) throw new Error(`noaa-${service}.container has no line PodmanArgs=--env=`);
  const options = passedOn(unit, service).map(name => `--env=${name}`);
  return unit.replace(PASSED_ON, `PodmanArgs=${options.join(' ')}`);
}

/** Every setting's name, for a service, which knows only its own schema. */
function settingNames(): string {
  const names = [...new Set(Object.values(SCHEMAS).flatMap(schema => Object.keys(schema)))].sort();
  const lines = names.map(name => `  '${name}',`).join('\n');
  return `/** The settings of all services, written by \`npm run docs\`. */\nexport const SETTING_NAMES: readonly string[] = [\n${lines}\n];\n`;
}

/** `quadlet/settings.env`: every variable that a unit takes from it, as a comment. */
async function settingsFile(): Promise<string> {
  const lines = [
    '# Settings of the pod. One NAME=value a line; what is not set keeps its default. After a change:',
    '#     systemctl --user restart noaa-pod',
    '# Your clips are in ~/.local/share/noaa-pod/clips, which playback sees as /clips. docs/configure.md has more.',
  ];
  const entries = new Map<string, string>();
  for (const service of SERVICES) {
    for (const name of passedOn(await read(`quadlet/noaa-${service}.container`), service)) {
      const variable = SCHEMAS[service]?.[name];
      if (!variable) continue;
      const { desc, takes, example, default: value } = variable;
      const values = takes ? ` (${takes.replaceAll('`', '')})` : '';
      const title = `${desc.charAt(0).toUpperCase()}${desc.slice(1)}${values}`;
      // What several services take comes last.
      entries.delete(name);
      entries.set(name, `\n# ${title}:\n#${name}=${example ?? value ?? ''}`);
    }
  }
  return `${[...lines, ...entries.values()].join('\n')}\n`;
}
