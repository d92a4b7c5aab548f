/** Configurations of other programs, as they stand in docs/. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';

/** Returns a configuration of a page of docs/. */
export function written(page: string, file: string): string {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const [, block] = new RegExp(`<!-- ${file} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
  return block ?? assert.fail(`docs/${page} has no ${file}`);
}

/** Replaces what must differ here, and fails if it is not there. */
export function adapted(configuration: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((made, [from, to]) => {
    assert.ok(made.includes(from), from);
    return made.replaceAll(from, to);
  }, configuration);
}

/** Returns the command that runs nginx with these servers, as the user who tests, with all its files in a folder. */
export function nginxWith(servers: string, home: string): { command: string; args: string[] } {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map(what => `${what}_temp_path ${home}/${what};`).join('\n');
  writeFileSync(
    `${home}/nginx.conf`,
    `pid ${home}/pid;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${servers}}\n`,
  );
  // Its workers as the user who tests, whoever that is: the folder is theirs.
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  const settings = `${user}daemon off; error_log stderr warn;`;
  return { command: 'nginx', args: ['-p', home, '-c', `${home}/nginx.conf`, '-g', settings] };
}

/** Starts a proxy. `said` returns what it has printed. */
export function startProgram({ command, args }: { command: string; args: string[] }, home: string) {
  const child = spawn(command, args, {
    env: {
      PATH: `${process.env['PATH']}:/usr/sbin`,
      HOME: home,
      XDG_DATA_HOME: home,
      XDG_CONFIG_HOME: home,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (text += chunk));
  const ended = once(child, 'close');
  return {
    said: () => text,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
