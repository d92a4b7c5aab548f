/** What printf fills in. */
const FORMAT = /%-?\d*s/g;
/** A program in another language, e.g. awk, which has quoted strings of its own. */
const PROGRAM = /\n.*[{};]/;

/** Returns every quoted string of a shell script, with … for what is filled in, and those of the programs within it. */
export function textsInShell(script: string): string[] {
  const found: string[] = [];
  let at = 0;
  const add = (text: string) => {
    if (PROGRAM.test(text))
      found.push(...[...text.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(([, own = '']) => own));
    else found.push(text);
  };

  /** Reads up to the character that ends what is quoted or substituted; returns it with … for what is filled in. */
  const read = (end: string, isQuoted: boolean): string => {
    let text = '';
    let isWordStart = true;
    while (at < script.length) {
      const char = script[at]!;
      if (char === end) {
        at += 1;
        return text;
      }
      if (char === '\\') {
        const next = script.slice(at + 1, at + 2);
        // Between quotes a backslash stands for itself before any other character.
        text += isQuoted && !/[$`"\\\n]/.test(next) ? `\\${next}` : next;
        at += 2;
      } else if (char === '$') {
        text += filledIn();
      } else if (!isQuoted && char === '#' && isWordStart) {
        at = lineEnd();
      } else if (!isQuoted && char === "'") {
        const close = script.indexOf("'", at + 1);
        add(script.slice(at + 1, close));
        at = close + 1;
      } else if (!isQuoted && char === '"') {
        at += 1;
        add(read('"', true));
      } else {
        // A case's pattern ends with a bracket that none has opened, but within $( ) this script has no case.
        text += char;
        at += 1;
        if (!isQuoted && char === '(' && end === ')') {
          read(')', false);
        }
      }
      isWordStart = /[\s;(]/.test(char);
    }
    return text;
  };

  /** Reads what a $ begins. */
  const filledIn = (): string => {
    const rest = script.slice(at);
    const [variable] = /^\$(\w+|[*@#?$!-])/.exec(rest) ?? [];
    if (variable !== undefined) at += variable.length;
    else if (rest.startsWith('$(')) {
      at += 2;
      read(')', false);
    } else if (rest.startsWith('${')) {
      at += 2;
      read('}', false);
    } else {
      at += 1;
      return '$';
    }
    return '…';
  };
  const lineEnd = () => {
    const end = script.indexOf('\n', at);
    return end < 0 ? script.length : end;
  };

  read('', false);
  return found.map(text =>
    text
      .replaceAll(FORMAT, '…')
      .replaceAll(/\\n|\s+/g, ' ')
      .trim(),
  );
}
