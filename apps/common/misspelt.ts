import { SETTING_NAMES } from './setting-names.ts';

/** A variable that is none of ours and was probably meant to be. */
export interface Misspelt {
  name: string;
  /** The setting that it is nearest to, if any is near. */
  meant: string | undefined;
  /** Without it more of the picture may be shown than was meant. */
  grave: boolean;
  /** One sentence for the operator. It never has the value, which may be a secret. */
  message: string;
}

/** Beginnings of our names that other programs' variables have too. */
const COMMON = /^(ALLOW|ALLOWED|CLIENT|DATA|FRAME|LOG|MAX|REQUIRE|TLS|USERS)_$/;
/** A name may differ from ours by one letter in this many. */
const LETTERS_PER_MISTAKE = 5;

/** Whether a name is, or pretends to be, one of redaction. The redactor's address is none. */
export const isOfRedaction = (name: string): boolean => /^(REDACT(?!OR_)|MASK)/i.test(name);

const beginningOf = (name: string): string => name.slice(0, name.indexOf('_') + 1);

/** Returns which of some variables' names are nearly ours, or unknown to us and begin as ours do. */
export function misspelt(names: Iterable<string>, known: readonly string[] = SETTING_NAMES): Misspelt[] {
  const found: Misspelt[] = [];
  // A name of one word begins as nothing else does.
  const ours = new Set(
    known.map(beginningOf).filter(beginning => beginning !== '' && !COMMON.test(beginning)),
  );
  for (const name of names) {
    if (known.includes(name)) continue;
    const upper = name.trim().toUpperCase();
    const meant = nearest(upper, known);
    const grave = isOfRedaction(meant ?? upper);
    if (meant === undefined && !grave && !ours.has(beginningOf(upper))) continue;
    const guess = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    const danger = grave ? ': correct or unset it, since to ignore it could show more than you meant' : '';
    found.push({ name, meant, grave, message: `${name} is not a setting${guess}${danger}` });
  }
  return found;
}

/** Returns those of a service: nearly a setting of its own, or begun as one of them. */
export function misspeltFor(schema: object, names: Iterable<string>): Misspelt[] {
  const own = Object.keys(schema);
  const beginnings = new Set(own.map(beginningOf));
  const isRedactor = own.some(isOfRedaction);
  return misspelt(names).filter(({ name, meant, grave }) =>
    meant === undefined
      ? beginnings.has(beginningOf(name.toUpperCase())) || (grave && isRedactor)
      : own.includes(meant),
  );
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    // Each letter that one has more is a mistake already; a name may be as long as its file.
    .filter(({ length }) => Math.abs(name.length - length) <= length / LETTERS_PER_MISTAKE)
    .map(candidate => ({ candidate, mistakes: mistakesBetween(name, candidate) }))
    .filter(({ candidate, mistakes }) => mistakes <= candidate.length / LETTERS_PER_MISTAKE)
    .sort((a, b) => a.mistakes - b.mistakes);
  return best?.candidate;
}

/**
 * Returns how many letters must be added, left out, replaced or exchanged with the next one to make one name of the other
 * (optimal string alignment).
 */
function mistakesBetween(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          replaced,
          rows[i - 1]![j]! + 1,
          row[j - 1]! + 1,
          exchanged ? rows[i - 2]![j - 2]! + 1 : Infinity,
        ),
      );
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
