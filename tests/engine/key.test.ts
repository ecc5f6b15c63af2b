/** Keys: what changes outputs changes them, what does not leaves them, and no two walks have one text. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  evidenceJson,
  EvidenceSink,
  fullKey,
  KeyText,
  readsDigest,
  readsJson,
  staticKey,
  walkReads,
  walkStatic,
} from "../../engine/key.ts";
import { canonicalText, fromCanonicalText } from "../../engine/paths.ts";
import type { ActionSpec, CanonPath, Digest, Read } from "../../engine/types.ts";
import { files, hashing, paths, sha256, spec } from "./spec.ts";
import { newSeed, Random } from "../random.ts";

const digestOf = (r: Read): Digest => sha256(r.path);
const keyOf = (s: ActionSpec, project = "/p") => staticKey(hashing, s, project, digestOf);

const OUT = ".fb/build/a/release";
const BASE = spec({
  name: "a/release/cc:x",
  argv: ["cc", "x.c", "-o", `${OUT}/x.o`],
  vars: { A: "1", B: `${OUT}/tmp` },
  rspfile: { path: `${OUT}/x.rsp` as Read["path"], text: "-O2" },
  inputs: files("x.c", `${OUT}/gen.h`),
  outputs: paths(`${OUT}/x.o`),
  discover: { by: "depfile", path: `${OUT}/x.d` as Read["path"], quote: ["q"], search: ["inc", `${OUT}/gen`] },
});

const changes: readonly (readonly [name: string, change: Partial<ActionSpec>])[] = [
  ["kind", { kind: "step" }],
  ["an argument", { argv: ["cc", "x.c", "-o", `${OUT}/y.o`] }],
  ["arguments in another order", { argv: ["cc", "-o", "x.c", `${OUT}/x.o`] }],
  ["one argument for two", { argv: ["cc", "x.c -o", `${OUT}/x.o`] }],
  ["a variable's value", { vars: { A: "2", B: `${OUT}/tmp` } }],
  ["a variable more", { vars: { ...BASE.vars, C: "" } }],
  ["the response file's text", { rspfile: { path: `${OUT}/x.rsp` as Read["path"], text: "-O3" } }],
  ["the response file's path", { rspfile: { path: `${OUT}/y.rsp` as Read["path"], text: "-O2" } }],
  ["no response file", { rspfile: null }],
  ["an input more", { inputs: files("x.c", `${OUT}/gen.h`, "y.h") }],
  ["an input's kind", { inputs: [{ is: "includes", path: "x.c" as Read["path"] }, ...files(`${OUT}/gen.h`)] }],
  ["outputs", { outputs: paths(`${OUT}/x.o`, `${OUT}/x.su`) }],
  ["tool", { tool: sha256("other") }],
  ["rule", { rule: sha256("other") }],
  ["sharing", { sharing: "outputs" }],
  ["the search for headers", { discover: { ...BASE.discover, search: ["other"] } as ActionSpec["discover"] }],
  ["the quote search", { discover: { ...BASE.discover, quote: [] } as ActionSpec["discover"] }],
  ["how reads are found", { discover: { by: "nothing" } }],
];
for (const [name, change] of changes) test(`changes the key: ${name}`, () => assert.is.not(keyOf({ ...BASE, ...change }), keyOf(BASE)));

const same: readonly (readonly [name: string, change: Partial<ActionSpec>])[] = [
  ["label", { label: "another" }],
  ["name", { name: "another" }],
  ["unkeyed", { unkeyed: { argv: ["--colour"], vars: { TMPDIR: "/t" } } }],
  ["claims", { claims: [{ on: "cpu", units: 2 }] }],
  ["orderOnly", { orderOnly: paths("gen.h") }],
  ["variables in another order", { vars: { B: `${OUT}/tmp`, A: "1" } }],
];
for (const [name, change] of same) test(`leaves the key: ${name}`, () => assert.is(keyOf({ ...BASE, ...change }), keyOf(BASE)));

/** The same action in another env. */
function moved(s: ActionSpec, env: string): ActionSpec {
  return JSON.parse(JSON.stringify({ ...s, env }).replaceAll(OUT, `.fb/build/${env}/release`)) as ActionSpec;
}
const outAs = (r: Read): Digest => sha256(r.path.replace(/^\.fb\/build\/\w+\/release/, "@out"));

test("two envs and two folders share what names only the output folder", () => {
  const here = staticKey(hashing, BASE, "/p", outAs);
  assert.is(staticKey(hashing, moved(BASE, "b"), "/elsewhere", outAs), here);
});

