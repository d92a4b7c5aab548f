/** The sentences in the source that an operator may meet: in a log, in health, on the card, on the page, in an answer or from a command. */
import { globSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyntaxKind } from 'typescript/unstable/ast';
import { createScanner } from 'typescript/unstable/ast/scanner';
import { textsInShell } from './shell-texts.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** telemetry.ts has the words of the metrics, and page.ts writes a page of its own. */
const PROGRAMS = {
  patterns: [
    'apps/{common,playback,redactor,visualizer}/**/*.{ts,js}',
    'tools/{start,fetch-clip}.ts',
    'tools/start/*.ts',
    'verify/**/*.ts',
  ],
  exclude: [
    '**/node_modules/**',
    '**/*.test.ts',
    '**/public/**',
    '**/telemetry.ts',
    'verify/fixtures/**',
    'verify/dependencies/page.ts',
  ],
};
const SCRIPTS = [
  'quadlet/noaa',
  'tools/with-setup',
  ...['signature', 'schedule', 'scan', 'pending-updates'].map(name => `verify/host/${name}`),
];
const PAGES = ['apps/visualizer/page/index.html'];
/** Fewer words are a fragment of another sentence, or no sentence; what is logged is one with two. */
const LEAST_WORDS = 3;
const LEAST_LOGGED = 2;
const LOGS = new Set(['debug', 'info', 'warn', 'error', 'fatal']);

/**
 * HTML, CSS, prototypes in C, headers, ffmpeg's filters, patterns of sed and awk, lists of names, and what a command prints
 * when asked how it is used.
 */
