/** A page: one file that needs nothing else, made of a template in dist/ (cli/page) and what it is to show. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { home } from "./home.ts";

/** The template that scripts/bundle.ts makes. root: where fb is installed. */
export function pageTemplate(name: "graph" | "size", root = home()): string {
  return readFileSync(join(root, `dist/${name}.html`), "utf8");
}

/** In HTML a script ends at "</", whatever it holds. */
export function pageText(template: string, data: unknown): string {
  return template.replace('"/*data*/"', () => JSON.stringify(data).replaceAll("<", "\\u003c"));
}
