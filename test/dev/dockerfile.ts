/**
 * What a Dockerfile does, done in folders of this machine, one for each stage: files are copied as `.dockerignore` lets them, commands
 * run in the order in which they stand. It knows the few instructions that ours have, and refuses any other. What it does not show
 * is the image of FROM and the user: whoever runs the tests owns the files. To add an instruction, add its case to `Stage`.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, matchesGlob, relative } from 'node:path';

export interface BuiltImage {
  /** The base image. */
  from: string;
  /** Where its WORKDIR is on this machine; the folder around it is the image's root. */
  folder: string;
  env: Record<string, string>;
  /** ENTRYPOINT and CMD. */
  command: readonly string[];
  exposed: readonly string[];
  volumes: readonly string[];
  user: string;
  stopSignal: string;
  healthcheck: readonly string[];
}

export interface Instruction {
  name: string;
  /** `--from=build` and the like. */
  flags: Record<string, string>;
  words: string;
}

export function instructionsOf(text: string): Instruction[] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', flags = '', words = ''] = /^([A-Z]+) +((?:--[\w-]+=\S+ +)*)(.*)$/.exec(line) ?? [];
      const pairs = flags
        .split(' ')
        .filter((flag) => flag !== '')
        .map((flag) => flag.slice(2).split('=', 2));
      return { name, words, flags: Object.fromEntries(pairs) as Record<string, string> };
    });
}

/** What may come from the project into the image; the patterns are anchored at its root, as Docker has it. */
function keptBy(project: string, dockerfile: string): (path: string) => boolean {
  const own = join(project, `${dockerfile}.dockerignore`);
  const text = readFileSync(existsSync(own) ? own : join(project, '.dockerignore'), 'utf8');
  const ignored = text
    .split('\n')
    .map((line) => line.replace(/\/$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
  return (path) => !ignored.some((pattern) => matchesGlob(relative(project, path), pattern));
}

/** The user that the image has is not here; the command only has to be right. */
function withoutOwners(root: string): string {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'chown'), '#!/bin/sh\n[ "$1" = node:node ] && [ -e "$2" ]\n', { mode: 0o755 });
  return bin;
}

const pairsIn = (words: string): [string, string][] =>
  words.split(' ').map((pair) => {
    const [key = '', value = ''] = pair.split('=');
    return [key, value];
  });

/** One FROM and what follows it. `root` stands for the root of its files. */
class Stage {
  readonly root = mkdtempSync(join(tmpdir(), 'nightdesk-image-'));
  readonly name: string;
  readonly image: Omit<BuiltImage, 'env' | 'command'>;
  readonly #given: Record<string, string>;
  readonly #own: Record<string, string> = {};
  #entrypoint: readonly string[] = [];
  #command: readonly string[] = [];
  readonly #exposed: string[] = [];
  readonly #volumes: string[] = [];

  constructor(words: string, env: Record<string, string>) {
    const [from = '', , name = ''] = words.split(' ');
    this.name = name;
    this.#given = { ...env, PATH: [withoutOwners(this.root), env.PATH ?? ''].join(delimiter) };
    const [exposed, volumes] = [this.#exposed, this.#volumes];
    const unset = { user: '', stopSignal: '', healthcheck: [] };
    this.image = { from, folder: this.root, exposed, volumes, ...unset };
  }

  copy(from: string, words: string, isKept: (path: string) => boolean): void {
    const sources = words.split(' ').slice(0, -1);
    if (!words.endsWith(' ./') && words !== '. .')
      throw new Error(`COPY ${words}: only to the folder itself.`);
    for (const source of sources.flatMap((pattern) =>
      pattern === '.' || pattern.startsWith('/') ? [pattern] : globSync(pattern, { cwd: from }),
    )) {
      const target = source.startsWith('/') ? this.image.folder : join(this.image.folder, source);
      cpSync(join(from, source), target, { recursive: true, filter: isKept });
    }
  }

  do({ name, words }: Instruction): void {
    const { image } = this;
    if (name === 'WORKDIR') this.#workIn(join(this.root, words));
    else if (name === 'ENV') for (const [key, value] of pairsIn(words)) this.#own[key] = value;
    else if (name === 'RUN') this.#run(words);
    else if (name === 'EXPOSE') this.#exposed.push(words);
    else if (name === 'VOLUME') this.#volumes.push(words);
    else if (name === 'USER') image.user = words;
    else if (name === 'STOPSIGNAL') image.stopSignal = words;
    else if (name === 'HEALTHCHECK') image.healthcheck = JSON.parse(words.replace(/^CMD /, '')) as string[];
    else if (name === 'ENTRYPOINT') this.#entrypoint = JSON.parse(words) as string[];
    else if (name === 'CMD') this.#command = JSON.parse(words) as string[];
    else throw new Error(`The instruction ${name} is not known here.`);
  }

  #workIn(folder: string): void {
    mkdirSync(folder, { recursive: true });
    this.image.folder = folder;
  }

  #run(words: string): void {
    const env = { ...this.#given, ...this.#own };
    const { folder: cwd } = this.image;
    const { status, stdout } = spawnSync('sh', ['-c', words], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) throw new Error(`RUN ${words} ended with ${status}:\n${stdout.toString()}`);
  }

  built(): BuiltImage {
    const command = [...this.#entrypoint, ...this.#command];
    return { ...this.image, command, env: { ...this.#given, ...this.#own } };
  }
}

/** @throws Error where a command fails, with what it said */
export function buildImage(
  project: string,
  env: Record<string, string>,
  dockerfile = 'Dockerfile',
): BuiltImage {
  const isKept = keptBy(project, dockerfile);
  const stages: Stage[] = [];
  try {
    for (const instruction of instructionsOf(readFileSync(join(project, dockerfile), 'utf8'))) {
      const { name, words, flags } = instruction;
      if (name === 'FROM') stages.push(new Stage(words, env));
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${name} stands before FROM.`);
      const source = stages.find((each) => each.name !== '' && each.name === flags.from);
      if (name === 'COPY' && flags.from !== undefined && source === undefined)
        throw new Error(`There is no stage ${flags.from}.`);
      if (name === 'COPY')
        stage.copy(source?.root ?? project, words, source === undefined ? isKept : () => true);
      else if (name !== 'FROM') stage.do(instruction);
    }
    const last = stages.pop();
    if (last === undefined) throw new Error(`${dockerfile} has no FROM.`);
    return last.built();
  } finally {
    // An image is its last stage; one that failed is none.
    for (const { root } of stages) rmSync(root, { recursive: true, force: true });
  }
}
