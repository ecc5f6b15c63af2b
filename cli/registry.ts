/** Choices from a registry (rules/registry.ts, rules/library-set.ts) driven over the network or from kept answers (cache/registry-client.ts). */
import { type RegistryContext, registryJson } from "../cache/registry-client.ts";
import { fail, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { type RegistryAnswer, type RegistryRequest, readPackage, readSearch } from "../rules/registry.ts";

/** What the registry says to a request. Failures: those of registryJson, and `registry.answer` for what is no package. */
export async function answerRegistry(request: RegistryRequest, about: string, context: RegistryContext): Promise<Result<RegistryAnswer>> {
  const json = await registryJson(request.path, about, context);
  if (!json.ok) return json;
  if (json.value === null) return ok([]);
  const from = `the answer to ${request.path}`;
  if (request.is === "search") return readSearch(json.value, from);
  const read = readPackage(json.value, from);
  return read.ok ? ok([read.value]) : read;
}

/** Drives a dialogue to its end; the first answer that fails ends it. */
export async function driveDialogue<Q, T, A>(dialogue: Generator<Q, T, A>, answer: (request: Q) => Promise<Result<A>>): Promise<Result<T>> {
  let step = dialogue.next();
  while (!step.done) {
    const said = await answer(step.value);
    if (!said.ok) return fail(said.failure);
    step = dialogue.next(said.value);
  }
  return ok(step.value);
}
