/** What tests hand to the engine: actions from the fields that a test cares for, paths, digests. */
import { createHash } from "node:crypto";
import type { ActionSpec, Digest, Hashing, Read } from "../../engine/types.ts";

export function sha256(data: Uint8Array | string): Digest {
  return createHash("sha256").update(data).digest("hex") as Digest;
}

export const hashing: Hashing = {
  sha256,
  hasher() {
    const hash = createHash("sha256");
    return { update: (data) => void hash.update(data), digest: () => hash.digest("hex") as Digest };
  },
};

const NO_DIGEST = sha256("");

/** A complete action from the fields that a test cares for. */
export function spec(fields: Partial<ActionSpec> & Pick<ActionSpec, "name">): ActionSpec {
  return {
    kind: "compile",
    label: fields.name,
    env: "a",
    profile: "release",
    sharing: "all",
    argv: [],
    vars: {},
    unkeyed: { argv: [], vars: {} },
    rspfile: null,
    inputs: [],
    orderOnly: [],
    outputs: [],
    tool: NO_DIGEST,
    rule: NO_DIGEST,
    discover: { by: "nothing" },
    claims: [{ on: "cpu", units: 1 }],
    ...fields,
  };
}

export function files(...paths: readonly string[]): Read[] {
  return paths.map((path) => ({ is: "file", path: path as Read["path"] }));
}

export function paths(...list: readonly string[]): ActionSpec["outputs"] {
  return list as readonly string[] as ActionSpec["outputs"];
}
