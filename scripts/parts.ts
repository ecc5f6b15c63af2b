/**
 * One program in two files. `near` has what its entry and some other modules import, `far` what they load by import() and what that needs beside: most runs
 * never want it, and V8 takes in a third of the code then. A module is in one of the two, and there once: what `far` shares with `near` it takes from there.
 */
import { join, relative } from "node:path";
import { build, type BuildOptions, type Loader, type Plugin } from "esbuild";

/** How the two files find each other: `near` leaves its modules under this symbol, and asks its own require for `./FILE#MODULE` of `far`. */
const SHARED = 'globalThis[Symbol.for("fb.near")]';

export interface Parts {
  readonly near: Uint8Array;
  readonly far: Uint8Array;
}

/**
 * @param root the folder that paths of modules are relative to
 * @param entry runs when `near` does
 * @param also modules that go into `near` with all that they import
 * @param far the name of the file that `near` asks for
 */
export async function inParts(options: BuildOptions, root: string, entry: string, also: readonly string[], far: string): Promise<Parts> {
  const { inputs } = (await build({ ...options, entryPoints: [entry], write: false, metafile: true })).metafile;
  const near = new Set<string>();
  const queue = [entry, ...also];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (near.has(path)) continue;
    near.add(path);
    for (const { path: other, kind, external } of inputs[path]?.imports ?? [])
      if (kind !== "dynamic-import" && external !== true) queue.push(other);
  }
  const shared = new Set<string>();
  const asked = new Set<string>();
  for (const [path, { imports }] of Object.entries(inputs)) {
    for (const { path: other, external } of imports) {
      if (external === true || near.has(path) === near.has(other)) continue;
      (near.has(path) ? asked : shared).add(other);
    }
  }
  const entryOf = (path: string) => `${JSON.stringify(path)}: () => require(${JSON.stringify(`./${path}`)})`;
  const stdin = (contents: string) => ({ contents, resolveDir: root, loader: "js" as Loader });
  const bundled = async (contents: string, plugin: Plugin) => {
    const { outputFiles } = await build({ ...options, stdin: stdin(contents), plugins: [plugin], write: false });
    return outputFiles[0]?.contents ?? new Uint8Array();
  };
  return {
    near: await bundled(`${SHARED} = { ${[...shared].map(entryOf).join(", ")} }; require("./${entry}");`, {
      name: "far",
      setup({ onResolve }) {
        onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
          const module = relative(root, join(resolveDir, path));
          return asked.has(module) ? { path: `./${far}#${module}`, external: true } : null;
        });
      },
    }),
    far: await bundled(`module.exports = { ${[...asked].map(entryOf).join(", ")} };`, {
      name: "near",
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
          const module = relative(root, join(resolveDir, path));
          return near.has(module) ? { path: module, namespace: "near" } : null;
        });
        onLoad({ filter: /./, namespace: "near" }, ({ path }) => ({
          contents: `module.exports = ${SHARED}[${JSON.stringify(path)}]();`,
          loader: "js" as Loader,
        }));
      },
    }),
  };
}
