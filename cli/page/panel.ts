/** The side of the page: what there is to tell of the whole, of a group, of an item. */
import { shellWord } from "../../rules/shellwords.ts";
import type { RunStatus } from "./data.ts";
import { escaped, plural } from "./draw.ts";
import type { Group, Item } from "./items.ts";
import { listAt } from "./items.ts";
import { type Model, timeText } from "./model.ts";

/** Longer lists are cut. */
const MOST = 40;
const STATUS: Readonly<Record<RunStatus, string>> = { ran: "ran", hit: "from the cache", failed: "failed", cancelled: "cancelled" };

export function overviewText(model: Model): string {
  const { data, tree, critical } = model;
  const { kinds } = model.tally(tree.root);
  const actions = tree.items.filter((i) => data.argv[i.id] !== null);
  const slowest = [...actions].filter((i) => (data.ms[i.id] ?? -1) > 0).sort((a, b) => (data.ms[b.id] ?? 0) - (data.ms[a.id] ?? 0));
  const legend = [...kinds]
    .sort((a, b) => b[1] - a[1])
    .map(([kind, n]) => `<span><i class="dot c-${escaped(kind)}"></i>${n} ${n === 1 ? kind : plural(kind)}</span>`);
  return [
    `<h2>${escaped(data.project)}</h2>`,
    data.query === null ? "" : `<p class="dim">${escaped(data.query)}</p>`,
    `<div class="sum"><div><b>${actions.length}</b><span>actions</span></div><div><b>${tree.items.filter((i) => i.kind === "file").length}</b><span>files read</span></div><div><b>${data.envs.filter((e) => e !== "").length}</b><span>${data.envs.filter((e) => e !== "").length === 1 ? "env" : "envs"}</span></div></div>`,
    `<div class="legend">${legend.join("")}</div>`,
    runText(model),
    didText(model, "failed", "Failed"),
    critical.path.length === 0 ? "" : `<h3>Critical path, ${timeText(critical.ms)}</h3>${listText(model, critical.path)}`,
    slowest.length === 0
      ? ""
      : `<h3>Slowest actions</h3>${listText(
          model,
          slowest.slice(0, 8).map((i) => i.id),
        )}`,
    didText(model, "ran", "Ran"),
    didText(model, "hit", "From the cache"),
  ].join("");
}

function runText({ data }: Model): string {
  const { run } = data;
  if (run === null) return `<h3>Last run</h3><p class="dim">Nothing was built yet: fb run, then fb graph again.</p>`;
  const { counts } = run;
  return [
    `<h3>Last run</h3><p>${escaped(run.request.join(" "))} <span class="dim">#${run.run}, ${escaped(new Date(run.time).toLocaleString())}, ${timeText(run.ms)}</span></p>`,
    `<div class="sum"><div><b>${counts.ran}</b><span><i class="dot c-ran"></i> ran</span></div><div><b>${counts.hits}</b><span><i class="dot c-hit"></i> from cache</span></div><div><b>${counts.failed}</b><span><i class="dot c-failed"></i> failed</span></div><div><b>${counts.upToDate}</b><span>up to date</span></div></div>`,
  ].join("");
}

/** The actions to which that happened in the last run. */
function didText(model: Model, status: RunStatus, title: string): string {
  const ids = model.tree.items.flatMap((i) => (model.data.run?.did[i.id]?.status === status ? [i.id] : []));
  return ids.length === 0 ? "" : `<h3>${title} (${ids.length})</h3><div data-list="${status}">${listText(model, ids)}</div>`;
}

/** Links to nodes, by their numbers, with their times. */
function listText({ data }: Pick<Model, "data">, nodes: readonly number[], most = MOST): string {
  const row = (node: number): string => {
    const ms = data.ms[node] ?? -1;
    return `<li><a data-go="${node}" tabindex="0">${escaped(data.labels[node] as string)}</a>${ms >= 0 ? `<span class="ms">${timeText(ms)}</span>` : ""}</li>`;
  };
  const rest = nodes.length - most;
  return `<ul>${nodes.slice(0, most).map(row).join("")}</ul>${rest > 0 ? `<p class="more">and ${rest} more</p>` : ""}`;
}

