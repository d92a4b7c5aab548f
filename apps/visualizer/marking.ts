import { type About, flag, type Variable, variable } from '../common/env.ts';

/** What must be written on the picture wherever it is shown. */
export interface Marking {
  text: string;
  /** `#rrggbb` */
  color: string;
  /** Of the writing: black or white, whichever can be read better on the colour. */
  ink: string;
}

const MAX_CHARACTERS = 120;
/** Control characters, line ends, what is not seen, and what changes the direction of writing or has no meaning of its own. */
const REFUSED = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const NBSP_AND_KIN = /\p{Zs}+/gu;

function markingText(about: About<string>): Variable<string> {
  return variable(input => {
    const refused = REFUSED.exec(input)?.[0];
    if (refused !== undefined) {
      const code = refused.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      throw new Error(
        `must be one line without control characters, invisible ones, and those that change the direction of writing; U+${code} is one`,
      );
    }
    if (/\p{M}{4}/u.test(input)) throw new Error('must have at most three accents on a letter');
    if (!/[\p{L}\p{N}]/u.test(input)) throw new Error('must have a letter or a digit');
    const text = input.replace(NBSP_AND_KIN, ' ');
    const { length } = [...text];
    if (length > MAX_CHARACTERS)
      throw new Error(`must have at most ${MAX_CHARACTERS} characters; it has ${length}`);
    return text;
  }, about);
}

function hexColor(about: About<string>): Variable<string> {
  return variable(input => {
    if (!/^#[\da-f]{6}$/i.test(input))
      throw new Error('must be a colour as # and six hexadecimal digits, as in #007a33');
    return input.toLowerCase();
  }, about);
}

export const markingSchema = {
  MARKING: markingText({
    default: '',
    unset: 'none',
    example: 'UNCLASSIFIED',
    takes: `a line of at most ${MAX_CHARACTERS} characters`,
    desc: 'text that is shown above and below the picture, and is in every still, export and card',
  }),
  MARKING_COLOR: hexColor({
    default: '#4b5563',
    example: '#007a33',
    takes: '`#rrggbb`',
    desc: 'colour behind the marking; its text is black or white',
  }),
  MARKING_REQUIRED: flag({ default: false, desc: 'show no picture as long as MARKING is not set' }),
};

interface Settings {
  MARKING: string;
  MARKING_COLOR: string;
  MARKING_REQUIRED: boolean;
}

/** Returns the marking that the settings ask for, if any. */
export function markingOf({ MARKING: text, MARKING_COLOR: color }: Settings): Marking | undefined {
  return text === '' ? undefined : { text, color, ink: inkOn(color) };
}

/** Returns the marking that another visualizer reports; undefined if it has none that the settings could not ask for. */
export function readMarking(value: unknown): Marking | undefined {
  const { text, color } = Object(value) as { text?: unknown; color?: unknown };
  if (typeof text !== 'string' || typeof color !== 'string') return undefined;
  const isText = text !== '' && [...text].length <= MAX_CHARACTERS && !REFUSED.test(text);
  return isText && /^#[\da-f]{6}$/.test(color) ? { text, color, ink: inkOn(color) } : undefined;
}

/** Returns why no picture may be shown for want of a marking, if that is so. */
export function withheldFor({ MARKING, MARKING_REQUIRED }: Settings): string | undefined {
  return MARKING_REQUIRED && MARKING === ''
    ? 'There is no picture: it must have a marking (MARKING_REQUIRED), and none is set. Set MARKING to its text.'
    : undefined;
}

/** Returns the marking for a header: the text if it is ASCII, otherwise as RFC 8187, 3.2, writes it. */
export function markingHeader({ text }: Marking): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const escaped = encodeURIComponent(text).replace(
    /['()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `UTF-8''${escaped}`;
}

/** Black or white. The better one has a contrast of 4.58 or more on every colour (WCAG 2.2, 1.4.3, asks for 4.5). */
function inkOn(color: string): string {
  const luminance = relativeLuminance(color);
  const onWhite = 1.05 / (luminance + 0.05);
  const onBlack = (luminance + 0.05) / 0.05;
  return onWhite > onBlack ? '#ffffff' : '#000000';
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function relativeLuminance(color: string): number {
  const linear = [1, 3, 5].map(at => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [red = 0, green = 0, blue = 0] = linear;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