const NO_SENTENCE =
  /^s\/|^\/"|Dir::|^Package: |^\{bar\}|numpy ndarray|^killed by the OOM|^\d,\/|^exec |^printf |^\{"audit|\$\d|\\\||^playback redactor|^noaa\.socket|[<{]\/?[a-z]+[ >]|^:root|\{ |^\w+: \w+ \w+:|default-src|\bvoid \*|^(unsigned|const|int) |^Usage|^npm run|^#|realm="|\]\[|\(eq\(|\(lt\(/;
/** Properties whose texts are in the table of settings. */
const OF_SETTINGS = new Set(['desc', 'takes', 'unset', 'example', 'help']);

interface Sentence {
  /** With … for what is filled in. */
  text: string;
  file: string;
}

function sentences(): Sentence[] {
  const programs = globSync(PROGRAMS.patterns, { cwd: ROOT, exclude: PROGRAMS.exclude })
    .sort()
    .flatMap(file => textsIn(readFileSync(ROOT + file, 'utf8')).map(found => ({ ...found, file })));
  const scripts = SCRIPTS.flatMap(file =>
    textsInShell(readFileSync(ROOT + file, 'utf8')).map(text => ({ text, file, isLogged: false })),
  );
  const pages = PAGES.flatMap(file =>
    textsInHtml(readFileSync(ROOT + file, 'utf8')).map(text => ({ text, file, isLogged: false })),
  );
  return [...programs, ...scripts, ...pages].filter(
    ({ text, file, isLogged }) =>
      isSentence(text, isLogged ? LEAST_LOGGED : LEAST_WORDS) &&
      // On the page the others are the names of buttons.
      (!file.includes('/page/') || text.endsWith('.')),
  );
}

function isSentence(text: string, least: number): boolean {
  const words = text.match(/(?<![\w-])[A-Za-z][a-z’']*(?![\w-])/g) ?? [];
  const isForPeople = words.length >= least && text.split(' ').length >= least;
  return isForPeople && !NO_SENTENCE.test(text);
}

/** Returns the texts between the tags of a page. */
function textsInHtml(page: string): string[] {
  const texts = page.replaceAll(/<!--[\s\S]*?-->|<(script|style)[\s\S]*?<\/\1>/g, '').split(/<[^>]*>/);
  return texts.map(text => text.replaceAll(/\s+/g, ' ').trim());
}

/** What the page has to say of a sentence, in the words of its author. */
interface Row {
  text: string;
  means: string;
  remedy: string;
}

const HEAD = '| sentence | what it means | what to do |\n|---|---|---|\n';
const ROW = /^\| `(.*)` \| (.*) \| (.*) \|$/gm;

/**
 * Returns the page with the table of each group written anew: what is said of a sentence stays, a new one has nothing yet. Each
 * table says whose sentences it has, by patterns within apps/ or, with a slash before them, within the project: a file
 * belongs to the first that fits.
 */
export function withSentences(page: string): string {
  const groups = [...page.matchAll(/<!-- begin sentences ([\w-]+): (.*) -->/g)].map(
    ([, name = '', patterns = '']) => ({
      name,
      patterns: patterns.split(' '),
      lines: new Set<string>(),
    }),
  );
  for (const { text, file } of sentences()) {
    const group = groups.find(({ patterns }) =>
      patterns.some(pattern =>
        matchesGlob(file, pattern.startsWith('/') ? pattern.slice(1) : `apps/${pattern}`),
      ),
    );
    if (!group) throw new Error(`no table in docs/sentences.md is for ${file}; add it to one`);
    group.lines.add(text.replaceAll('`', "'").replaceAll('|', '\\|'));
  }
  const elsewhere = new Map(rowsOf(page).map(row => [row.text, row]));
  return groups.reduce((result, { name, lines }) => {
    const table = new RegExp(
      `(<!-- begin sentences ${name}: .*-->\\n)([\\s\\S]*?)(<!-- end sentences ${name} -->)`,
    );
    return result.replace(table, (_, begin, before, end) => {
      const here = new Map(rowsOf(before).map(row => [row.text, row]));
      const rows = [...lines].sort().map(text => {
        const { means = '', remedy = '' } = here.get(text) ?? elsewhere.get(text) ?? {};
        return `| \`${text}\` | ${means} | ${remedy} |\n`;
      });
      return `${begin}\n${HEAD}${rows.join('')}\n${end}`;
    });
  }, page);
}

/** Returns the rows of all tables of sentences. */
export function rowsOf(page: string): Row[] {
  return [...page.matchAll(ROW)].map(([, text = '', means = '', remedy = '']) => ({ text, means, remedy }));
}

interface Found {
  text: string;
  /** Whether it stands in the call of a log's method. */
  isLogged: boolean;
}

/** Returns every string and template of a file; a template's parts are joined by …, and so are strings that are added up. */
export function textsIn(source: string): Found[] {
  const scanner = createScanner(true);
  scanner.setText(source);
  const found: Found[] = [];
  /** Whether each bracket that is open is the call of a log's method. */
  const calls: boolean[] = [];
  /** Templates that are open, each with how deep its braces are, and the text that it goes on with. */
  const open: { parts: string[]; depth: number; before: Found | undefined }[] = [];
  /** What a plus sign goes on with. */
  let last: Found | undefined;
  const add = (text: string, before: Found | undefined) => {
    if (before) before.text += text;
    else found.push({ text, isLogged: calls.includes(true) });
    last = before ?? found.at(-1);
  };
  let identifier = '';
  let previous: SyntaxKind = SyntaxKind.Unknown;
  for (let token = scanner.scan(); token !== SyntaxKind.EndOfFile; token = scanner.scan()) {
    const template = open.at(-1);
    if (token === SyntaxKind.SlashToken && !endsValue(previous)) token = scanner.reScanSlashToken();
    if (token === SyntaxKind.OpenBraceToken && template) template.depth += 1;
    if (token === SyntaxKind.CloseBraceToken && template) {
      if (template.depth > 0) template.depth -= 1;
      else token = scanner.reScanTemplateToken(false);
    }
    if (token === SyntaxKind.OpenParenToken)
      calls.push(previous === SyntaxKind.Identifier && LOGS.has(identifier));
    if (token === SyntaxKind.CloseParenToken) calls.pop();
    const value = scanner.getTokenValue();
    const before = previous === SyntaxKind.PlusToken ? last : undefined;
    if (token !== SyntaxKind.PlusToken) last = undefined;
    if (token === SyntaxKind.Identifier) identifier = value;
    const isOfSettings = previous === SyntaxKind.ColonToken && OF_SETTINGS.has(identifier);
    if (token === SyntaxKind.StringLiteral || token === SyntaxKind.NoSubstitutionTemplateLiteral) {
      if (!isOfSettings) add(value, before);
    } else if (token === SyntaxKind.TemplateHead) open.push({ parts: [value], depth: 0, before });
    else if (token === SyntaxKind.TemplateMiddle) template!.parts.push(value);
    else if (token === SyntaxKind.TemplateTail) {
      const whole = open.pop()!;
      add([...whole.parts, value].join('…'), whole.before);
    } else if (token === SyntaxKind.Identifier && before) {
      before.text += '…';
      last = before;
    }
    previous = token;
  }
  return found.map(({ text, isLogged }) => ({ text: text.replaceAll(/\s+/g, ' ').trim(), isLogged }));
}

/** Whether a slash after this token divides; otherwise it begins a regular expression. */
function endsValue(token: SyntaxKind): boolean {
  return (
    token === SyntaxKind.Identifier ||
    token === SyntaxKind.NumericLiteral ||
    token === SyntaxKind.CloseParenToken ||
    token === SyntaxKind.CloseBracketToken ||
    token === SyntaxKind.TemplateTail ||
    token === SyntaxKind.StringLiteral
  );
}
