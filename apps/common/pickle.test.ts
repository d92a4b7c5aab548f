import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { locateArray, pickleEnvelope } from './pickle.ts';
import type { MemoryOrder } from './pixels.ts';

const [WIDTH, HEIGHT] = [3, 2];
const PIXELS = Buffer.from(Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => i));

/** `pickle.dumps` of `np.arange(18, dtype=np.uint8).reshape(2, 3, 3)`, as each Python wrote it. */
const RECORDED: [name: string, base64: string][] = [
  [
    'NumPy 1.24.2, protocol 3, C',
    'gANjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAGNudW1weQpuZGFycmF5CnEBSwCFcQJDAWJxA4dxBFJxBShLAUsCSwNLA4dxBmNudW1weQpkdHlwZQpxB1gCAAAAdTFxCImIh3EJUnEKKEsDWAEAAAB8cQtOTk5K/////0r/////SwB0cQxiiUMSAAECAwQFBgcICQoLDA0ODxARcQ10cQ5iLg==',
  ],
  [
    'NumPy 1.24.2, protocol 3, F',
    'gANjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAGNudW1weQpuZGFycmF5CnEBSwCFcQJDAWJxA4dxBFJxBShLAUsCSwNLA4dxBmNudW1weQpkdHlwZQpxB1gCAAAAdTFxCImIh3EJUnEKKEsDWAEAAAB8cQtOTk5K/////0r/////SwB0cQxiiEMSAAkDDAYPAQoEDQcQAgsFDggRcQ10cQ5iLg==',
  ],
  [
    'NumPy 1.24.2, protocol 4, C',
    'gASVngAAAAAAAACMFW51bXB5LmNvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwJLA0sDh5RoA4wFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGKJQxIAAQIDBAUGBwgJCgsMDQ4PEBGUdJRiLg==',
  ],
  [
    'NumPy 1.24.2, protocol 4, F',
    'gASVngAAAAAAAACMFW51bXB5LmNvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwJLA0sDh5RoA4wFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGKIQxIACQMMBg8BCgQNBxACCwUOCBGUdJRiLg==',
  ],
  [
    'NumPy 1.24.2, protocol 5, C',
    'gAWViQAAAAAAAACMEm51bXB5LmNvcmUubnVtZXJpY5SMC19mcm9tYnVmZmVylJOUKJYSAAAAAAAAAAABAgMEBQYHCAkKCwwNDg8QEZSMBW51bXB5lIwFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGJLAksDSwOHlIwBQ5R0lFKULg==',
  ],
  [
    'NumPy 1.24.2, protocol 5, F',
    'gAWViQAAAAAAAACMEm51bXB5LmNvcmUubnVtZXJpY5SMC19mcm9tYnVmZmVylJOUKJYSAAAAAAAAAAAJAwwGDwEKBA0HEAILBQ4IEZSMBW51bXB5lIwFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGJLAksDSwOHlIwBRpR0lFKULg==',
  ],
  [
    'NumPy 1.24.2, protocol 5, read-only',
    'gAWVggAAAAAAAACMEm51bXB5LmNvcmUubnVtZXJpY5SMC19mcm9tYnVmZmVylJOUKEMSAAECAwQFBgcICQoLDA0ODxARlIwFbnVtcHmUjAVkdHlwZZSTlIwCdTGUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LAHSUYksCSwNLA4eUjAFDlHSUUpQu',
  ],
  [
    'NumPy 1.24.2, protocol 5, not contiguous',
    'gAWVngAAAAAAAACMFW51bXB5LmNvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwJLA0sDh5RoA4wFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGKJQxIAAQIDBAUGBwgJCgsMDQ4PEBGUdJRiLg==',
  ],
  [
    'NumPy 2.4.6, protocol 3, C',
    'gANjbnVtcHkuX2NvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcQBjbnVtcHkKbmRhcnJheQpxAUsAhXECQwFicQOHcQRScQUoSwFLAksDSwOHcQZjbnVtcHkKZHR5cGUKcQdYAgAAAHUxcQiJiIdxCVJxCihLA1gBAAAAfHELTk5OSv////9K/////0sAdHEMYolDEgABAgMEBQYHCAkKCwwNDg8QEXENdHEOYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 3, F',
    'gANjbnVtcHkuX2NvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcQBjbnVtcHkKbmRhcnJheQpxAUsAhXECQwFicQOHcQRScQUoSwFLAksDSwOHcQZjbnVtcHkKZHR5cGUKcQdYAgAAAHUxcQiJiIdxCVJxCihLA1gBAAAAfHELTk5OSv////9K/////0sAdHEMYohDEgAJAwwGDwEKBA0HEAILBQ4IEXENdHEOYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, C',
    'gASVnwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiiUMSAAECAwQFBgcICQoLDA0ODxARlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, F',
    'gASVnwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiiEMSAAkDDAYPAQoEDQcQAgsFDggRlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, C',
    'gAWVigAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBGUjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sDh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, F',
    'gAWVigAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAACQMMBg8BCgQNBxACCwUOCBGUjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sDh5SMAUaUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, read-only',
    'gAWVgwAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlChDEgABAgMEBQYHCAkKCwwNDg8QEZSMBW51bXB5lIwFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGJLAksDSwOHlIwBQ5R0lFKULg==',
  ],
  [
    'NumPy 2.4.6, protocol 5, not contiguous',
    'gAWVnwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiiUMSAAECAwQFBgcICQoLDA0ODxARlHSUYi4=',
  ],
];

