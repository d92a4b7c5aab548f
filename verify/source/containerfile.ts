/** How a Containerfile has its last stage start the program. */

export interface Settings {
  entrypoint: string[];
  workingDirectory: string;
  /** `NAME=VALUE`. */
  environment: string[];
  user?: string;
  stopSignal?: string;
  /** The labels by name; undefined is for a value that the build is given. */
  labels?: Map<string, string | undefined>;
  /** The ports of EXPOSE, as an image's configuration has them. */
  exposed?: string;
}

/**
 * Returns the settings of the last stage: ENTRYPOINT as JSON, WORKDIR, ENV and LABEL as NAME=VALUE with quotes around a value,
 * and USER, STOPSIGNAL and EXPOSE where it has them.
 */
export function settingsOf(containerfile: string): Settings {
  const lines = containerfile.replace(/\\\n/g, ' ').split('\n');
  const stage = lines.slice(lines.findLastIndex(line => line.startsWith('FROM ')) + 1);
  const all = (word: string) =>
    stage.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1).trim());
  const pairs = (word: string) =>
    all(word).flatMap(line =>
      [...line.matchAll(/([\w.-]+)=(?:"([^"]*)"|(\S*))/g)].map(
        ([, name = '', quoted, plain = '']) => [name, quoted ?? plain] as const,
      ),
    );
  const user = all('USER').at(-1);
  const stopSignal = all('STOPSIGNAL').at(-1);
  const ports = all('EXPOSE').map(port => [port.includes('/') ? port : `${port}/tcp`, {}]);
  const labels = new Map(
    pairs('LABEL').map(([name, value]) => [name, value.includes('$') ? undefined : value]),
  );
  return {
    entrypoint: JSON.parse(all('ENTRYPOINT').at(-1) ?? '[]'),
    workingDirectory: all('WORKDIR').at(-1) ?? '',
    environment: pairs('ENV').map(([name, value]) => `${name}=${value}`),
    ...(user !== undefined && { user }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(labels.size > 0 && { labels }),
    ...(ports.length > 0 && { exposed: `ExposedPorts ${JSON.stringify(Object.fromEntries(ports))}` }),
  };
}
