/** Bytes as text and back, lines, filters, what is printed. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeUtf8, encodeUtf8, encodingOf, LATIN1, plainText, UTF8 } from "../../../cli/monitor/encoding.ts";
import { type Eol, FILTER_NAMES, filterChain } from "../../../cli/monitor/filters.ts";
import { LineCutter } from "../../../cli/monitor/lines.ts";
import { Printer, stampText } from "../../../cli/monitor/printer.ts";
import { newSeed, Random } from "../../random.ts";

const random = new Random(newSeed());
/** Bytes that often begin or break UTF-8. */
const EDGES = [
  0x00, 0x0a, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xc3, 0xe0, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0x80, 0xf4, 0x90, 0xff,
];
const someBytes = () => Uint8Array.from({ length: random.below(12) }, () => (random.chance(0.8) ? random.pick(EDGES) : random.below(256)));

test("UTF-8: any bytes in any pieces come back as they were, and valid text as Node reads it", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let i = 0; i < 20_000; i++) {
    const bytes = someBytes();
    const text = decodeUtf8(bytes);
    assert.equal([...encodeUtf8(text)], [...bytes]);
    let valid: string | null = null;
    try {
      valid = strict.decode(bytes);
    } catch {
      // Some byte is escaped then.
    }
    if (valid !== null) assert.is(text, valid);
    else assert.ok(plainText(text).lossy);
    const decoder = UTF8.decoder();
    let pieces = "";
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random.below(3);
      pieces += decoder.push(bytes.subarray(at, end));
      at = end;
    }
    pieces += decoder.end();
    assert.equal([...encodeUtf8(pieces)], [...bytes]);
    if (valid !== null) assert.is(pieces, valid);
  }
});

test("other encodings, by the names that people write", () => {
  assert.is(LATIN1.decoder().push(Uint8Array.of(0xe9)), "é");
  assert.equal([...LATIN1.encode("é€")], [0xe9, 63]);
  for (const name of ["utf8", "Latin-1", "iso_8859_1", "cp1252", "shift_jis"]) assert.ok(encodingOf(name).ok, name);
  const windows = encodingOf("cp1252");
  assert.ok(windows.ok && windows.value.decoder().push(Uint8Array.of(0x80)) === "€" && windows.value.encode("€")[0] === 0x80);
  const wrong = encodingOf("klingon");
  assert.ok(!wrong.ok && wrong.failure.exit === 2);
});

function cut(text: string, crEnds = false, piece = 1): string[] {
  const out: string[] = [];
  const cutter = new LineCutter(crEnds, (bytes, ended) => out.push(`${Buffer.from(bytes).toString()}${ended ? "" : "…"}`));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += piece) cutter.push(bytes.subarray(at, at + piece));
  cutter.break();
  return out;
}

test("lines end at \\n and \\r\\n, with CR at \\r too; a long one is cut", () => {
  for (const piece of [1, 2, 5, 100]) {
    assert.equal(cut("a\nb\r\n\nc", false, piece), ["a", "b", "", "c…"]);
    assert.equal(cut("a\rb\r\nc\n", true, piece), ["a", "b", "c"]);
    assert.equal(cut("10%\r20%\n", false, piece), ["10%\r20%"]);
  }
  const long = cut(`${"x".repeat(150_000)}\ny\n`, false, 4096);
  assert.equal(
    long.map((line) => line.length),
    [65_537, 65_537, 150_000 - 2 * 65_536, 1],
  );
});

