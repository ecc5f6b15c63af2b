/** What the page of a graph (cli/page) is to show. */
import type { View } from "../engine/view.ts";
import type { PageData, PageRun, RunStatus } from "./page/data.ts";
import { causeText } from "./show/cause.ts";
import type { LastRun } from "./view/last-run.ts";

/** Of one action so many reasons are told. */
const MOST_REASONS = 20;
const MOST_WAYS = 6;

/** What the page shows of these nodes, ascending, of a view. mask: takes what nobody is to see out of a word of a command. */
export function pageData(
  view: View,
  ids: readonly number[],
  about: Pick<PageData, "project" | "query">,
  last: LastRun | null,
  mask: (word: string) => string = (word) => word,
): PageData {
  const places = new Map(ids.map((id, place) => [id, place]));
  const kinds = new Numbers();
  const envs = new Numbers();
  const words = new Numbers();
  const ends: number[] = [];
  const values: number[] = [];
  for (const id of ids) {
    for (const edge of view.edges(id)) {
      const place = places.get(edge);
      if (place !== undefined) values.push(place);
    }
    ends.push(values.length);
  }
  const actions = ids.map((id) => view.action(id));
  const did: Record<number, PageRun["did"][number]> = {};
  for (const [place, action] of actions.entries()) {
    const done = action === null ? undefined : last?.actions.get(view.label(ids[place] as number));
    if (done === undefined || done.status === "up-to-date") continue;
    const status: RunStatus = done.status === "remote-hit" ? "hit" : done.status;
    // A way of two is the cause itself.
    const ways = done.chain.filter((way) => way.length > 2).slice(0, MOST_WAYS);
    const why = done.why.slice(0, MOST_REASONS).map(causeText);
    const more = done.why.length - why.length;
    did[place] = { status, ms: done.ms, why: more > 0 ? [...why, `and ${more} more`] : why, ways };
  }
  return {
    ...about,
    labels: ids.map((id) => view.label(id)),
    kind: ids.map((id) => kinds.of(view.kind(id))),
    env: ids.map((id) => envs.of(view.env(id))),
    edges: { ends, values },
    argv: actions.map((action) => action?.argv.map((word) => words.of(mask(word))) ?? null),
    ms: actions.map((action) => action?.ms ?? -1),
    kinds: kinds.all,
    envs: envs.all,
    words: words.all,
    run: last === null ? null : runOf(last, did),
  };
}

function runOf({ run, time, request, status, ms, counts }: LastRun, did: PageRun["did"]): PageRun {
  return { run, time, request, status, ms, counts, did };
}

/** Texts by number, each once. */
class Numbers {
  readonly all: string[] = [];
  private readonly known = new Map<string, number>();

  of(text: string): number {
    let number = this.known.get(text);
    if (number === undefined) {
      number = this.all.push(text) - 1;
      this.known.set(text, number);
    }
    return number;
  }
}