/** Also written by `pickle.dumps`, of arrays of the same shape where the name says nothing else. */
const OTHERS: [name: string, base64: string][] = [
  [
    'NumPy 2.4.6, protocol 4, object elements',
    'gASVsgAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJPOJSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0s/dJRiiV2UKEsASwFLAksDSwRLBUsGSwdLCEsJSwpLC0sMSw1LDksPSxBLEWV0lGIu',
  ],
  [
    'NumPy 2.4.6, protocol 4, float elements',
    'gASV1QAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJmNJSJiIeUUpQoSwOMATyUTk5OSv////9K/////0sAdJRiiUNIAAAAAAAAgD8AAABAAABAQAAAgEAAAKBAAADAQAAA4EAAAABBAAAQQQAAIEEAADBBAABAQQAAUEEAAGBBAABwQQAAgEEAAIhBlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, boolean elements',
    'gAWVigAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAAAAAAAQEBAQEBAQEBAQEBAQGUjAVudW1weZSMBWR0eXBllJOUjAJiMZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sDh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, signed elements',
    'gAWVigAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBGUjAVudW1weZSMBWR0eXBllJOUjAJpMZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sDh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 3, big-endian elements',
    'gANjbnVtcHkuX2NvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcQBjbnVtcHkKbmRhcnJheQpxAUsAhXECQwFicQOHcQRScQUoSwFLAksDSwOHcQZjbnVtcHkKZHR5cGUKcQdYAgAAAHUycQiJiIdxCVJxCihLA1gBAAAAPnELTk5OSv////9K/////0sAdHEMYolDJAAAAAEAAgADAAQABQAGAAcACAAJAAoACwAMAA0ADgAPABAAEXENdHEOYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, named fields',
    'gASVygAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJWMZSJiIeUUpQoSwOMAXyUTowBdpSFlH2UaBFoDIwCdTGUiYiHlFKUKEsDaBBOTk5K/////0r/////SwB0lGJLAIaUc0sBSwFLEHSUYolDEgAAAAAAAAAAAAAAAAAAAAAAAJR0lGIu',
  ],
  [
    'NumPy 2.4.6, protocol 4, metadata on the type',
    'gASVqAAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwNLA4eUaAOMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwSMAXyUTk5OSv////9K/////0sAfZSMAWGUSwFzdJRiiUMSAAAAAAAAAAAAAAAAAAAAAAAAlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, two dimensions',
    'gASVkQAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsCSwOGlGgDjAVkdHlwZZSTlIwCdTGUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LAHSUYolDBgADBgkMD5R0lGIu',
  ],
  [
    'NumPy 2.4.6, protocol 5, four channels',
    'gAWVkAAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWGAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACUjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sEh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, width and height exchanged',
    'gAWVigAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBGUjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwNLAksDh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 5, another order of axes',
    'gAWVkgAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWEgAAAAAAAAAAAQIDBAUGBwgJCgsMDQ4PEBGUjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwNLAksDh5SMAUuUSwFLAEsCh5R0lFKULg==',
  ],
  [
    'NumPy 2.4.6, protocol 4, a matrix class',
    'gASVkwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwGbWF0cml4lJOUSwCFlEMBYpSHlFKUKEsBSwNLA4aUaAOMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiiUMJAAECAwQFBgcIlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, a masked array',
    'gASVygAAAAAAAACMDW51bXB5Lm1hLmNvcmWUjA5fbWFyZWNvbnN0cnVjdJSTlCiMCG51bXB5Lm1hlIwLTWFza2VkQXJyYXmUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZSMAWKUdJRSlChLAUsCSwNLA4eUaAaMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiiUMSAAECAwQFBgcICQoLDA0ODxARlEMSAAAAAAAAAAAAAAAAAAAAAAAAlE50lGIu',
  ],
  [
    'NumPy 2.4.6, protocol 4, a scalar',
    'gASVYwAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAZzY2FsYXKUk5SMBW51bXB5lIwFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGJDAQCUhpRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 4, an array in a list',
    'gASVogAAAAAAAABdlIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwJLA0sDh5RoBIwFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGKJQxIAAQIDBAUGBwgJCgsMDQ4PEBGUdJRiYS4=',
  ],
  ['NumPy 2.4.6, protocol 4, bytes alone', 'gASVFgAAAAAAAABDEgABAgMEBQYHCAkKCwwNDg8QEZQu'],
  [
    'NumPy 2.4.6, protocol 5, buffers apart',
    'gAWVbwAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiXjAVudW1weZSMBWR0eXBllJOUjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiSwJLA0sDh5SMAUOUdJRSlC4=',
  ],
  [
    'NumPy 2.4.6, protocol 0, C',
    'Y251bXB5Ll9jb3JlLm11bHRpYXJyYXkKX3JlY29uc3RydWN0CnAwCihjbnVtcHkKbmRhcnJheQpwMQooSTAKdHAyCmNfY29kZWNzCmVuY29kZQpwMwooVmIKcDQKVmxhdGluMQpwNQp0cDYKUnA3CnRwOApScDkKKEkxCihJMgpJMwpJMwp0cDEwCmNudW1weQpkdHlwZQpwMTEKKFZ1MQpwMTIKSTAwCkkwMQp0cDEzClJwMTQKKEkzClZ8CnAxNQpOTk5JLTEKSS0xCkkwCnRwMTYKYkkwMApnMwooVlx1MDAwMAECAwQFBgcICVx1MDAwYQsMXHUwMDBkDg8QEQpwMTcKZzUKdHAxOApScDE5CnRwMjAKYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 1, C',
    'Y251bXB5Ll9jb3JlLm11bHRpYXJyYXkKX3JlY29uc3RydWN0CnEAKGNudW1weQpuZGFycmF5CnEBKEsAdHECY19jb2RlY3MKZW5jb2RlCnEDKFgBAAAAYnEEWAYAAABsYXRpbjFxBXRxBlJxB3RxCFJxCShLAShLAksDSwN0cQpjbnVtcHkKZHR5cGUKcQsoWAIAAAB1MXEMSTAwCkkwMQp0cQ1ScQ4oSwNYAQAAAHxxD05OTkr/////Sv////9LAHRxEGJJMDAKaAMoWBIAAAAAAQIDBAUGBwgJCgsMDQ4PEBFxEWgFdHESUnETdHEUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 2, C',
    'gAJjbnVtcHkuX2NvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcQBjbnVtcHkKbmRhcnJheQpxAUsAhXECY19jb2RlY3MKZW5jb2RlCnEDWAEAAABicQRYBgAAAGxhdGluMXEFhnEGUnEHh3EIUnEJKEsBSwJLA0sDh3EKY251bXB5CmR0eXBlCnELWAIAAAB1MXEMiYiHcQ1ScQ4oSwNYAQAAAHxxD05OTkr/////Sv////9LAHRxEGKJaANYEgAAAAABAgMEBQYHCAkKCwwNDg8QEXERaAWGcRJScRN0cRRiLg==',
  ],
];