const folder = mkdtempSync(join(tmpdir(), "fb-filters-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const debugged: string[] = [];
function chain(names: readonly string[], eol: Eol = "CRLF") {
  const now = () => new Date(2026, 0, 2, 3, 4, 5, 67);
  return filterChain(names, { eol: () => eol, folder, now, say: () => {}, debug: (text) => debugged.push(text) });
}

test("filters, as miniterm's and PlatformIO's", () => {
  const rx = (name: string, ...texts: string[]) => {
    const filter = chain([name]);
    return texts.map((text) => filter.rx(text)).join("");
  };
  assert.is(rx("direct", "a\x1b[0m\n"), "a\x1b[0m\n");
  assert.is(rx("default", "a\x1b\0\b\t\r\n\x7f\x9b"), "a\u241b\u2400\b\t\r\n\u2421\u2425");
  assert.is(rx("nocontrol", "a b\n"), "a\u2423b\u240a");
  assert.is(rx("printable", "a\x01é\n"), "a\u2401\u2082\u2083\u2083 \n");
  assert.is(rx("printable", decodeUtf8(Uint8Array.of(0xff))), "\u2082\u2085\u2085 ");
  assert.is(rx("colorize", "x"), "\x1b[37mx");
  assert.is(chain(["colorize"]).echo("x"), "\x1b[31mx");
  assert.is(rx("time", "a", "b\nc\n", "d"), "03:04:05.067 > ab\n03:04:05.067 > c\n03:04:05.067 > d");
  assert.is(rx("hexlify", "AB", "\x00".repeat(15)), `\n0000 | 41 42 ${"00 ".repeat(14)}\n0010 | 00 `);
  assert.is(rx("log2file", "kept\n"), "kept\n");
  const [log = ""] = readdirSync(join(folder, "logs"));
  assert.is(log, "device-monitor-260102-030405.log");
  assert.is(readFileSync(join(folder, "logs", log), "utf8"), "kept\n");
  assert.is(rx("debug", "x"), "x");
  assert.equal(debugged, [' [RX:"x"] ']);
  assert.ok(existsSync(folder) && FILTER_NAMES.includes("addr2line") && FILTER_NAMES.includes("esp32_exception_decoder"));
});

test("what comes passes in the order of the names, what is sent the other way; line ends come last and first", () => {
  assert.is(chain(["hexlify", "time"]).rx("A"), "03:04:05.067 > \n03:04:05.067 > 0000 | 41 ");
  assert.is(chain([], "CRLF").tx("a\n"), "a\r\n");
  assert.is(chain([], "CR").tx("a\n"), "a\r");
  assert.is(chain([], "CR").rx("a\r"), "a\n");
  assert.is(chain([], "LF").tx("a\n"), "a\n");
  for (const [eol, end] of [
    ["CRLF", "\r\n"],
    ["CR", "\r"],
    ["LF", "\n"],
  ] as const) {
    const filter = chain(["send_on_enter"], eol);
    assert.equal([filter.tx("a"), filter.tx("b"), filter.tx("\n"), filter.tx("c")], ["", "", `ab${end}`, ""], eol);
  }
});

test("stamps: seconds and hundredths since the start", () => {
  assert.equal([0, 9.9, 10, 1234, 59_999, 100_000, 3_600_005].map(stampText), [
    "00.00",
    "00.00",
    "00.01",
    "01.23",
    "59.99",
    "100.00",
    "3600.00",
  ]);
});

test("a stamp stands before each line, however its bytes come; lines of fb's own stand by themselves", () => {
  let out = "";
  const printer = new Printer({
    encoding: UTF8,
    raw: false,
    timestamps: true,
    prefix: "",
    color: false,
    rx: (text) => text,
    now: () => 1500,
    write: (bytes) => (out += Buffer.from(bytes).toString()),
    say: (line) => (out += `[${line}]\n`),
  });
  for (const text of ["a", "b\nc", "\n", "é".slice(0, 1)]) printer.data(Buffer.from(text));
  printer.say("-- reconnected");
  printer.data(Buffer.from([0xc3]));
  printer.data(Buffer.from([0xa9]));
  printer.end();
  assert.is(out, "01.50 ab\n01.50 c\n01.50 é\n[-- reconnected]\n01.50 é\n");
});

test("lines of several devices do not run into each other; one without an end is shown after a silence", () => {
  let out = "";
  const [a, b] = ["a", "b"].map(
    (name) =>
      new Printer({
        encoding: UTF8,
        raw: false,
        timestamps: false,
        prefix: `${name}| `,
        color: false,
        rx: (text) => text,
        now: () => 0,
        write: (bytes) => (out += Buffer.from(bytes).toString()),
        say: () => {},
      }),
  );
  a?.data(Buffer.from("on"));
  b?.data(Buffer.from("two\nprompt> "));
  a?.data(Buffer.from("e\n"));
  b?.flush();
  b?.flush();
  b?.data(Buffer.from("typed\n"));
  assert.is(out, "b| two\na| one\nb| prompt> \nb| typed\n");
});

test.run();
