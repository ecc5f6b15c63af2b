/** A page: one file that needs nothing else, made of a template in dist/ (cli/page) and what it is to show. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { errorCode } from "../cache/trouble.ts";
import { complain, type Faces } from "./faces.ts";
import { home } from "./home.ts";
import { DiskError } from "./host/disk.ts";

/** The template that scripts/bundle.ts makes. root: where fb is installed. */
export function pageTemplate(name: "graph" | "size", root = home()): string {
  return readFileSync(join(root, `dist/${name}.html`), "utf8");
}

/** In HTML a script ends at "</", whatever it holds. */
export function pageText(template: string, data: unknown): string {
  return template.replace('"/*data*/"', () => JSON.stringify(data).replaceAll("<", "\\u003c"));
}

/** Writes a page and says so; the exit code. what: what it shows, in a few words. */
export function writePage(path: string, text: string, what: string, faces: Faces): number {
  try {
    writeFileSync(path, text);
  } catch (error) {
    return complain(faces, [new DiskError("write", path, errorCode(error), error).failure]);
  }
  faces.out.write(`wrote ${relative(process.cwd(), path)}: ${what}; open it in a browser\n`);
  return 0;
}
