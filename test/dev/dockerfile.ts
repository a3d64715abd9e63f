/**
 * What a Dockerfile does, done in a folder of this machine: files are copied as `.dockerignore` lets them, commands run in the
 * order in which they stand. It knows the few instructions that ours has, and refuses any other. What it does not show is the
 * image of FROM and the user: whoever runs the tests owns the files.
 */
import { execFileSync, type SpawnOptions } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';

export interface BuiltImage {
  /** The base image. */
  from: string;
  /** Where its WORKDIR is on this machine. */
  folder: string;
  env: Record<string, string>;
  command: readonly string[];
  exposed: readonly string[];
  volumes: readonly string[];
}

interface Instruction {
  name: string;
  /** Behind its name, without what it says about owners. */
  words: string;
}

function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name = '', words = ''] = /^([A-Z]+) +(?:--chown=\S+ +)?(.*)$/.exec(line) ?? [];
    return { name, words };
  });
}

/** The user that the image has is not here; the command only has to be right. */
function withoutOwners(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'chown'), '#!/bin/sh\n[ "$1" = node:node ] && [ -e "$2" ]\n', { mode: 0o755 });
  return bin;
}

/** @throws Error where a command fails, with what it said */
export function buildImage(project: string, env: Record<string, string>): BuiltImage {
  const top = mkdtempSync(join(tmpdir(), 'nightdesk-image-'));
  const folder = join(top, 'app');
  mkdirSync(folder);
  const image = {
    from: '',
    folder,
    command: [] as string[],
    exposed: [] as string[],
    volumes: [] as string[],
  };
  const given = { ...env, PATH: [withoutOwners(top), env.PATH ?? ''].join(delimiter) };
  const own: Record<string, string> = {};
  const ignored = readFileSync(join(project, '.dockerignore'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/\/$/, ''));
  const isKept = (path: string): boolean => !ignored.includes(basename(path));
  const copy = (words: string): void => {
    const sources = words.split(' ').slice(0, -1);
    if (!words.endsWith(' ./') && words !== '. .')
      throw new Error(`COPY ${words}: only to the folder itself.`);
    for (const source of sources.flatMap((pattern) =>
      pattern === '.' ? ['.'] : globSync(pattern, { cwd: project }),
    ))
      cpSync(join(project, source), join(folder, source), { recursive: true, filter: isKept });
  };
  const run = (words: string): void => {
    const options: SpawnOptions = {
      cwd: folder,
      env: { ...given, ...own },
      stdio: ['ignore', 'pipe', 'inherit'],
    };
    execFileSync('sh', ['-c', words], options);
  };
  for (const { name, words } of instructionsOf(readFileSync(join(project, 'Dockerfile'), 'utf8'))) {
    if (name === 'FROM') image.from = words;
    else if (name === 'ENV') for (const [key, value] of pairsIn(words)) own[key] = value;
    else if (name === 'COPY') copy(words);
    else if (name === 'RUN') run(words);
    else if (name === 'EXPOSE') image.exposed.push(words);
    else if (name === 'VOLUME') image.volumes.push(words);
    else if (name === 'CMD') image.command = JSON.parse(words) as string[];
    else if (name !== 'WORKDIR' && name !== 'USER')
      throw new Error(`The instruction ${name} is not known here.`);
  }
  return { ...image, env: { ...given, ...own } };
}

const pairsIn = (words: string): [string, string][] =>
  words.split(' ').map((pair) => {
    const [key = '', value = ''] = pair.split('=');
    return [key, value];
  });
