/** Why an env was planned anew: which of the files and folders that its plan read are not as they were. */
import { type Acted, type Replanned, withoutMaker } from "../../engine/explain.ts";
import type { Evidence } from "../../engine/key.ts";
import type { Cause } from "../../engine/types.ts";
import { argumentsOf, fieldsOf } from "../../engine/why.ts";

/**
 * Null where something else differs, as the ini: then the actions' own words say best what that did. acted: what the new plan's actions did, for the causes that
 * they name already; gone: what was made from what by actions that the new plan has not.
 */
export function replanned(
  before: Evidence,
  now: Evidence,
  acted: readonly Acted[],
  gone: ReadonlyMap<string, readonly string[]>,
): Replanned | null {
  const settings = (e: Evidence) => JSON.stringify([argumentsOf(e), [...fieldsOf(e)].filter(([name]) => name !== "arg")]);
  if (settings(before) !== settings(now)) return null;
  const old = new Map(before.inputs.map(([is, path, digest]) => [`${is} ${path}`, digest]));
  const changed = now.inputs.filter(([is, path, digest]) => digest !== (old.get(`${is} ${path}`) ?? digest));
  const folders = new Set<string>(changed.flatMap(([is, path]) => (is === "listing" ? [path] : [])));
  // A folder that is new is in the listing of the one above it.
  const moved = (file: string): boolean => {
    for (let at = file.lastIndexOf("/"); at > 0; at = file.lastIndexOf("/", at - 1)) if (folders.has(file.slice(0, at))) return true;
    return false;
  };
  const named = acted.flatMap((a) => a.causes.flatMap((cause) => withoutMaker(cause, gone)));
  const came = named.filter((c) => (c.cause === "input-added" || c.cause === "input-removed") && moved(c.file));
  const edited = changed.flatMap(([is, file, digest]): Cause[] => {
    if (is === "listing" || is === "value") return [];
    const same = named.find((c) => c.cause === "input-changed" && c.file === file);
    const was = old.get(`${is} ${file}`) ?? "";
    return [same ?? { cause: "input-changed", file, old: `sha256:${was}`, new: `sha256:${digest}`, via: [] }];
  });
  const causes = [...new Map([...edited, ...came].map((c) => [JSON.stringify(c), c])).values()];
  if (causes.length > 0) return { causes, moved };
  const listed = changed.flatMap(([is, file, digest]): Cause[] =>
    is === "listing"
      ? [{ cause: "input-changed", file, old: `sha256:${old.get(`listing ${file}`)}`, new: `sha256:${digest}`, via: [] }]
      : [],
  );
  return listed.length === 0 ? null : { causes: listed, moved };
}