export function groupText(model: Model, group: Group): string {
  const { kinds, did } = model.tally(group);
  const items: Item[] = [];
  const collect = (g: Group): void => {
    items.push(...g.items);
    g.groups.forEach(collect);
  };
  collect(group);
  const slowest = items
    .filter((i) => (model.data.ms[i.id] ?? -1) > 0)
    .sort((a, b) => (model.data.ms[b.id] ?? 0) - (model.data.ms[a.id] ?? 0));
  const total = slowest.reduce((sum, i) => sum + (model.data.ms[i.id] ?? 0), 0);
  return [
    `<h2>${escaped(group.title)}</h2><p class="dim">${escaped(trail(group))}</p>`,
    `<div class="legend">${[...kinds].map(([kind, n]) => `<span><i class="dot c-${escaped(kind)}"></i>${n} ${n === 1 ? kind : plural(kind)}</span>`).join("")}</div>`,
    did.size === 0
      ? ""
      : `<h3>Last run</h3><p>${[...did].map(([status, n]) => `<span class="chip ${status}">${n} ${STATUS[status]}</span>`).join(" ")}</p>`,
    slowest.length === 0
      ? ""
      : `<h3>Slowest, of ${timeText(total)}</h3>${listText(
          model,
          slowest.slice(0, 12).map((i) => i.id),
        )}`,
  ].join("");
}

function trail(group: Group): string {
  const up: string[] = [];
  for (let at: Group | null = group.parent; at !== null && at.title !== ""; at = at.parent) up.unshift(at.title);
  return up.join(" › ");
}

export function itemText(model: Model, item: Item): string {
  const { data, tree } = model;
  const { id, kind, env, nodes } = item;
  const did = data.run?.did[id];
  const argv = data.argv[id] ?? null;
  const ms = data.ms[id] ?? -1;
  const made = nodes.filter((node) => node !== id);
  const inputs = listAt(data.edges, id);
  const users = [...(tree.usedBy.get(id) ?? [])];
  const facts = [kind, env === "" ? "" : `env ${env}`, ms >= 0 ? timeText(ms) : ""].filter((f) => f !== "");
  const section = (title: string, name: string, list: readonly number[]): string =>
    list.length === 0 ? "" : `<h3>${title} (${list.length})</h3><div data-list="${name}">${listText(model, list, 200)}</div>`;
  return [
    `<h2><i class="dot c-${escaped(kind)}"></i> ${escaped(data.labels[id] as string)}</h2><p class="dim">${escaped(facts.join(" · "))}</p>`,
    did === undefined
      ? argv === null || data.run === null
        ? ""
        : `<p class="dim">In the last run: up to date</p>`
      : `<p><span class="chip ${did.status}">${STATUS[did.status]}</span> <span class="dim">in the last run${did.ms > 0 ? `, ${timeText(did.ms)}` : ""}</span></p>`,
    did === undefined || did.why.length === 0
      ? ""
      : `<h3>Why</h3><ul class="why">${did.why.map((why) => `<li>${escaped(why)}</li>`).join("")}</ul>`,
    waysText(did?.ways ?? []),
    argv === null
      ? ""
      : `<h3>Command</h3><pre id="command">${escaped(argv.map((word) => shellWord(data.words[word] as string)).join(" "))}</pre>`,
    section("Makes", "makes", made),
    section(argv === null ? "Made of" : "Reads", "reads", inputs),
    section("Used by", "users", users),
  ].join("");
}

function waysText(ways: readonly (readonly string[])[]): string {
  const rows = ways.map((way) => `<p class="way">${way.map(escaped).join(" <b>→</b> ")}</p>`);
  return rows.length === 0 ? "" : `<h3>From the first cause</h3>${rows.join("")}`;
}
