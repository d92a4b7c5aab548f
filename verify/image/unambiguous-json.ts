/**
 * Reads JSON that every reader takes for the same. Of two equal names in an object JavaScript takes the last, and Go, in which
 * podman is written, joins the two; Go also takes `env` for `Env`.
 */

/** A name as Go compares it with a field's: whatever its case, the long s and the sign for kelvin included. */
export function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** Throws SyntaxError if it is not JSON, or if an object has a name twice. */
export function parseUnambiguous(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  const open: (Set<string> | undefined)[] = [];
  let last = '""';
  for (const [token] of text.matchAll(/[{}[\]:]|"(?:[^"\\]|\\.)*"/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token !== ':') last = token;
    else {
      const name = folded(JSON.parse(last));
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError(`an object has the name ${last.slice(0, 60)} twice`);
      names?.add(name);
    }
  }
  return parsed;
}
