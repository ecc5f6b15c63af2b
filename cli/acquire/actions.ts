/** The actions that bring a package into the store: fetch its archive, extract it, see that it is what is needed. */
import { NO_ENV } from "../../engine/run.ts";
import type { ActionSpec, Claim, Digest, Kind, ProjectPath } from "../../engine/types.ts";
import type { Offer } from "./offer.ts";

/** fetch: 4 at once, as the engine's pool has it; the others: 2. */
const CLAIMS: Readonly<Record<"fetch" | "extract" | "install", readonly Claim[]>> = {
  fetch: [{ on: "network", units: 1 }],
  extract: [{ on: "disk", units: 1 }],
  install: [{ on: "disk", units: 1 }],
};

/** What the last of them leaves: who waits for it, waits for the package. */
export function installedStamp(offer: Offer): ProjectPath {
  return stamp(offer, "install");
}

/** They belong to no env, so that two envs which need one package wait for the same. buildId: fb's own. */
export function packageActions(offer: Offer, tool: Digest): readonly ActionSpec[] {
  const recipe = JSON.stringify(offer);
  return (["fetch", "extract", "install"] as const).map((kind, i, kinds): ActionSpec => {
    const before = kinds[i - 1];
    const inputs = before === undefined ? [] : [stamp(offer, before)];
    return {
      name: `packages/${offer.name}@${offer.version}/${kind}`,
      kind,
      label: `${offer.name} ${offer.version}`,
      env: NO_ENV,
      profile: "",
      // What they make lies outside of the project: a record of it says nothing of whether it is still there.
      sharing: "never",
      argv: ["fb", "tool", kind, recipe, ...inputs, stamp(offer, kind)],
      vars: {},
      unkeyed: { argv: [], vars: {} },
      rspfile: null,
      inputs: inputs.map((path) => ({ is: "file", path })),
      orderOnly: [],
      outputs: [stamp(offer, kind)],
      tool,
      rule: tool,
      discover: { by: "nothing" },
      claims: CLAIMS[kind],
    };
  });
}

function stamp({ name, version }: Offer, kind: Kind): ProjectPath {
  return `.fb/state/packages/${encodeURIComponent(name)}@${encodeURIComponent(version)}.${kind}` as ProjectPath;
}
