/** What deploy/Dockerfile promises, read from its text; test/dev/deploy-image.test.ts runs its steps. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { instructionsOf } from '../dev/dockerfile.ts';
import { documentsIn, read } from './deployment.ts';

const instructions = instructionsOf(read('deploy/Dockerfile'));
const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const wordsOf = (name: string): string => last.find((each) => each.name === name)?.words ?? '';
const manifest = z
  .object({
    peerDependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(read('package.json')));

test('the libraries of the drivers are those that the tests run with', () => {
  const installed = [...wordsOf('RUN').matchAll(/ ((?:@[\w-]+\/)?[\w-]+)@(\d+\.\d+\.\d+)/g)];
  const { peerDependencies, devDependencies } = manifest;
  const names = Object.keys(peerDependencies).sort();
  expect(installed.map(([, name]) => name).sort()).toEqual(names);
  expect(Object.fromEntries(installed.map(([, name = '', version]) => [name, version]))).toEqual(
    Object.fromEntries(names.map((name) => [name, devDependencies[name]])),
  );
});

test('nothing but the packed package comes from the stage that builds', () => {
  const copied = last.filter(({ name }) => name === 'COPY' || name === 'ADD');
  expect(copied).toEqual([{ name: 'COPY', flags: { from: 'build' }, words: '/build/packed/ ./' }]);
});

test('it runs as the user node, by its number, and gets the stop itself', () => {
  expect(wordsOf('USER')).toBe('1000:1000');
  expect(wordsOf('STOPSIGNAL')).toBe('SIGTERM');
  const command = z.array(z.string()).parse(JSON.parse(wordsOf('ENTRYPOINT')));
  expect(command[0]).toBe('node');
  const after = last.slice(last.findIndex(({ name }) => name === 'USER'));
  expect(after.filter(({ name }) => name === 'RUN')).toEqual([]);
});

test('its health check asks the door that compose.yaml asks, with what the image has', () => {
  const check = wordsOf('HEALTHCHECK');
  expect(check).toContain('/readyz');
  expect(z.array(z.string()).parse(JSON.parse(check.replace(/^CMD /, '')))[0]).toBe('node');
  expect(read('deploy/compose.yaml')).toContain("fetch('http://127.0.0.1:3000/readyz')");
});

test('nothing that is secret or only develops is built from', () => {
  const ignored = read('deploy/Dockerfile.dockerignore').split('\n');
  for (const line of ['.git', '**/.env', '**/*.env', '**/node_modules', 'data'])
    expect(ignored, line).toContain(line);
});

test('both files that name an image name the Node that the templates name', () => {
  const from = (text: string) => instructionsOf(text).filter(({ name }) => name === 'FROM');
  const images = [...from(read('deploy/Dockerfile')), ...from(read('templates/project/Dockerfile'))];
  expect(new Set(images.map(({ words }) => words.split(' ')[0]))).toEqual(new Set(['node:24-slim']));
  expect(documentsIn('deploy/compose.yaml')).toHaveLength(1);
});
