/** Credentials in urls: taken out of what is shown, put back for the host that they are for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { authorizationOf, credentialsIn, withCredentials } from "../../../cache/fetch/credentials.ts";
import { failure, warning } from "../../../engine/failure.ts";
import { withoutCredentials } from "../../../engine/redact.ts";

test("what is shown of a text", () => {
  const table = [
    ["https://user:pass@x.example/a", "https://x.example/a"],
    ["https://token@x.example/a", "https://x.example/a"],
    ["git+https://u:p@ss@x.example/a.git#v1", "git+https://x.example/a.git#v1"],
    ["'http://u:p@x.example:80/a' and https://v:q@y.example", "'http://x.example:80/a' and https://y.example"],
    ["ssh://git@x.example/a", "ssh://git@x.example/a"],
    ["svn+ssh://me:pw@x.example/a", "svn+ssh://me@x.example/a"],
    ["https://x.example/a@1.0", "https://x.example/a@1.0"],
    ["https://x.example/?mail=a@b", "https://x.example/?mail=a@b"],
    ["owner/name@https://x.example", "owner/name@https://x.example"],
    ["HTTPS://U:P@x.example", "HTTPS://x.example"],
    ["https://x.example/a.zip?private_token=t0k", "https://x.example/a.zip"],
    ["'http://x.example/a?b=1&Access_Token=t&c=2#d' and", "'http://x.example/a?b=1&c=2#d' and"],
    ["https://x.example/a?X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Date=1", "https://x.example/a?X-Amz-Date=1"],
    ["https://x.example/a?token=s: refused", "https://x.example/a: refused"],
    ["https://u:p@x.example/a?sig=s&sign=1", "https://x.example/a?sign=1"],
    ["is it so? token=1 https://x.example/?a=token", "is it so? token=1 https://x.example/?a=token"],
  ] as const;
  for (const [text, shown] of table) {
    assert.is(withoutCredentials(text), shown);
    assert.is(withoutCredentials(shown), shown);
    assert.equal([failure("a.b", 4, text, { hint: text }).hint, warning("a.b", text).message], [shown, shown]);
  }
});

test("what a project gives for a url is found by the url alone", () => {
  const known = credentialsIn([
    "Far=git+https://u:p@x.example/a.git#main",
    "t @ http://v:w%40@x.example:81/b.zip",
    "acme/Foo@^1.0",
    "https://x.example/c",
    "https://x.example/d.zip?v=1&private_token=t",
  ]);
  assert.is(withCredentials("https://x.example/a.git", known), "https://u:p@x.example/a.git");
  assert.is(withCredentials("https://x.example/a.git#0123", known), "https://u:p@x.example/a.git#0123");
  assert.is(withCredentials("https://x.example/d.zip?v=1", known), "https://x.example/d.zip?v=1&private_token=t");
  assert.is(withCredentials("http://x.example:81/b.zip", known), "http://v:w%40@x.example:81/b.zip");
  for (const url of ["https://x.example/c", "https://x.example/a.git/more", "http://x.example/a.git"])
    assert.is(withCredentials(url, known), url);
  assert.equal(authorizationOf(new URL("http://v:w%40@x.example/")), { authorization: `Basic ${Buffer.from("v:w@").toString("base64")}` });
  assert.equal(authorizationOf(new URL("http://x.example/")), {});
});

test.run();
