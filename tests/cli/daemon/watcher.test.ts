import { test } from "uvu";
import * as assert from "uvu/assert";
import { Ring } from "../../../cli/device/ring.ts";
import type { ServerMessage } from "../../../cli/daemon/messages.ts";
import { Lines } from "../../../cli/daemon/lines.ts";
import { type Sink, type Stock, Watcher } from "../../../cli/daemon/watcher.ts";
import { newSeed, Random } from "../../random.ts";

/** A session's stock, and a client that takes what it is sent when it likes. */
class Stream implements Stock {
  readonly ring: Ring;
  readonly lines = new Lines();
  constructor(kept: number) {
    this.ring = new Ring(kept);
  }
  get bytesEnd() {
    return this.ring.end;
  }
  get linesEnd() {
    return this.lines.end;
  }
  bytesSince(index: number) {
    return this.ring.since(index);
  }
  linesSince(index: number, most: number) {
    return this.lines.since(index, most);
  }
  push(text: string) {
    const bytes = Buffer.from(text);
    this.ring.push(bytes);
    this.lines.push(bytes);
  }
}

class Client implements Sink {
  bufferedAmount = 0;
  readonly heard: ServerMessage[] = [];
  readonly waiting: { text: string; done: () => void }[] = [];
  cutWhy: string | null = null;
  send(text: string, done: () => void) {
    this.bufferedAmount += text.length;
    this.waiting.push({ text, done });
  }
  take(count = Number.POSITIVE_INFINITY) {
    for (let i = 0; i < count; i++) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.bufferedAmount -= next.text.length;
      this.heard.push(JSON.parse(next.text));
      next.done();
    }
  }
  cut(why: string) {
    this.cutWhy = why;
  }
  get text() {
    return this.heard.map((m) => (m.type === "data" && "data" in m ? Buffer.from(m.data, "base64").toString() : "")).join("");
  }
  get lines() {
    return this.heard.flatMap((m) => (m.type === "data" && "lines" in m ? m.lines : []));
  }
}

test("generated: clients of any pace get every byte and line once, and events at their place", () => {
  const seed = newSeed();
  for (let round = 0; round < 100; round++) {
    const random = new Random(seed + round);
    const stream = new Stream(1 << 20);
    const clients = [new Client(), new Client(), new Client()];
    const watchers = clients.map((client, i) => new Watcher(`c${i}`, i !== 1, 0, stream, client));
    let text = "";
    const places: number[] = [];
    for (let step = 0; step < 80; step++) {
      const more = Array.from({ length: random.below(3) }, () => `line ${step} ${"x".repeat(random.below(3000))}\n`).join("");
      stream.push(more);
      text += more;
      for (const w of watchers) w.pump();
      if (random.chance(0.05)) {
        places.push(text.length);
        for (const w of watchers) w.tell({ type: "preempted", reason: "flash", preempted_by: "x" });
      }
      clients[0]?.take();
      if (random.chance(0.5)) clients[1]?.take(random.below(5));
    }
    for (const client of clients) {
      client.take();
      assert.is(client.cutWhy, null);
    }
    assert.is(clients[0]?.text, text);
    assert.is(clients[2]?.text, text);
    assert.equal(clients[1]?.lines, text.split("\n").slice(0, -1));
    for (const i of [0, 2]) {
      const heard = clients[i]?.heard ?? [];
      const found = heard.flatMap((m, at) =>
        m.type === "preempted"
          ? [heard.slice(0, at).reduce((n, d) => n + (d.type === "data" && "data" in d ? Buffer.from(d.data, "base64").length : 0), 0)]
          : [],
      );
      assert.equal(found, places, "an event comes after all that was before it, and before the rest");
    }
  }
});

test("one that takes nothing costs a bounded amount, and is cut with the reason when what it missed is gone", () => {
  const stream = new Stream(64 * 1024);
  const client = new Client();
  const watcher = new Watcher("slow", true, null, stream, client);
  for (let i = 0; i < 20_000; i++) {
    stream.push(`number ${i}\n`);
    watcher.pump();
  }
  assert.ok(client.bufferedAmount < 400 * 1024, String(client.bufferedAmount));
  client.take();
  assert.match(client.cutWhy ?? "", /too slow: \d+ bytes are gone/);
  const had = client.text;
  assert.ok(
    had.length > 0 &&
      had ===
        Array.from({ length: 20_000 }, (_, i) => `number ${i}\n`)
          .join("")
          .slice(0, had.length),
    "what it had is whole",
  );
});

test("from an index: what is kept from there on; one that is gone begins with the first that is", () => {
  const stream = new Stream(16);
  stream.push("0123456789\n");
  const client = new Client();
  const watcher = new Watcher("c", true, 5, stream, client);
  watcher.pump();
  client.take();
  assert.is(client.text, "56789\n");
  stream.push("abcdefghijklmnop");
  const late = new Client();
  const second = new Watcher("d", true, 5, stream, late);
  assert.is(second.at, 11);
  second.pump();
  late.take();
  assert.is(late.text, "abcdefghijklmnop");
  assert.equal([late.cutWhy, second.at], [null, 27]);
});

test.run();
