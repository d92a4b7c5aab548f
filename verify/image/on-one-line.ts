/**
 * Returns text from an image as it may be printed: what a terminal would act on, what ends a line and what changes the direction
 * of writing is shown by its number, so that no file name can look like a verdict.
 */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, found => `\\u{${found.codePointAt(0)!.toString(16)}}`);
}
