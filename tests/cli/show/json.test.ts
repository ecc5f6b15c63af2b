import { test } from "uvu";
import * as assert from "uvu/assert";
import { jsonSink } from "../../../cli/show/json.ts";
import { mux } from "../../../cli/show/mux.ts";
import type { Digest, Event, EventSink } from "../../../engine/types.ts";
import { artifact, end, madeUpRun, message, plan, result, start } from "./script.ts";

function told(events: readonly Event[]): string[] {
  const written: string[] = [];
  const sink = jsonSink((line) => written.push(line));
  for (const e of events) sink.emit(e);
  return written;
}

test("each event is one line with the contract's fields, in the contract's order", () => {
  const written = told([
    { t: 0, type: "hello", schema: 1, version: "0.1.0", project: "/p", request: [":firmware"] },
    { ...plan(31), t: 3 },
    {
      t: 4,
      type: "fetch",
      package: "toolchain-atmelavr",
      version: "7.3.0",
      bytes: 1048576,
      total: 38000000,
      state: "downloading",
      from: "https://example.com",
    },
    { t: 4, type: "progress", id: 3 as never, done: 1, total: null, at: null },
    { t: 4, type: "queued", id: 4 as never, kind: "fetch", env: "", label: "a 1" },
    { ...start(12, "src/main.cpp", "uno", "compile", ["cc"]), t: 5 },
    { ...end(12, "src/main.cpp", { output: message(3, "warning") }), t: 90 },
    {
      t: 91,
      type: "diagnostic",
      severity: "error",
      code: "ini.extends-cycle",
      message: "m",
      file: "platformio.ini",
      line: 4,
      column: 1,
      hint: "h",
    },
    {
      ...result({
        artifacts: [{ ...artifact("uno"), sha256: "00" as Digest }],
        size: [{ env: "uno", flash: { used: 1184, total: 32256 }, ram: { used: 9, total: 2048 } }],
      }),
      t: 143,
    },
  ]);
  assert.equal(written, [
    '{"type":"hello","t":0,"schema":1,"version":"0.1.0","project":"/p","request":[":firmware"]}\n',
    '{"type":"plan","t":3,"envs":["uno"],"profile":"release","actions":31,"files":93,"final":true}\n',
    '{"type":"fetch","t":4,"package":"toolchain-atmelavr","version":"7.3.0","bytes":1048576,"total":38000000,"state":"downloading"}\n',
    '{"type":"start","t":5,"id":12,"kind":"compile","env":"uno","label":"src/main.cpp","lane":"slot 1","argv":["cc"]}\n',
    '{"type":"end","t":90,"id":12,"kind":"compile","env":"uno","label":"src/main.cpp","outputs":[".fb/build/uno/release/src/main.cpp.o"],"status":"ran","ms":84,"exitCode":0,' +
      '"output":"part_3.cpp:3:7: warning: unused variable ‘v3’\\n   int v3 = 3;\\n       ^~~ 3\\n","why":[]}\n',
    '{"type":"diagnostic","t":91,"severity":"error","code":"ini.extends-cycle","message":"m","file":"platformio.ini","line":4,"column":1,"hint":"h"}\n',
    '{"type":"result","t":143,"status":"ok","exitCode":0,"actions":3,"ran":3,"hits":0,"upToDate":0,"failed":0,"ms":1240,' +
      '"artifacts":[{"env":"uno","path":".fb/build/uno/release/firmware.hex","sha256":"00","bytes":2618}],"size":[{"env":"uno","flash":{"used":1184,"total":32256},"ram":{"used":9,"total":2048}}]}\n',
  ]);
});

test("nothing follows the result, and every line is one object", () => {
  const events = madeUpRun(5, 50, 4).map((s) => s.event);
  const written = told([...events, plan(1), ...events]);
  assert.is(written.length, events.length);
  for (const line of written) {
    assert.is(line.indexOf("\n"), line.length - 1);
    assert.type(JSON.parse(line).type, "string");
  }
  assert.is(JSON.parse(written.at(-1) ?? "").type, "result");
});

test("each consumer gets each event in order", () => {
  const seen: string[] = [];
  const sink = (name: string): EventSink => ({ emit: (e) => seen.push(`${name} ${e.type}`) });
  const both = mux([sink("a"), sink("b")]);
  both.emit(plan(1));
  both.emit(result());
  assert.equal(seen, ["a plan", "b plan", "a result", "b result"]);
});

test.run();