/** What surrounds the pixels of a 400×300 array, which picklers write outside of their frames. */
const LARGE: [name: string, before: string, after: string][] = [
  [
    'NumPy 2.4.6, protocol 3',
    'gANjbnVtcHkuX2NvcmUubXVsdGlhcnJheQpfcmVjb25zdHJ1Y3QKcQBjbnVtcHkKbmRhcnJheQpxAUsAhXECQwFicQOHcQRScQUoSwFNLAFNkAFLA4dxBmNudW1weQpkdHlwZQpxB1gCAAAAdTFxCImIh3EJUnEKKEsDWAEAAAB8cQtOTk5K/////0r/////SwB0cQxiiUJAfgUA',
    'cQ10cQ5iLg==',
  ],
  [
    'NumPy 2.4.6, protocol 4',
    'gASViAAAAAAAAACMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAU0sAU2QAUsDh5RoA4wFZHR5cGWUk5SMAnUxlImIh5RSlChLA4wBfJROTk5K/////0r/////SwB0lGKJQkB+BQA=',
    'lQUAAAAAAAAAlHSUYi4=',
  ],
  [
    'NumPy 2.4.6, protocol 5',
    'gAWVJwAAAAAAAACME251bXB5Ll9jb3JlLm51bWVyaWOUjAtfZnJvbWJ1ZmZlcpSTlCiWQH4FAAAAAAA=',
    'lUoAAAAAAAAAlIwFbnVtcHmUjAVkdHlwZZSTlIwCdTGUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LAHSUYk0sAU2QAUsDh5SMAUOUdJRSlC4=',
  ],
];

