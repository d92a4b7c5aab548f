/** Checks for what a build leaves behind by mistake: secrets, and files of its own. */
import { generatedBy } from './generated.ts';
import { type Fault, filesOf, type Subject } from './subject.ts';

const NAMES =
  /(^|\/)(\.npmrc|\.netrc|\.git-credentials|\.pypirc|\.env(\.[\w-]+)?|\.dockercfg|id_(rsa|dsa|ecdsa|ed25519)|.*\.(key|p12|pfx|jks|keystore|ppk)|credentials|auth\.json|kubeconfig|shadow-?|site-ca\.crt)$/;
const FOLDERS = /\/(\.ssh|\.aws|\.gnupg|\.docker|\.git|\.kube)\//;
const TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|_authToken\s*=\s*\S|_password\s*=\s*\S|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}|\bnpm_[A-Za-z0-9]{36}\b|\bxox[abprs]-[\w-]{20,}|https?:\/\/[^/\s:@]+:[^/\s:@]+@/;
/** Keys and tokens are small; larger or binary files are not searched. */
const TEXT_BYTES = 512 << 10;

const LEFTOVERS =
  /^\/(tmp|run|root|home|var\/tmp|var\/log|var\/cache\/(apt|debconf)|var\/lib\/apt|build|usr\/src|usr\/include|boot)\/./;

export function secrets({ image, rootfs }: Subject): Fault[] {
  const inSettings = TEXT.exec(image.configuration ?? '');
  const ofImage = inSettings
    ? [
        {
          path: '/',
          message: `the image's labels, variables or history hold what looks like a secret: ${inSettings[0].slice(0, 12)}…`,
        },
      ]
    : [];
  const ofFiles = filesOf(rootfs).flatMap(([path, entry]) => {
    if (NAMES.test(path) || FOLDERS.test(path)) {
      return [{ path, message: 'has the name of a file that holds secrets' }];
    }
    if (entry.size > TEXT_BYTES) return [];
    const bytes = entry.read();
    if (bytes.includes(0)) return [];
    const found = TEXT.exec(bytes.toString('latin1'));
    return found ? [{ path, message: `holds what looks like a secret: ${found[0].slice(0, 12)}…` }] : [];
  });
  return [...ofImage, ...ofFiles];
}

export function leftovers({ rootfs }: Subject): Fault[] {
  return filesOf(rootfs)
    .filter(([path]) => LEFTOVERS.test(path) && generatedBy(path) === undefined)
    .map(([path]) => ({ path, message: 'was left over by the build' }));
}
