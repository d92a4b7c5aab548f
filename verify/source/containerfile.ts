/** How a Containerfile has its last stage start the program. */

export interface Settings {
  entrypoint: string[];
  workingDirectory: string;
  /** `NAME=VALUE`. */
  environment: string[];
}

/** Returns the settings of the last stage: ENTRYPOINT as JSON, WORKDIR, and ENV as NAME=VALUE with quotes around a value. */
export function settingsOf(containerfile: string): Settings {
  const lines = containerfile.replace(/\\\n/g, ' ').split('\n');
  const stage = lines.slice(lines.findLastIndex(line => line.startsWith('FROM ')) + 1);
  const all = (word: string) =>
    stage.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1).trim());
  return {
    entrypoint: JSON.parse(all('ENTRYPOINT').at(-1) ?? '[]'),
    workingDirectory: all('WORKDIR').at(-1) ?? '',
    environment: all('ENV').flatMap(line =>
      [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)].map(
        ([, name, quoted, plain]) => `${name}=${quoted ?? plain}`,
      ),
    ),
  };
}