const recorded = RECORDED.map(([name, base64]) => ({ name, pickle: Buffer.from(base64, 'base64') }));

function located(pickle: Uint8Array, width = WIDTH, height = HEIGHT) {
  const found = locateArray(pickle, width, height);
  assert.ok(found.ok, found.ok ? '' : found.detail);
  return found;
}

/** The reason why `pickle` is refused. */
function refusal(pickle: Uint8Array, width = WIDTH, height = HEIGHT): string {
  const found = locateArray(pickle, width, height);
  assert.ok(!found.ok, 'accepted');
  assert.match(
    found.detail,
    /^(byte \d+ of the pickle is not|the pickle ends at byte \d+, before) [\x20-\x7e]+$/,
  );
  return found.detail;
}

/** Pieces of the recorded dumps. */
const BYTEARRAY = `\x96\x12\0\0\0\0\0\0\0${PIXELS.toString('latin1')}`;
const SHAPE = 'K\x02K\x03K\x03';

const latin1 = (...parts: string[]) => Buffer.from(parts.join(''), 'latin1');

/** The recorded dump whose name ends so, as text that can be edited. */
function dump(name: string): string {
  const found = recorded.find(entry => entry.name.endsWith(name));
  assert.ok(found, name);
  return found.pickle.toString('latin1');
}

/** The recorded dump without its frame, so that no edit is refused for the frame's length. */
function unframed(name: string): string {
  const text = dump(name);
  return text[2] === '\x95' ? text.slice(0, 2) + text.slice(11) : text;
}

/** An unframed dump with one thing in it replaced. */
function edited(name: string, from: string, to: string): Buffer {
  const original = unframed(name);
  const text = original.replace(from, to);
  assert.notEqual(text, original, `${name} holds no ${from}`);
  return latin1(text);
}

/** A dump of protocol 3 without its BINPUTs. */
function unmemoized(name: string): Buffer {
  return latin1(
    Array.from({ length: 15 }, (_, i) => `q${String.fromCharCode(i)}`).reduce(
      (text, put) => text.replace(put, ''),
      dump(name),
    ),
  );
}

/** The array's elements in the order of rows, whatever their order in memory. */
function rows(pixels: Uint8Array, order: MemoryOrder): number[] {
  if (order === 'C') return [...pixels];
  return Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const [y, x, channel] = [Math.floor(i / (WIDTH * 3)), Math.floor(i / 3) % WIDTH, i % 3];
    return pixels[y + HEIGHT * (x + WIDTH * channel)]!;
  });
}

