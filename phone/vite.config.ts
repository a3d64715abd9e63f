import { defineConfig } from 'vite';

export default defineConfig({
  // Relative, so that the page also works behind a prefix.
  base: './',
  clearScreen: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome125', 'firefox128', 'safari17.5'],
    // The policy of the page allows no data: in styles; a file of its own is cached as well.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
