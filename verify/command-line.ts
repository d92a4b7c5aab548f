/** Reads the command line of `npm run verify-images`. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asError } from '../apps/common/errors.ts';
import { type Acceptance, readAcceptances } from './gate/acceptance.ts';

export interface CommandLine {
  out: string;
  tag: string;
  /** The git clone that the images were built from. */
  source: string;
  acceptances: Acceptance[];
  /** As the report names it; undefined if there is none. */
  acceptanceFile: string | undefined;
  /** Archives; none means podman's images. */
  images: string[];
}

const ACCEPTED = fileURLToPath(new URL('accepted.openvex.json', import.meta.url));
const USAGE =
  'Usage: npm run verify-images [-- [--out FOLDER] [--accepted OPENVEX] [--source CLONE] [--tag TAG] [IMAGE…]]';

export class UsageError extends Error {
  constructor(message: string) {
    super(`${message}\n${USAGE}`);
  }
}

/** Throws UsageError. `readText` reads a file. */
export function readCommandLine(args: string[], readText: (path: string) => string): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'build/verify' },
        accepted: { type: 'string', default: ACCEPTED },
        source: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
        tag: { type: 'string', default: 'latest' },
      },
    });
    const absent = [...positionals, values.source].filter(path => !existsSync(path));
    if (absent.length > 0) throw new Error(`there is no ${absent.join(', ')}`);
    const { accepted, ...others } = values;
    return { ...others, images: positionals, ...acceptancesAt(accepted, readText) };
  } catch (thrown) {
    throw new UsageError(asError(thrown).message);
  }
}

function acceptancesAt(
  path: string,
  readText: (path: string) => string,
): Pick<CommandLine, 'acceptances' | 'acceptanceFile'> {
  if (!existsSync(path)) {
    if (path !== ACCEPTED) throw new Error(`there is no ${path}`);
    return { acceptances: [], acceptanceFile: undefined };
  }
  const { acceptances, faults } = readAcceptances(JSON.parse(readText(path)));
  if (faults.length > 0) throw new Error(`${path}: ${faults.join('; ')}`);
  return { acceptances, acceptanceFile: relative(process.cwd(), path) };
}
