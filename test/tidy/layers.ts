/**
 * Who may import whom. The core knows nothing, stations and drivers know only the core, the runtime introduces them, the
 * surfaces call the runtime. To add a folder, add its row.
 */
import { importsIn } from './scan.ts';
import { type Finding, type Rule, scriptsUnder, type TidyFile, type Tree } from './tree.ts';

interface Layer {
  /** The files of this layer. */
  of: RegExp;
  /** What it may import from the project; `$1` is the name of the station or driver. */
  may: string[];
  node: boolean;
  /** Names, or `true` for any that the package declares. */
  npm: string[] | true;
  because: string;
}

const layers: Layer[] = [
  {
    of: /^src\/core\/dialog\//,
    may: ['src/core/'],
    node: false,
    npm: ['xstate'],
    because: 'the core is pure',
  },
  {
    of: /^src\/core\//,
    may: ['src/core/'],
    node: false,
    npm: [],
    because: 'the core is pure; xstate only in core/dialog',
  },
  {
    of: /^src\/pipeline\/([^/]+)\//,
    may: ['src/core/', 'src/pipeline/$1/'],
    node: true,
    npm: [],
    because: 'a station knows the core and itself; the runtime introduces stations to each other',
  },
  {
    of: /^src\/(store|wake|files)\/([^/]+)\//,
    may: ['src/core/', 'src/$1/$2/'],
    node: true,
    npm: true,
    because: 'a driver knows the core and itself; drivers are exchanged, so none knows another',
  },
  {
    of: /^src\/simulator\//,
    may: ['src/simulator/'],
    node: true,
    npm: [],
    because: 'the look-alike of Meta must not share an error with what it proves',
  },
  {
    of: /^src\/surface\/cli\/dev/,
    may: ['src/core/', 'src/runtime/', 'src/surface/', 'src/simulator/'],
    node: true,
    npm: true,
    because: '`nightdesk dev` runs the look-alike beside the server',
  },
  {
    of: /^src\/surface\//,
    may: ['src/core/', 'src/runtime/', 'src/surface/'],
    node: true,
    npm: true,
    because: 'surfaces call the runtime; rules live below them',
  },
  {
    of: /^src\/testing\/bot\//,
    may: ['src/core/', 'src/testing/', 'src/simulator/', 'src/runtime/'],
    node: true,
    npm: [],
    because: 'a bot under test is the real runtime; the rest of the test kit does without it',
  },
  {
    of: /^src\/testing\//,
    may: ['src/core/', 'src/testing/', 'src/simulator/', 'src/store/', 'src/pipeline/webhook/'],
    node: true,
    npm: true,
    because: 'the exported test kit may not drag the runtime into a test',
  },
  {
    of: /^src\/runtime\//,
    may: [
      'src/core/',
      'src/pipeline/',
      'src/store/',
      'src/wake/',
      'src/files/',
      'src/simulator/',
      'src/runtime/',
    ],
    node: true,
    npm: true,
    because: 'the runtime knows all but its surfaces',
  },
  {
    of: /^src\/[^/]+\.ts$/,
    may: ['src/'],
    node: true,
    npm: true,
    because: 'the front door shows what is inside',
  },
];

export const checkLayers: Rule = (tree) => {
  const declared = declaredPackages(tree);
  return scriptsUnder(tree, 'src/').flatMap((file) =>
    importsIn(file).flatMap(({ value, index }) => {
      const line = file.text.slice(0, index).split('\n').length;
      const found = judge(file, value, declared);
      return found === undefined ? [] : [{ path: file.path, line, ...found }];
    }),
  );
};

type Judged = Omit<Finding, 'path' | 'line'> | undefined;

function judge(file: TidyFile, specifier: string, declared: ReadonlySet<string>): Judged {
  const found = layers.flatMap((layer) => {
    const match = layer.of.exec(file.path);
    return match === null ? [] : [{ layer, may: layer.may.map((path) => filled(path, match)) }];
  })[0];
  const what = `imports ${specifier}`;
  if (found === undefined) {
    return {
      what,
      reason: 'its folder is in no layer',
      instead: 'move the file, or add the folder to layers.ts',
    };
  }
  const { layer, may } = found;
  const target = targetOf(file.path, specifier);
  if (target.kind === 'node') {
    return layer.node
      ? undefined
      : { what, reason: layer.because, instead: 'take it as an argument (core/ports/world.ts)' };
  }
  if (target.kind === 'npm') return judgePackage(what, target.name, layer, declared);
  const allowed = `import from ${may.join(', ')}, or take what you need as an argument`;
  if (!target.path.startsWith('src/')) {
    return { what, reason: 'what is published cannot reach outside src', instead: allowed };
  }
  if (!may.some((path) => target.path.startsWith(path)))
    return { what, reason: layer.because, instead: allowed };
  return judgeForm(file.path, specifier, target.path);
}

function judgePackage(what: string, name: string, layer: Layer, declared: ReadonlySet<string>): Judged {
  if (layer.npm !== true && !layer.npm.includes(name)) {
    return { what, reason: layer.because, instead: 'take it as an argument, or move the code to the rim' };
  }
  if (declared.has(name)) return undefined;
  const reason = 'package.json does not declare it for those who install the package';
  return { what, reason, instead: 'add it to dependencies, or to peerDependencies as optional' };
}

function judgeForm(path: string, specifier: string, target: string): Judged {
  const isSameFolder = path.split('/')[1] === target.split('/')[1];
  if (specifier.startsWith('.') === isSameFolder) return undefined;
  const what = `imports ${specifier}`;
  const reason = 'one spelling for each import: relative inside a top folder, # across them';
  return { what, reason, instead: isSameFolder ? 'a relative path' : `#${target.slice('src/'.length)}` };
}

type Target = { kind: 'node' } | { kind: 'npm'; name: string } | { kind: 'file'; path: string };

function targetOf(from: string, specifier: string): Target {
  if (specifier.startsWith('node:')) return { kind: 'node' };
  const path = resolveImport(from, specifier);
  if (path !== undefined) return { kind: 'file', path };
  const [first, second] = specifier.split('/');
  return { kind: 'npm', name: first!.startsWith('@') ? `${first}/${second}` : first! };
}

/** The file that a specifier of the project means; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`;
  if (!specifier.startsWith('.')) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function filled(pattern: string, match: RegExpExecArray): string {
  return pattern.replace(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '');
}

function declaredPackages(tree: Tree): ReadonlySet<string> {
  const manifest = JSON.parse(tree.files.get('package.json')?.text ?? '{}') as Record<
    string,
    object | undefined
  >;
  const kinds = ['dependencies', 'peerDependencies', 'optionalDependencies'];
  return new Set(kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {})));
}
