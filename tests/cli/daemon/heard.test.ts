import { test } from "uvu";
import * as assert from "uvu/assert";
import { Heard } from "../../../cli/daemon/heard.ts";

const late = () => new Error("late");

test("lines as they come, to the end; a begun one last", async () => {
  const heard = new Heard();
  heard.push(Buffer.from("one\r\ntw"));
  heard.push(Buffer.from("o\ncaf\xc3", "latin1"));
  heard.push(Buffer.from("\xa9 begun", "latin1"));
  heard.end(null);
  const lines: string[] = [];
  for await (const line of heard.lines()) lines.push(line);
  assert.equal(lines, ["one", "two", "café begun"]);
});

test("an end with a reason is thrown, after the lines before it", async () => {
  const heard = new Heard();
  heard.push(Buffer.from("one\n"));
  heard.end(new Error("unplugged"));
  const lines: string[] = [];
  let why = "";
  try {
    for await (const line of heard.lines()) lines.push(line);
  } catch (error) {
    why = String(error);
  }
  assert.equal([lines, why], [["one"], "Error: unplugged"]);
});

test("expect: after the last match, whole and begun lines, each once; late is thrown; iterating goes on by itself", async () => {
  const heard = new Heard();
  heard.push(Buffer.from("boot\nready 1\nready 2\n> "));
  assert.is((await heard.expect(/ready (\d)/, 9, late))[1], "1");
  assert.is((await heard.expect(/ready (\d)/, 9, late))[1], "2");
  assert.is((await heard.expect(/> $/, 9, late))[0], "> ");
  let thrown: unknown = null;
  await heard.expect(/> $/, 0.01, late).catch((e: unknown) => (thrown = e));
  assert.match(String(thrown), /late/);
  const waiting = heard.expect(/answer (.*)/, 9, late);
  heard.push(Buffer.from("an"));
  heard.push(Buffer.from("swer 42\n"));
  assert.is((await waiting)[1], "42");
  heard.end(null);
  const lines: string[] = [];
  for await (const line of heard.lines()) lines.push(line);
  assert.equal(lines, ["boot", "ready 1", "ready 2", "> answer 42"]);
  await heard.expect(/never/, undefined, late).then(
    () => assert.unreachable(),
    (e: unknown) => assert.match(String(e), /detached/),
  );
});

test("who never takes lines costs a bounded amount", async () => {
  const heard = new Heard();
  for (let i = 0; i < 30_000; i++) heard.push(Buffer.from(`line ${i}\n`));
  assert.is(heard.dropped, 20_000);
  assert.is((await heard.lines().next()).value, "line 20000");
  assert.is((await heard.expect(/line 29999/, 1, late))[0], "line 29999");
});

test.run();
