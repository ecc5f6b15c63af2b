/** Repositories: what is one's address, and what Mercurial's and Subversion's clients are told (git itself runs in tests/e2e/packages.test.ts). */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fetchRepository, parseRepository, type RepositoryRef } from "../../../cache/sources/repository.ts";
import { contextFor, network } from "../fetch/server.ts";

const scratch = mkdtempSync(join(tmpdir(), "fb-repository-"));
test.after(() => rmSync(scratch, { recursive: true, force: true }));

test("what is the address of a repository, and what a client could take for an option", () => {
  const table: readonly (readonly [string, RepositoryRef | "bad" | null])[] = [
    ["git+https://x.example/a.git#v1", { kind: "git", url: "https://x.example/a.git", ref: "v1" }],
    ["hg+https://x.example/a", { kind: "hg", url: "https://x.example/a", ref: "" }],
    ["svn+https://x.example/a/trunk#120", { kind: "svn", url: "https://x.example/a/trunk", ref: "120" }],
    ["https://x.example/a.git", null],
    ["cvs+https://x.example/a", null],
    ["git+--upload-pack=x", "bad"],
    ["hg+--config=alias.clone=!x", "bad"],
    ["git+https://x.example/a#--help", "bad"],
    ["git+https://x.example/a#../../x", "bad"],
    ["svn+https://x.example/a#HEAD:1", "bad"],
    ["hg+https://x.example/\na", "bad"],
    ["hg+", "bad"],
  ];
  for (const [text, wanted] of table) {
    const read = parseRepository(text);
    assert.equal(read === null ? null : read.ok ? read.value : "bad", wanted, text);
  }
});

/** A client of this name that answers as the real one does for a repository with one file, and keeps its words; no other program is on its PATH. */
function client(name: string, head: string): { readonly vars: Record<string, string>; words(): string[] } {
  const folder = mkdtempSync(join(scratch, "bin-"));
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
echo "$@" >> '${folder}/words'
case $1 in
clone|checkout) mkdir -p repo/.${name} repo/src; echo data > repo/src/a.h; echo own > repo/.${name}/own ;;
*) printf %s '${head}' ;;
esac
`;
  writeFileSync(join(folder, name), script);
  chmodSync(join(folder, name), 0o755);
  return { vars: { PATH: folder }, words: () => readFileSync(join(folder, "words"), "utf8").trim().split("\n") };
}

const commit = "0123456789abcdef0123456789abcdef01234567";
for (const [kind, ref, head, first] of [
  ["hg", "v1", commit, "clone --noninteractive --quiet --updaterev v1 -- https://x.example/r repo"],
  ["hg", "", commit, "clone --noninteractive --quiet -- https://x.example/r repo"],
  ["svn", "120", "118", "checkout --non-interactive --quiet -r 120 -- https://x.example/r@ repo"],
  ["svn", "", "121", "checkout --non-interactive --quiet -r HEAD -- https://x.example/r@ repo"],
] as const)
  test(`${kind} at "${ref}": its client's words, one archive without its own folder, the commit`, async () => {
    const { vars, words } = client(kind, head);
    const net = await network();
    const downloads = mkdtempSync(join(scratch, "d-"));
    const got = await fetchRepository({ kind, url: "https://x.example/r", ref }, contextFor(downloads, net), vars);
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.is(got.value.commit, head);
    assert.is(words()[0], first);
    const tar = readFileSync(got.value.file, "latin1");
    assert.ok(tar.includes("src/a.h") && !tar.includes("own"));
    assert.equal(readdirSync(downloads), [got.value.sha256]);
    await net.close();
  });

test("a client that is not installed is named, and offline nothing is asked", async () => {
  const empty = join(scratch, "empty");
  mkdirSync(empty);
  const net = await network();
  for (const kind of ["hg", "svn"] as const) {
    const url = "https://user:s3cret@x.example/r";
    const got = await fetchRepository({ kind, url, ref: "" }, contextFor(join(scratch, "n"), net), { PATH: empty });
    assert.ok(!got.ok && got.failure.code === "source.no-client" && got.failure.exit === 4);
    assert.match(got.failure.message, new RegExp(`^${kind}\\+https://x\\.example/r needs ${kind}`));
    const offline = await fetchRepository({ kind, url, ref: "" }, contextFor(join(scratch, "n"), null), { PATH: empty });
    assert.is(offline.ok ? "" : offline.failure.code, "fetch.offline");
  }
  await net.close();
});

test.run();
