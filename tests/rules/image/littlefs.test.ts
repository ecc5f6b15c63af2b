/** LittleFS images of generated trees: read back by a reader of the tests' own, and mounted and used further by littlefs itself where PyPI's littlefs-python is here. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { optionsOf } from "../../../rules/image/image-tool.ts";
import { type FileSystemShape, littlefs, littlefsTool } from "../../../rules/image/littlefs.ts";
import { newSeed, Random } from "../../random.ts";
import { noHash, noise } from "./elf-writer.ts";
import { readLittlefs } from "./littlefs-reader.ts";

const ORACLE = new URL("littlefs-oracle.py", import.meta.url).pathname;
const USUAL = { size: 1 << 20, block: 4096, page: 256, nameMax: 64, inlineMax: 64, disk: "2.1" } as const;
const random = new Random(newSeed());

function imageOf(files: ReadonlyMap<string, Uint8Array>, shape: FileSystemShape): Uint8Array {
  const image = littlefs(files, shape, "data");
  if (!image.ok) throw new Error(image.failure.message);
  return image.value;
}

/** The image that has what was put in. */
function held(files: ReadonlyMap<string, Uint8Array>, shape: FileSystemShape): ReturnType<typeof readLittlefs> {
  const read = readLittlefs(imageOf(files, shape));
  assert.equal([...read.files.keys()].sort(), [...files.keys()].sort());
  for (const [path, content] of files) assert.ok(Buffer.from(content).equals(read.files.get(path) ?? Buffer.of()), path);
  assert.equal([read.disk, read.block, read.nameMax], [shape.disk, shape.block, shape.nameMax]);
  return read;
}

test("sizes at every border: none, within the names, of one block, of many", () => {
  for (const inlineMax of [0, 64, 512]) {
    const shape = { ...USUAL, inlineMax };
    // Blocks after the first hold 4 bytes less for each pointer: 4096, 4092, 4088, 4092, 4084.
    const borders = [0, 1, inlineMax, 4096, 4096 + 4092, 4096 + 4092 + 4088, 4096 + 4092 + 4088 + 4092 + 4084, 300_000];
    for (const border of borders)
      for (const size of [border - 1, border, border + 1].filter((each) => each >= 0)) {
        const { used } = held(new Map([["f", noise(size, size + 1)]]), shape);
        let blocks = 0;
        for (let room = 0; size > inlineMax && room < size; blocks++)
          room += 4096 - (blocks === 0 ? 0 : 4 * (1 + Math.log2(blocks & -blocks)));
        assert.is(used, 2 + blocks, `${size} bytes`);
      }
  }
});

test("300 files of one folder are in several pairs; names of which one begins with the other", () => {
  const many = new Map(Array.from({ length: 300 }, (_, i) => [`www/file ${i}`, noise(i % 90, i)]));
  const { used, folders } = held(many, USUAL);
  assert.equal(folders, ["www"]);
  assert.is(used, 2 + 2 * 6 + 75, "the root, six pairs of the folder, a block for each file of more than 64 bytes");
  held(new Map(["a", "ab", "abc", "b", "aä", "雪", "a b", "ab0", "."].map((name, i) => [`x/${name}`, noise(9, i)])), USUAL);
});

test("deep folders, the longest names", () => {
  const deep = Array.from({ length: 40 }, (_, i) => `folder ${i}`).join("/");
  const { folders } = held(new Map([[`${deep}/${"ü".repeat(32)}`, noise(99, 1)]]), USUAL);
  assert.is(folders.length, 40);
  held(new Map([["n".repeat(255), noise(1, 1)]]), { ...USUAL, nameMax: 255 });
});

test("nothing at all is an empty file system; what is not used is erased", () => {
  const image = imageOf(new Map(), USUAL);
  assert.is(readLittlefs(image).used, 2);
  assert.ok(image.subarray(512).every((byte) => byte === 0xff));
});

// What littlefs 2.11 mounted; other bytes are another version of the tool in rules/inner-tools.ts.
test("its bytes are those that were recorded", () => {
  const files = new Map(Array.from({ length: 60 }, (_, i) => [`${"d/".repeat(i % 4)}file ${i}`, noise(i * i * 5, i + 1)]));
  const digests = (["2.0", "2.1"] as const).map((disk) => {
    const image = imageOf(files, { ...USUAL, disk });
    return createHash("sha256").update(image).digest("hex").slice(0, 16);
  });
  assert.equal(digests, ["8ea1c44aa16b277c", "62ad05aa331166a7"]);
});

test("the order in which files come makes no difference", () => {
  const files = [...tree()];
  assert.ok(Buffer.from(imageOf(new Map(files), USUAL)).equals(imageOf(new Map(files.reverse()), USUAL)));
});

