import { defineConfig } from 'vitest/config';

const conditions = ['nightdesk-source'];
const base = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
};
const execArgv = ['--conditions=nightdesk-source', '--disable-warning=ExperimentalWarning'];

/** What is polled for comes in the end, or never: a busy machine must not make the difference. Vitest's own is a second. */
const patient = (timeout: number) => ({ poll: { timeout } });

/** Tests that start the real server and load it; they run one file at a time, after the others. */
const heavy = [
  'test/e2e/**/*.test.ts',
  'test/crash/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/hostile/process/**/*.test.ts',
  'test/security/process/**/*.test.ts',
  'test/testing/process/**/*.test.ts',
  'test/dev/**/*.test.ts',
  'test/browser/**/*.test.ts',
  'test/bench/**/*.test.ts',
  'test/cli/**/*.test.ts',
];

export default defineConfig({
  ...base,
  test: {
    projects: [
      {
        ...base,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: heavy,
          pool: 'forks',
          execArgv,
          testTimeout: 30_000,
          expect: patient(20_000),
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...base,
        test: {
          name: 'whole',
          include: heavy,
          pool: 'forks',
          execArgv,
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 60_000,
          expect: patient(60_000),
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
