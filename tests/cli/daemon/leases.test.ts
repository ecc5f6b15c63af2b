import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Effect, type Lease, Leases, type Wish } from "../../../cli/daemon/leases.ts";
import { newSeed, Random } from "../../random.ts";

function open(): Leases {
  let n = 0;
  return new Leases(() => `L${++n}`);
}

const wish = (more: Partial<Wish>): Wish => ({
  device: "uno",
  mode: "exclusive",
  client: "a",
  description: "flash",
  ttl: null,
  pid: null,
  takeover: null,
  patient: true,
  ...more,
});

function granted(leases: Leases, w: Wish, now = 0): Lease {
  const answer = leases.take(w, now);
  if (!("granted" in answer)) throw new Error(`refused: ${answer.conflict.id}`);
  return answer.granted;
}

test("one exclusive lease; the second is told who holds it; monitors make way and come back", () => {
  const leases = open();
  const watching = granted(leases, wish({ mode: "monitor", client: "m" }));
  const first = leases.take(wish({}), 5);
  assert.equal("granted" in first && first.effects, [{ is: "paused", device: "uno", by: "a", reason: "flash" }]);
  const holder = leases.exclusiveOf("uno");
  assert.equal(leases.take(wish({ client: "b" }), 6), { conflict: holder });
  assert.equal(leases.take(wish({ client: "b", mode: "monitor", patient: false }), 6), { conflict: holder });
  assert.ok("granted" in leases.take(wish({ client: "b", mode: "monitor" }), 6), "a patient monitor waits");
  assert.ok("granted" in leases.take(wish({ client: "b", device: "mega" }), 6), "another device is another thing");
  const effects = leases.release(holder?.id ?? "");
  assert.equal(effects, [
    { is: "ended", lease: holder, why: "released", by: "a", reason: "" },
    { is: "resumed", device: "uno" },
  ]);
  assert.is(leases.release(holder?.id ?? ""), null);
  assert.is(leases.get(watching.id), watching);
});

test("a takeover ends the holder's lease with its reason, and monitors stay away", () => {
  const leases = open();
  const first = granted(leases, wish({}));
  const second = leases.take(wish({ client: "b", takeover: "demo" }), 9);
  assert.equal("granted" in second && second.effects, [{ is: "ended", lease: first, why: "taken", by: "b", reason: "demo" }]);
  assert.is(leases.exclusiveOf("uno")?.client, "b");
  const free = leases.take(wish({ client: "b", device: "mega", takeover: "demo" }), 9);
  assert.equal("granted" in free && free.effects, [{ is: "paused", device: "mega", by: "b", reason: "demo" }]);
});

test("times to live, anew with a renewal; processes; clients", () => {
  const leases = open();
  const short = granted(leases, wish({ ttl: 100 }), 1000);
  granted(leases, wish({ device: "mega", client: "b", pid: 42 }), 1000);
  assert.is(leases.nextExpiry(), 1100);
  assert.equal(leases.expire(1099), []);
  assert.ok(leases.renew(short.id, 300, 1050));
  assert.equal(leases.expire(1349), []);
  assert.equal(
    leases.expire(1350).map((e) => e.is),
    ["ended", "resumed"],
  );
  assert.not.ok(leases.renew(short.id, 300, 1351));
  assert.is(leases.nextExpiry(), null);
  assert.equal(
    leases.processesGone((pid) => pid === 42),
    [],
  );
  assert.is(leases.processesGone(() => false).length, 2);
  granted(leases, wish({ client: "c" }));
  granted(leases, wish({ client: "c", mode: "monitor" }));
  assert.equal(
    leases.clientGone("c").map((e) => e.is),
    ["ended", "ended", "resumed"],
  );
  assert.equal(leases.all(), []);
});

/** What a world sees that follows the effects alone. */
class World {
  readonly paused = new Set<string>();
  readonly ended = new Set<string>();

  follow(effects: readonly Effect[]): void {
    for (const e of effects)
      switch (e.is) {
        case "paused":
          assert.not.ok(this.paused.has(e.device), `${e.device} is paused twice`);
          this.paused.add(e.device);
          break;
        case "resumed":
          assert.ok(this.paused.delete(e.device), `${e.device} is resumed and was not paused`);
          break;
        case "ended":
          assert.not.ok(this.ended.has(e.lease.id), `${e.lease.id} ends twice`);
          this.ended.add(e.lease.id);
      }
  }
}

test("generated: whoever asks, dies, waits or takes, a device is held by one, watched only while free, and never stuck", () => {
  const seed = newSeed();
  for (let round = 0; round < 300; round++) {
    const random = new Random(seed + round);
    const leases = open();
    const world = new World();
    const given = new Set<string>();
    let now = 0;
    const devices = ["d1", "d2", "d3"];
    const clients = ["a", "b", "c", "d"];
    for (let step = 0; step < 60; step++) {
      now += random.below(20);
      world.follow(leases.expire(now));
      const client = random.pick(clients);
      const device = random.pick(devices);
      switch (random.below(7)) {
        case 0:
        case 1:
        case 2: {
          const mode = random.chance(0.5) ? "exclusive" : "monitor";
          const takeover = mode === "exclusive" && random.chance(0.3) ? "now" : null;
          const patient = random.chance(0.5);
          const before = leases.exclusiveOf(device);
          const ttl = random.chance(0.5) ? random.below(50) + 1 : null;
          const pid = random.chance(0.3) ? random.below(5) + 1 : null;
          const answer = leases.take(wish({ device, client, mode, ttl, pid, takeover, patient }), now);
          const refused = before !== null && (mode === "exclusive" ? takeover === null : !patient);
          assert.is("conflict" in answer, refused);
          if ("conflict" in answer) assert.is(answer.conflict, before);
          else {
            given.add(answer.granted.id);
            world.follow(answer.effects);
          }
          break;
        }
        case 3: {
          const all = leases.all();
          if (all.length > 0) world.follow(leases.release(random.pick(all).id) ?? []);
          break;
        }
        case 4:
          world.follow(leases.clientGone(client));
          assert.not.ok(leases.all().some((l) => l.client === client));
          break;
        case 5: {
          const dead = random.below(5) + 1;
          world.follow(leases.processesGone((pid) => pid !== dead));
          break;
        }
        default: {
          const all = leases.all();
          if (all.length > 0) leases.renew(random.pick(all).id, 30, now);
        }
      }
      for (const d of devices) {
        assert.ok(leases.all().filter((l) => l.device === d && l.mode === "exclusive").length <= 1);
        assert.is(world.paused.has(d), leases.exclusiveOf(d) !== null, "paused exactly while it is held");
      }
      for (const id of given) assert.is(leases.get(id) === null, world.ended.has(id), "what is over was said to be");
      for (const l of leases.all()) assert.ok(l.expires === null || l.expires > now - 20);
    }
    for (const client of clients) world.follow(leases.clientGone(client));
    assert.equal([leases.all(), [...world.paused], world.ended.size], [[], [], given.size]);
  }
});

test.run();