test("as a tool: what mklittlefs leaves out is left out; mistakes are told", () => {
  const tool = (files: readonly string[], ...more: string[]) => {
    const args = ["--root", "data", "--files", ...files, "--block", "4096", "--page", "256", "--inline-max", "64", "--size"];
    return littlefsTool.make(optionsOf([...args, ...more]), (path) => noise(path.endsWith("big") ? 9000 : 9, 1), noHash);
  };
  const usual = ["64K", "--name-max", "32", "--disk", "2.0"];
  const made = tool(["data/a/b", "data/.git/config", "data/.gitignore", "data/.well-known/x"], ...usual);
  assert.ok(made?.ok === true);
  if (made?.ok === true) assert.equal([...readLittlefs(made.value.bytes).files.keys()].sort(), [".well-known/x", "a/b"]);
  const failed = (...args: Parameters<typeof tool>) => {
    const ran = tool(...args);
    return ran?.ok === false ? `${ran.failure.exit} ${ran.failure.code}: ${ran.failure.message}` : ran;
  };
  assert.is(
    failed(["data/big"], "16K", "--name-max", "32", "--disk", "2.0"),
    "1 image.full: data: its files take 5 blocks of 4096 bytes, the file system has 4 (16384 bytes): 4096 bytes are missing",
  );
  const long = "n".repeat(33);
  assert.is(
    failed([`data/d/${long}`], ...usual),
    `1 image.name: data/d/${long}: "${long}" has 33 bytes, a name in this file system at most 32`,
  );
  assert.is(
    failed([], "64K", "--name-max", "32", "--disk", "3.0"),
    '1 image.version: fb makes LittleFS of the versions 2.0, 2.1, found "3.0"',
  );
  assert.is(failed([], "64K", "--name-max", "4000", "--disk", "2.0"), null);
  assert.is(failed([], "many", "--name-max", "32", "--disk", "2.0"), null);
});

const hasOracle = spawnSync("python3", ["-c", "import littlefs"]).status === 0;
(hasOracle ? test : test.skip)(
  "mounted by littlefs itself: 40 trees, all files equal, as many blocks in use; written to, and mounted again",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "fb-littlefs-"));
    try {
      for (let i = 0; i < 40; i++) {
        const page = random.pick([64, 128, 256]);
        const block = random.pick([512, 1024, 4096, 8192]);
        const shape = {
          block,
          page,
          nameMax: random.pick([32, 64]),
          inlineMax: Math.min(page, block / 8),
          disk: random.pick(["2.0", "2.1"] as const),
        };
        const files = i === 0 ? new Map(Array.from({ length: 300 }, (_, n) => [`f${n}`, noise(n % 80, n)])) : tree(shape);
        const { used } = held(files, { ...shape, size: 4096 * block });
        writeFileSync(join(folder, `${i}.img`), imageOf(files, { ...shape, size: (used + 40) * block }));
        const contents = Object.fromEntries([...files].map(([path, content]) => [path, Buffer.from(content).toString("base64")]));
        writeFileSync(join(folder, `${i}.json`), JSON.stringify({ ...shape, used, files: contents }));
      }
      const ran = spawnSync("python3", [ORACLE, folder], { encoding: "utf8" });
      assert.is(ran.stderr, "");
      assert.is(ran.stdout.split("\n").filter((line) => line.startsWith("ok ")).length, 40);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

function tree({ block, inlineMax, nameMax }: Pick<FileSystemShape, "block" | "inlineMax" | "nameMax"> = USUAL): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const folders = [""];
  const name = () => {
    let text = "";
    for (let left = 1 + random.below(random.chance(0.2) ? nameMax : 9); ; ) {
      const next = random.pick(["a", "b", "Z", "0", ".", "-", " ", "ü", "雪", "😀"]);
      left -= Buffer.byteLength(next);
      if (left < 0) return /^\.{0,2}$/.test(text) ? `x${random.below(99)}` : text;
      text += next;
    }
  };
  const isFree = (path: string) => !files.has(path) && !folders.includes(`${path}/`);
  for (let i = random.below(9); i > 0; i--) {
    const path = random.pick(folders) + name();
    if (isFree(path)) folders.push(`${path}/`);
  }
  for (let i = random.below(50); i > 0; i--) {
    const path = random.pick(folders) + name();
    const border = random.pick([0, inlineMax, block, 2 * block - 4, random.below(200), random.below(20 * block)]);
    if (isFree(path)) files.set(path, noise(Math.max(0, border - 1 + random.below(3)), i));
  }
  return files;
}

test.run();