test("sharing within an output folder, and within a project", () => {
  const of = (sharing: ActionSpec["sharing"], env: string, project: string) =>
    staticKey(hashing, moved({ ...BASE, sharing }, env), project, outAs);
  assert.is.not(of("outputs", "a", "/p"), of("outputs", "b", "/p"));
  assert.is(of("outputs", "a", "/p"), of("outputs", "a", "/q"));
  assert.is.not(of("folder", "a", "/p"), of("folder", "a", "/q"));
});

test("a literal @out is not the output folder", () => {
  const literal = { ...BASE, argv: ["cc", "x.c", "-o", "@out/x.o"] };
  assert.is.not(keyOf(literal), keyOf(BASE));
  assert.is.not(keyOf({ ...BASE, inputs: files("x.c", "@out/gen.h") }), staticKey(hashing, BASE, "/p", outAs));
});

test("canonical text goes back, whatever it says", () => {
  const random = new Random(7);
  const parts = ["@", "out", "%", OUT, "/", "x", "@out", "@%out", " "];
  const seen = new Map<string, string>();
  for (let i = 0; i < 5000; i++) {
    const text = Array.from({ length: random.below(6) }, () => random.pick(parts)).join("");
    const canon = canonicalText(text, OUT);
    assert.is(fromCanonicalText(canon, OUT), text);
    assert.is(seen.get(canon) ?? text, text);
    seen.set(canon, text);
  }
});

test("no two walks have one text (generated)", () => {
  const seed = newSeed();
  const random = new Random(seed);
  const words = ["", "a", "=", ":", "\n", "1:a=1:a\n", "file:1:a=", "arg", "3:arg=1:a\n", `${sha256("a")}\n`];
  const word = () => Array.from({ length: random.below(3) }, () => random.pick(words)).join("");
  const list = () => Array.from({ length: random.below(3) }, word);
  const texts = new Map<string, string>();
  for (let i = 0; i < 20_000; i++) {
    const s = spec({
      name: "n",
      argv: list(),
      vars: Object.fromEntries(list().map((n) => [n, word()])),
      rspfile: random.chance(0.3) ? { path: word() as Read["path"], text: word() } : null,
      inputs: files(...list()),
      outputs: paths(...list()),
    });
    const text = new KeyText("");
    walkStatic(s, "/p", () => random.pick([sha256("a"), "absent" as Digest]), text);
    const sink = new EvidenceSink((t) => t);
    walkStatic(s, "/p", digestOf, sink);
    const evidence = sink.evidence(s.inputs.length);
    const meaning = JSON.stringify([evidence.fields, evidence.inputs.map(([is, path]) => [is, path])]);
    assert.is(texts.get(text.text) ?? meaning, meaning, `seed ${seed}`);
    texts.set(text.text, meaning);
  }
});

test("the full key: reads, their kinds and digests", () => {
  const sk = keyOf(BASE);
  const reads = (is: Read["is"], path: string): Read<CanonPath>[] => [{ is, path: path as CanonPath }];
  const keyWith = (list: Read<CanonPath>[], digests: Digest[]) => fullKey(hashing, sk, readsDigest(hashing, list, digests));
  const key = keyWith(reads("file", "a.h"), [sha256("1")]);
  assert.is(keyWith(reads("file", "a.h"), [sha256("1")]), key);
  assert.is.not(keyWith(reads("file", "a.h"), [sha256("2")]), key);
  assert.is.not(keyWith(reads("absent", "a.h"), [sha256("1")]), key);
  assert.is.not(keyWith(reads("file", "b.h"), [sha256("1")]), key);
  assert.is.not(keyWith([], []), key);
  assert.is.not(fullKey(hashing, keyOf({ ...BASE, rule: sha256("other") }), readsDigest(hashing, [], [])), keyWith([], []));
});

test("evidence with reads that are added as text is the evidence of all", () => {
  const sink = new EvidenceSink((t) => t);
  walkStatic(BASE, "/p", digestOf, sink);
  const own = sink.evidence(BASE.inputs.length);
  for (const list of [[], ["a.h"], ["a.h", 'b"\n.h']]) {
    const reads = list.map((path): Read<CanonPath> => ({ is: "file", path: path as CanonPath }));
    const digests = list.map((path) => sha256(path));
    const all = new EvidenceSink((t) => t);
    walkStatic(BASE, "/p", digestOf, all);
    walkReads(reads, digests, all);
    assert.equal(JSON.parse(evidenceJson(own, readsJson(reads, digests))), all.evidence(BASE.inputs.length));
    assert.equal(JSON.parse(evidenceJson({ ...own, inputs: [] }, readsJson(reads, digests))).inputs.length, list.length);
  }
});

test.run();
