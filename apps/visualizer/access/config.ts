import { filePath, flag, integer, variable } from '../../common/env.ts';
import { addressRanges } from './client-address.ts';

/** The settings of who may watch. */
export const accessSchema = {
  TLS_CERT_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'certificate for HTTPS, in PEM, with the certificates between it and its root; exchanged while it runs',
    example: '/access/tls.crt',
  }),
  TLS_KEY_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'its private key, in PEM',
    example: '/access/tls.key',
  }),
  CLIENT_CA_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'authorities, in PEM, whose client certificates may watch; needs TLS_CERT_FILE',
    example: '/access/client-ca.crt',
  }),
  CLIENT_CRL_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'client certificates that are revoked: a list of each authority of CLIENT_CA_FILE, in PEM; exchanged while it runs',
    example: '/access/client-ca.crl',
  }),
  USERS_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the users who may watch, with the hashes of their passwords',
    example: '/access/users',
  }),
  ACCESS_KEY_FILE: filePath({
    default: '',
    unset: '`USERS_FILE` with `.key` at its end, if that is there',
    desc: 'file of the key that signs sessions and links that expire',
    example: '/access/users.key',
  }),
  ENDED_SESSIONS_FILE: filePath({
    default: '',
    unset: '`ended-sessions` beside that key',
    desc: 'file in which the visualizer keeps who has logged out, so that a restart forgets none of them',
    example: '/ended-sessions',
  }),
  CONSENT_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'text, in UTF-8, that a person must agree to at login',
    example: '/access/consent.txt',
  }),
  SESSION_HOURS: integer({ min: 1, max: 8760, default: 12, desc: 'hours after which a login ends' }),
  REQUIRE_AUTH: flag({ default: false, desc: 'do not start if anybody may watch' }),
  METRICS_TOKEN_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the token that a client of /metrics must send (Authorization: Bearer)',
    example: '/access/metrics-token',
  }),
  TRUSTED_PROXIES: addressRanges({
    default: [],
    unset: 'none',
    takes: 'addresses and ranges',
    example: '10.0.0.1',
    desc: 'proxies whose X-Forwarded-For, X-Forwarded-Proto and TRUSTED_USER_HEADER count',
  }),
  TRUSTED_USER_HEADER: variable(
    input => {
      if (!/^[A-Za-z][A-Za-z\d-]{0,63}$/.test(input))
        throw new Error('must be the name of a header, as in X-Forwarded-User');
      return input.toLowerCase();
    },
    {
      default: '',
      unset: 'none',
      takes: 'the name of a header',
      example: 'X-Forwarded-User',
      desc: 'header in which TRUSTED_PROXIES name the user who has signed in there',
    },
  ),
};
