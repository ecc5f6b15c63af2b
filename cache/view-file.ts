/** `.fb/state/view-PROFILE`: the columns of the view that queries are asked of. The snapshot's record of the view names it by its id; what it is cannot be read without that. */
import { join } from "node:path";
import { packedBytes, packedFrom } from "../engine/packed.ts";
import type { ViewColumns } from "../engine/view.ts";
import { readColumns, writeColumns } from "./columns-file.ts";

const magic = "fbview_1";

/** state: the project's `.fb/state`. @returns the id, null where nothing can be written */
export function writeView(state: string, profile: string, c: ViewColumns): string | null {
  const packed = new Uint32Array(packedBytes(c.packed, 0).buffer);
  const lists = [c.edges, c.outputs].flatMap(({ ends, values }) => [ends, values]);
  return writeColumns(fileOf(state, profile), magic, {}, [packed, c.labels, c.kinds, c.envs, c.details, ...lists, c.byLabel, c.builtBy]);
}

export function readView(state: string, profile: string, id: string): ViewColumns | null {
  const file = readColumns<object>(fileOf(state, profile), magic, id);
  if (file === null || file.columns.length !== 11) return null;
  const [bytes, labels, kinds, envs, details, edgeEnds, edges, outputEnds, outputs, byLabel, builtBy] = file.columns as FullColumns;
  const { packed } = packedFrom(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return {
    packed,
    labels,
    kinds,
    envs,
    details,
    edges: { ends: edgeEnds, values: edges },
    outputs: { ends: outputEnds, values: outputs },
    byLabel,
    builtBy,
  };
}

type C = Uint32Array;
type FullColumns = readonly [C, C, C, C, C, C, C, C, C, C, C];

function fileOf(state: string, profile: string): string {
  return join(state, `view-${profile}`);
}
