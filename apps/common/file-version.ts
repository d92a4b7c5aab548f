import { stat } from 'node:fs/promises';
import { asError } from './errors.ts';

/** Returns a text that differs whenever the file does; never rejects. */
export async function versionOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (thrown) {
    return String(asError(thrown).code);
  }
}