describe('locateArray', () => {
  it('finds the pixels in what Python writes, in either memory order', () => {
    for (const { name, pickle } of recorded) {
      const { offset, length, order } = located(pickle);
      assert.equal(order, name.endsWith(' F') ? 'F' : 'C', name);
      assert.deepEqual(rows(pickle.subarray(offset, offset + length), order), [...PIXELS], name);
    }
  });

  it('refuses a real pickle that is cut at any byte', () => {
    for (const { pickle } of recorded) {
      for (let length = 0; length < pickle.length; length++) refusal(pickle.subarray(0, length));
    }
  });

  it('refuses a real pickle that anything follows', () => {
    for (const { pickle } of recorded) {
      for (const more of ['.', '\0', 'N.', '\x95\0\0\0\0\0\0\0\0', pickle.toString('latin1')]) {
        assert.match(refusal(Buffer.concat([pickle, latin1(more)])), /not its end$/);
      }
    }
  });

  it('refuses a real pickle under any other width and height', () => {
    const others = [
      [2, 3],
      [3, 3],
      [4, 2],
      [18, 1],
      [6, 1],
      [1, 6],
      [259, 2],
      [3, 258],
      [65_535, 65_535],
    ];
    for (const { pickle } of recorded) for (const [width, height] of others) refusal(pickle, width, height);
  });

  it("takes another byte in a real pickle only for a pixel, the memory order, a frame's length or protocol 5 for 4", () => {
    for (const { name, pickle } of recorded) {
      const { offset, length } = located(pickle);
      const frameLength = pickle[2] === 0x95 ? { from: 3, to: 11 } : { from: 0, to: 0 };
      for (let at = 0; at < pickle.length; at++) {
        if (at >= offset && at < offset + length) continue;
        const mutant = Buffer.from(pickle);
        for (let byte = 0; byte < 256; byte++) {
          mutant[at] = byte;
          if (byte === pickle[at] || !locateArray(mutant, WIDTH, HEIGHT).ok) continue;
          const change = String.fromCharCode(pickle[at]!, byte);
          const inFrameLength = at >= frameLength.from && at < frameLength.to;
          const known = ['CF', 'FC', '\x88\x89', '\x89\x88', '\x04\x05', '\x05\x04'].includes(change);
          assert.ok(known || inFrameLength, `${name}: byte ${at} became ${byte}`);
        }
      }
    }
  });

  it('reads a message in place, wherever it lies in its buffer', () => {
    const pickle = Buffer.concat([Buffer.alloc(7), recorded[0]!.pickle]).subarray(7);
    const { offset, length } = located(new Uint8Array(pickle.buffer, pickle.byteOffset, pickle.length));
    assert.deepEqual(pickle.subarray(offset, offset + length), PIXELS);
  });

  it("reads pixels that look like a pickle's own operations", () => {
    for (const { pickle } of recorded) {
      const copy = Buffer.from(pickle);
      const { offset, length } = located(copy);
      for (const byte of ['\x95', '\x94', 'q', '.', '(', '\0', '\xff']) {
        copy.fill(byte, offset, offset + length, 'latin1');
        assert.equal(located(copy).offset, offset);
      }
    }
  });

  it('reads what pickletools.optimize or Pickler.fast left of a pickle', () => {
    located(unmemoized('protocol 3, C'));
    // 'numpy' comes twice and was put at index 3; with everything else left out, it is at 0.
    const bare = unframed('protocol 4, C').replaceAll('\x94', '');
    located(latin1(bare.replace('h\x03', '\x8c\x05numpy')));
    located(latin1(bare.replace('\x05numpy', '\x05numpy\x94').replace('h\x03', 'h\0')));
    refusal(latin1(bare));
  });

  it('reads the type flags that NumPy before 1.19 wrote as numbers', () => {
    located(edited('protocol 3, C', '\x89\x88\x87', 'K\0K\x01\x87'));
  });

  it('reads large pixels outside of the frames, and the frame after them', () => {
    const [width, height] = [400, 300];
    const size = width * height * 3;
    const heads = latin1(String.fromCharCode(size & 255, (size >> 8) & 255, size >> 16), '\0');
    for (const [name, before, after] of LARGE) {
      const [start, end] = [Buffer.from(before, 'base64'), Buffer.from(after, 'base64')];
      const pickle = Buffer.concat([start, Buffer.alloc(size, 0x95), end]);
      assert.deepEqual(
        located(pickle, width, height),
        { ok: true, offset: start.length, length: size, order: 'C' },
        name,
      );
      assert.ok(start.includes(heads), name);
      for (let cut = 1; cut <= end.length; cut++) refusal(pickle.subarray(0, -cut), width, height);
      refusal(Buffer.concat([start, Buffer.alloc(size - 1, 0x95), end]), width, height);
      refusal(Buffer.concat([start, Buffer.alloc(size + 1, 0x95), end]), width, height);
    }
  });

  it('refuses every other array, and everything else that Python writes', () => {
    for (const [name, base64] of OTHERS) {
      assert.ok(!locateArray(Buffer.from(base64, 'base64'), WIDTH, HEIGHT).ok, name);
    }
  });

  it('says what it found missing', () => {
    const reasons: Record<string, RegExp> = {
      'protocol 4, float elements': /not the element type u1$/,
      'protocol 5, four channels': /not an object of 18 bytes$/,
      'protocol 5, another order of axes': /not the height 2$/,
      'protocol 4, a masked array': /not the name _reconstruct$|not the module numpy/,
      'protocol 2, C': /^byte 0 of the pickle is not the start of protocol 3, 4 or 5$/,
    };
    for (const [ending, reason] of Object.entries(reasons)) {
      const other = OTHERS.find(([name]) => name.endsWith(ending));
      assert.ok(other, ending);
      assert.match(refusal(Buffer.from(other[1], 'base64')), reason);
    }
    assert.equal(
      refusal(Buffer.alloc(0)),
      'the pickle ends at byte 0, before the start of protocol 3, 4 or 5',
    );
    assert.match(refusal(latin1(dump('NumPy 2.4.6, protocol 3, C')), 4, 2), /not the width 4$/);
    assert.match(refusal(latin1(dump('NumPy 2.4.6, protocol 3, C')), 3, 4), /not the height 4$/);
  });

  it('refuses the name of anything else to be called', () => {
    const swaps = {
      'protocol 3, C': [
        ['numpy.core.multiarray\n_reconstruct', 'numpy.core.multiarray\nscalar'],
        ['numpy.core.multiarray\n_reconstruct', 'posix\nsystem'],
        ['numpy\nndarray', 'numpy\nmemmap'],
        ['numpy\ndtype', 'numpy\nload'],
      ],
      'protocol 4, C': [
        ['\x15numpy.core.multiarray', '\x05posix'],
        ['\x0c_reconstruct', '\x06scalar'],
        ['\x07ndarray', '\x06memmap'],
        ['\x05dtype', '\x04load'],
      ],
      'protocol 5, C': [
        ['\x12numpy.core.numeric', '\x05posix'],
        ['\x0b_frombuffer', '\x08fromfile'],
        ['\x05dtype', '\x04load'],
      ],
    };
    for (const [name, pairs] of Object.entries(swaps)) {
      for (const [from, to] of pairs) refusal(edited(name, from!, to!));
    }
    const calls = [
      `cos\nsystem\n(S'id'\ntR.`,
      `\x80\x03cposix\nsystem\nX\x02\0\0\0id\x85R.`,
      `\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.`,
      `\x80\x03cbuiltins\neval\nX\x01\0\0\0a\x85R.`,
      '\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87Rcos\nsystem\nX\x02\0\0\0id\x85R.',
      "(S'id'\nios\nsystem\n.",
      '\x80\x03(cos\nsystem\nX\x02\0\0\0ido.',
      '\x80\x04\x8c\x05posix\x8c\x06system\x93)\x81}b.',
    ];
    for (const call of calls) refusal(latin1(call));
  });

  it('refuses persistent ids, extensions and buffers from elsewhere', () => {
    for (const other of [
      'Pid\n.',
      '\x80\x03X\x02\0\0\0idQ.',
      '\x80\x03\x82\x01.',
      '\x80\x03\x83\x01\0.',
      '\x80\x03\x84\x01\0\0\0.',
      '\x80\x05\x97.',
      '\x80\x05\x97\x98.',
    ]) {
      refusal(latin1(other));
    }
    refusal(edited('protocol 5, C', BYTEARRAY, '\x97'));
    refusal(edited('protocol 5, C', BYTEARRAY, `${BYTEARRAY}\x98`));
    refusal(edited('protocol 3, C', `C\x12${PIXELS.toString('latin1')}`, 'X\x01\0\0\0aQ'));
  });

  it('refuses bytes of any size but the right one', () => {
    for (const size of [
      '\0\0\0\0\0\0\0\0',
      '\x11\0\0\0\0\0\0\0',
      '\x13\0\0\0\0\0\0\0',
      '\x12\0\0\0\x01\0\0\0',
      '\x12\0\0\0\0\0\0\x80',
      '\xff\xff\xff\xff\xff\xff\xff\xff',
      '\xff\xff\xff\xff\xff\xff\xff\x7f',
    ]) {
      refusal(edited('protocol 5, C', BYTEARRAY.slice(0, 9), `\x96${size}`));
      refusal(edited('protocol 3, C', 'C\x12', `\x8e${size}`));
    }
    for (const size of ['\0\0\0\0', '\xff\xff\xff\xff', '\x12\0\0\0'])
      refusal(edited('protocol 3, C', 'C\x12', `B${size}`));
    for (const size of ['\0', '\x11', '\x13', '\xff']) refusal(edited('protocol 3, C', 'C\x12', `C${size}`));
    // As text, as a bytearray where NumPy asks for bytes, and as a number.
    refusal(edited('protocol 3, C', 'C\x12', 'X\x12\0\0\0'));
    refusal(edited('protocol 4, C', 'C\x12', '\x96\x12\0\0\0\0\0\0\0'));
    refusal(edited('protocol 3, C', 'C\x12', '\x8a\x12'));
  });

  it('refuses numbers that are written in any other way', () => {
    for (const height of [
      'M\x02\0',
      'J\x02\0\0\0',
      '\x8a\x01\x02',
      'I2\n',
      'L2L\n',
      'G@\0\0\0\0\0\0\0',
      '\x8b\xff\xff\xff\x7f',
      '\x8b\0\0\0\x80',
    ]) {
      refusal(edited('protocol 3, C', SHAPE, `${height}${SHAPE.slice(2)}`));
    }
  });

  it('refuses frames that are too long, too short, nested, doubled or cut across an operation', () => {
    const whole = dump('protocol 4, C').length - 11;
    const frame = dump('protocol 4, C').slice(2, 11);
    const head = (bytes: number) => `\x95${String.fromCharCode(bytes & 255, bytes >> 8)}${'\0'.repeat(6)}`;
    const framed = (from: string, to: string) => latin1(dump('protocol 4, C').replace(from, to));
    located(latin1(unframed('protocol 4, C')));
    assert.equal(frame, head(whole));
    for (const bytes of [0, 3, 5, whole + 1, 0xffff]) refusal(framed(frame, head(bytes)));
    refusal(framed(frame, `\x95${'\xff'.repeat(8)}`));
    refusal(framed(frame, head(whole + 9) + head(whole)));
    refusal(framed(frame, head(0) + head(whole)));
    const inner = `(${head(4)}K\x01`;
    located(edited('protocol 4, C', '(K\x01', inner));
    refusal(
      latin1(
        unframed('protocol 4, C')
          .replace('\x80\x04', `\x80\x04${head(whole + 9)}`)
          .replace('(K\x01', inner),
      ),
    );
    refusal(
      latin1(dump('protocol 3, C').replace('\x80\x03', `\x80\x03${head(dump('protocol 3, C').length - 2)}`)),
    );
  });

  it("refuses one protocol's operations in another", () => {
    for (const { name, pickle } of recorded) {
      for (const protocol of [0, 1, 2, 3, 4, 5, 6, 255].filter(other => other !== pickle[1])) {
        const mutant = Buffer.from(pickle);
        mutant[1] = protocol;
        // Protocol 5 writes what 4 does where the memory is not contiguous, and 4's reader knows 5's bytes objects.
        const kin = protocol >= 4 && protocol <= 5 && pickle[1]! >= 4;
        assert.ok(kin || !locateArray(mutant, WIDTH, HEIGHT).ok, `${name} as protocol ${protocol}`);
      }
    }
  });

  it('refuses a bomb as fast as anything else, however long', () => {
    const mebi = 2 ** 20;
    const bombs = {
      marks: Buffer.alloc(64 * mebi, '('),
      'empty frames': Buffer.concat([
        latin1('\x80\x04'),
        Buffer.alloc(63 * mebi, '\x95\0\0\0\0\0\0\0\0', 'latin1'),
      ]),
      puts: Buffer.concat([latin1('\x80\x04'), Buffer.alloc(64 * mebi, '\x94', 'latin1')]),
      'doubled tuples': Buffer.concat([latin1('\x80\x03K\0'), Buffer.alloc(64 * mebi, '2\x86', 'latin1')]),
      'a name without an end': Buffer.concat([latin1('\x80\x03c'), Buffer.alloc(64 * mebi, 'a')]),
      'a gigantic text': latin1('\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f'),
      'a gigantic memo': latin1('\x80\x03K\0r\xff\xff\xff\xff.'),
      'a gigantic number': latin1('\x80\x03\x8b\xff\xff\xff\x7f'),
    };
    for (const [name, bomb] of Object.entries(bombs)) {
      const [memory, start] = [process.memoryUsage().arrayBuffers, performance.now()];
      refusal(bomb);
      // A hundred times what it takes, and a hundredth of what a walk through 64 MiB would.
      assert.ok(performance.now() - start < 20, name);
      assert.ok(process.memoryUsage().arrayBuffers - memory < mebi, name);
    }
  });
});

