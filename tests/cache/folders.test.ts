/** Where the cache lies, by variables; and which filesystems cannot hold it. */
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cacheFolder, cachePath, networkName } from "../../cache/folders.ts";
import { openCache } from "../../cache/open.ts";
import { checker, temporary } from "./help.ts";

for (const [vars, path] of [
  [{ FB_CACHE_DIR: "/a/b", XDG_CACHE_HOME: "/x", HOME: "/h" }, "/a/b"],
  [{ FB_CACHE_DIR: "rel", HOME: "/h" }, resolve("rel")],
  [{ FB_CACHE_DIR: "", XDG_CACHE_HOME: "/x", HOME: "/h" }, "/x/fb"],
  [{ XDG_CACHE_HOME: "relative", HOME: "/h" }, "/h/.cache/fb"],
  [{ HOME: "/h" }, "/h/.cache/fb"],
  [{ HOME: "/h", FB_DEV_MODE: "1" }, "/h/.cache/fb-dev"],
  [{ HOME: "/h", FB_DEV_MODE: "0" }, "/h/.cache/fb"],
  [{ XDG_CACHE_HOME: "/x", FB_DEV_MODE: "1" }, "/x/fb-dev"],
  [{}, join(homedir(), ".cache", "fb")],
] as const)
  test(`${JSON.stringify(vars)} → ${path}`, () => assert.is(cachePath(vars), path));

test("the folder is made", () => {
  const folder = join(temporary(), "deep", "er");
  assert.equal(cacheFolder({ FB_CACHE_DIR: folder }), { ok: true, value: folder });
  assert.ok(existsSync(folder));
});

test("one in the user's own place is for the user alone, one that FB_CACHE_DIR names is as the umask says", () => {
  const xdg = temporary();
  const [own, named] = [join(xdg, "fb"), join(xdg, "named")];
  assert.ok(cacheFolder({ XDG_CACHE_HOME: xdg }).ok && cacheFolder({ FB_CACHE_DIR: named }).ok);
  const mode = (folder: string): number => statSync(folder).mode & 0o777;
  assert.equal([mode(own), mode(named)], [0o700, 0o777 & ~process.umask()]);
});

test("a place that cannot hold it is a failure that names it and the variable", () => {
  const file = join(temporary(), "file");
  writeFileSync(file, "");
  for (const folder of [file, join(file, "below")]) {
    for (const result of [cacheFolder({ FB_CACHE_DIR: folder }), openCache(folder, checker)]) {
      assert.ok(!result.ok);
      assert.is(result.failure.exit, 4);
      assert.ok(result.failure.message.includes(folder), result.failure.message);
      assert.match(result.failure.hint, /FB_CACHE_DIR/);
    }
  }
});

test("a folder of the kernel is a failure, at once", () => {
  const result = cacheFolder({ FB_CACHE_DIR: "/proc/fb-cache/deep" });
  assert.ok(!result.ok && result.failure.exit === 4 && result.failure.message.includes("/proc/fb-cache/deep"), JSON.stringify(result));
});

test("a read-only folder is a failure", () => {
  const folder = join(temporary(), "ro");
  mkdirSync(folder);
  chmodSync(folder, 0o555);
  // Root may write everywhere: /sys is read-only for it too.
  const place = process.getuid?.() === 0 ? "/sys/kernel" : folder;
  const result = openCache(place, checker);
  assert.ok(!result.ok && result.failure.exit === 4 && result.failure.message.includes(place), JSON.stringify(result));
});

const mountinfo = [
  "25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
  "40 25 0:40 / /home/me/far rw,nosuid - fuse.sshfs me@host:/ rw",
  "41 25 0:41 / /home/me/far/local rw - fuse.mergerfs pool rw",
  "42 25 0:42 / /mnt/with\\040space rw shared:1 master:2 - fuse.rclone x rw",
].join("\n");
for (const [type, folder, name] of [
  [0xef53, "/a", null],
  [0x01021994, "/a", null],
  [0x6969, "/a", "NFS"],
  [0xff534d42, "/a", "CIFS"],
  [0x65735546, "/home/me/far", "fuse.sshfs"],
  [0x65735546, "/home/me/far/x", "fuse.sshfs"],
  [0x65735546, "/home/me/far/local/x", null],
  [0x65735546, "/mnt/with space/x", "fuse.rclone"],
  [0x65735546, "/home/me/farther", null],
] as const)
  test(`filesystem ${type.toString(16)} at ${folder}: ${name}`, () => assert.is(networkName(type, mountinfo, folder), name));

test("two that make the same folders at once both have them", async () => {
  const [rounds, threads] = [1500, 2];
  const shared = new SharedArrayBuffer(4);
  const workerData = { root: temporary(), rounds, shared, threads };
  const made = Array.from(
    { length: threads },
    () =>
      new Promise<readonly string[]>((resolve, reject) =>
        new Worker(new URL("./folder-maker.ts", import.meta.url), { workerData }).on("message", resolve).on("error", reject),
      ),
  );
  assert.equal((await Promise.all(made)).flat(), []);
});

test.run();
