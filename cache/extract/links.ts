/** Where a symbolic link really leads, told from the archive's own tree, before any link exists on disk. */

/** As many as Linux follows (path_resolution(7)). */
const maxHops = 40;

/**
 * Why the link leads out of the folder: by an absolute target, by `..`, or by `..` behind another link, where the text alone looks harmless
 * (`a -> b/c`, `l -> a/../..`); null if it stays inside. A target that does not exist is no escape.
 * @param link the link's own parts, its parents being real folders
 * @param depth parts that belong to the root: walking above it is leaving
 * @param targetAt the target of the link at a path; null where there is none
 */
export function leadsOut(link: readonly string[], target: string, depth: number, targetAt: (path: string) => string | null): string | null {
  const at = link.slice(0, -1);
  const todo: string[] = [];
  let next: string | null = target;
  for (let hops = 0; ; ) {
    if (next !== null) {
      if (next === "" || next.includes("\0")) return "has no usable target";
      if (next.startsWith("/") || next.includes("\\") || /^[A-Za-z]:/.test(next)) return "leads out of the folder: its target is absolute";
      todo.push(...next.split("/").reverse());
    }
    const part = todo.pop();
    next = null;
    if (part === undefined) return null;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (at.length <= depth) return "leads out of the folder";
      at.pop();
      continue;
    }
    at.push(part);
    next = targetAt(at.join("/"));
    if (next === null) continue;
    if (++hops > maxHops) return "leads back to itself";
    at.pop();
  }
}