describe('pickleEnvelope', () => {
  it('makes of packed rows what locateArray finds', () => {
    for (const [width, height] of [
      [1, 1],
      [3, 2],
      [85, 1],
      [86, 1],
      [255, 256],
      [257, 1],
      [1920, 1080],
      [16_384, 1],
      [1, 16_384],
    ] as const) {
      const { before, after } = pickleEnvelope(width, height);
      const pickle = Buffer.concat([before, Buffer.alloc(width * height * 3), after]);
      const expected = { ok: true, offset: before.length, length: width * height * 3, order: 'C' };
      assert.deepEqual(locateArray(pickle, width, height), expected);
    }
  });

  it("is what Python's own pickler writes, less the memo", () => {
    const { before, after } = pickleEnvelope(WIDTH, HEIGHT);
    const theirs = unmemoized('NumPy 1.24.2, protocol 3, C');
    assert.deepEqual(Buffer.concat([before, PIXELS, after]), theirs);
  });
});

describe('under fuzzing, locateArray', () => {
  // `npm test` looks for a moment; set FUZZ_SECONDS to look for longer.
  const limit = {
    interruptAfterTimeLimit: (Number(process.env['FUZZ_SECONDS'] ?? 3) * 1000) / 3,
    numRuns: 2 ** 31,
  };

  /** Never throws, and never points outside of the message. */
  function check(pickle: Uint8Array, width = WIDTH, height = HEIGHT): boolean {
    const found = locateArray(pickle, width, height);
    if (!found.ok) return refusal(pickle, width, height) !== '';
    assert.equal(found.length, width * height * 3);
    // No more than 300 bytes of operations surround the pixels.
    assert.ok(found.offset > 0 && found.offset < 300);
    const after = pickle.length - found.offset - found.length;
    assert.ok(after > 0 && after < 300);
    return true;
  }

  const dumps = [
    ...recorded.map(({ pickle }) => pickle),
    ...OTHERS.map(([, base64]) => Buffer.from(base64, 'base64')),
  ];
  const anyDump = fc.constantFrom(...dumps);
  const side = fc.oneof(fc.constantFrom(1, 2, 3, 255, 256, 257, 16_384), fc.integer({ min: 1, max: 65_535 }));

  it('stands any bytes', () => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .tuple(fc.constantFrom(3, 4, 5), fc.uint8Array({ maxLength: 400 }))
        .map(([v, rest]) => Buffer.from([0x80, v, ...rest])),
    );
    fc.assert(fc.property(message, side, side, check), limit);
  });

  it('stands any sequence of the pieces that pickles are made of', () => {
    const pieces = dumps.flatMap(pickle => {
      const cuts = [...pickle.keys()].filter(
        at => pickle[at]! >= 0x80 || '(.RKNbtcqXC'.includes(String.fromCharCode(pickle[at]!)),
      );
      return cuts.map((cut, i) => pickle.subarray(cut, cuts[i + 1]));
    });
    const sequence = fc.array(fc.constantFrom(...pieces), { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(fc.tuple(anyDump, fc.nat(300), sequence), ([dump, kept, parts]) => {
        return check(Buffer.concat([dump.subarray(0, kept), ...parts]));
      }),
      limit,
    );
  });

  it('stands real pickles that were cut, joined, doubled and overwritten', () => {
    const edit = fc.record({
      at: fc.nat(420),
      drop: fc.nat(24),
      from: anyDump,
      start: fc.nat(420),
      take: fc.nat(40),
    });
    const byte = fc.record({ at: fc.nat(420), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(
        anyDump,
        fc.array(edit, { maxLength: 3 }),
        fc.array(byte, { maxLength: 4 }),
        (original, edits, bytes) => {
          let pickle = Buffer.from(original);
          for (const { at, drop, from, start, take } of edits) {
            pickle = Buffer.concat([
              pickle.subarray(0, at),
              from.subarray(start, start + take),
              pickle.subarray(at + drop),
            ]);
          }
          for (const { at, value } of bytes) if (at < pickle.length) pickle[at] = value;
          return check(pickle);
        },
      ),
      limit,
    );
  });
});
