import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Credentials, refusal } from "../../../cli/daemon/guard.ts";

const good: Credentials = { host: "127.0.0.1:8765", origin: undefined, authorization: "Bearer secret", queryToken: null };
const status = (more: Partial<Credentials>, open = false) => refusal({ ...good, ...more }, 8765, "secret", open)?.status ?? 200;

test("Host: this machine's names with the port, nothing else", () => {
  for (const host of ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"]) assert.is(status({ host }), 200, host);
  const foreign = [undefined, "", "127.0.0.1", "localhost", "127.0.0.1:8766", "evil.example:8765", "127.0.0.1.evil.example:8765"];
  const odd = [
    "evil.example",
    "localhost:8765@evil.example",
    "127.0.0.1:8765:8765",
    "0.0.0.0:8765",
    "[::]:8765",
    "2130706433:8765",
    " localhost:8765x",
  ];
  for (const host of [...foreign, ...odd]) for (const open of [true, false]) assert.is(status({ host }, open), 421, String(host));
});

test("Origin: none, or a page of this machine", () => {
  for (const origin of [undefined, "http://localhost:3000", "http://127.0.0.1:8765", "https://localhost", "http://[::1]:8080"])
    assert.is(status({ origin }), 200, origin);
  const foreign = [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://evil.example:8765",
    "file://",
    "",
    "http://localhost@evil.example",
  ];
  for (const origin of [...foreign, "http://localhost:1/x"])
    for (const open of [true, false]) assert.is(status({ origin }, open), 403, origin);
});

test("the token: in the header, or for a WebSocket in the address; only what is open needs none", () => {
  assert.is(status({ authorization: undefined }), 401);
  assert.is(status({ authorization: undefined }, true), 200);
  assert.is(status({ authorization: undefined, queryToken: "secret" }), 200);
  for (const authorization of ["Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret", "Bearer secret x"])
    assert.is(status({ authorization }), 401, authorization);
  assert.is(status({ authorization: "bearer secret" }), 200);
  assert.is(status({ authorization: undefined, queryToken: "" }), 401);
});

test.run();
