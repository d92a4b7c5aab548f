/** The sentences in the source that an operator may meet: in a log, in health, on the card, in an answer or at the end. */
import { globSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyntaxKind } from 'typescript/unstable/ast';
import { createScanner } from 'typescript/unstable/ast/scanner';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** The page has its own words, and config.ts those of the settings table. */
const FILES = {
  pattern: 'apps/{common,playback,redactor,visualizer}/**/*.ts',
  exclude: ['**/node_modules/**', '**/*.test.ts', '**/page/**', '**/config.ts', '**/telemetry.ts'],
};
/** Fewer words are a fragment of another sentence, or no sentence. */
const LEAST_WORDS = 4;

/** HTML, CSS, prototypes in C, headers, ffmpeg's filters, and what a command prints when asked how it is used. */
const NO_SENTENCE =
  /[<{]\/?[a-z]+[ >]|^:root|\{ |^\w+: \w+ \w+:|default-src|\bvoid \*|^(unsigned|const|int) |^Usage|^npm run|^#|realm="|\]\[|\(eq\(|\(lt\(/;
/** Properties whose texts are in the table of settings. */
const OF_SETTINGS = new Set(['desc', 'takes', 'unset', 'example', 'help']);

interface Sentence {
  /** With … for what is filled in. */
  text: string;
  file: string;
}

function sentences(): Sentence[] {
  return globSync(FILES.pattern, { cwd: ROOT, exclude: FILES.exclude })
    .sort()
    .flatMap(file => textsIn(readFileSync(ROOT + file, 'utf8')).map(text => ({ text, file })))
    .filter(({ text }) => isSentence(text));
}

function isSentence(text: string): boolean {
  const words = text.match(/(?<![\w-])[A-Za-z][a-z’']*(?![\w-])/g) ?? [];
  const isForPeople = words.length >= LEAST_WORDS && text.split(' ').length >= LEAST_WORDS;
  return isForPeople && !NO_SENTENCE.test(text);
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
 * table says whose sentences it has: a file belongs to the first that fits.
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
      patterns.some(pattern => matchesGlob(file, `apps/${pattern}`)),
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

/** Returns every string and template of a file; a template's parts are joined by …, and so are strings that are added up. */
function textsIn(source: string): string[] {
  const scanner = createScanner(true);
  scanner.setText(source);
  const found: string[] = [];
  /** Templates that are open, each with how deep its braces are. */
  const open: { parts: string[]; depth: number }[] = [];
  let joins = false;
  const add = (text: string, isLeftOut = false) => {
    if (isLeftOut) return;
    if (joins && found.length > 0) found.push(found.pop() + text);
    else found.push(text);
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
    const value = scanner.getTokenValue();
    joins = previous === SyntaxKind.PlusToken;
    if (token === SyntaxKind.Identifier) identifier = value;
    const isOfSettings = previous === SyntaxKind.ColonToken && OF_SETTINGS.has(identifier);
    if (token === SyntaxKind.StringLiteral || token === SyntaxKind.NoSubstitutionTemplateLiteral)
      add(value, isOfSettings);
    else if (token === SyntaxKind.TemplateHead) open.push({ parts: [value], depth: 0 });
    else if (token === SyntaxKind.TemplateMiddle) template!.parts.push(value);
    else if (token === SyntaxKind.TemplateTail) {
      joins = false;
      add([...open.pop()!.parts, value].join('…'));
    }
    previous = token;
  }
  return found.map(text => text.replaceAll(/\s+/g, ' ').trim());
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
