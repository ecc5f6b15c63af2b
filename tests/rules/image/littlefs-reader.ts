/** Reads a LittleFS image as the format's SPEC.md says, for tests: every pair by its tails, checksums counted, every file by the names that lead to it. */
import { crc32 } from "node:zlib";
import * as assert from "uvu/assert";

export interface ReadImage {
  readonly disk: string;
  readonly block: number;
  readonly count: number;
  readonly nameMax: number;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly folders: readonly string[];
  /** Blocks in use. */
  readonly used: number;
}

interface Entry {
  name: string;
  type: number;
  struct: number;
  data: Uint8Array;
}

interface Pair {
  readonly entries: readonly Entry[];
  /** -1: none. */
  readonly next: number;
  readonly isSplit: boolean;
}

/** Throws where something is not as the format has it. */
export function readLittlefs(image: Uint8Array): ReadImage {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  assert.is(new TextDecoder().decode(image.subarray(8, 16)), "littlefs");
  const block = view.getUint32(24, true);
  const first = readPair(image, 0, block);
  const [head, ...rest] = first.entries;
  assert.is(head?.type, 0xff);
  const [version = 0, size, count = 0, nameMax = 0] = numbers(head?.data ?? new Uint8Array());
  assert.is(size, block);
  const pairs = new Map<number, Pair>([[0, { ...first, entries: rest }]]);
  for (let pair = first; pair.next >= 0; ) {
    assert.not(pairs.has(pair.next), "tails in a ring");
    const at = pair.next;
    pair = readPair(image, at, block);
    pairs.set(at, pair);
  }
  const used = new Set([...pairs.keys()].flatMap((at) => [at, at + 1]));
  const take = (at: number): void => {
    assert.ok(at < count && !used.has(at), `block ${at} is in use twice`);
    used.add(at);
  };
  const files = new Map<string, Uint8Array>();
  const folders: string[] = [];
  const reached = new Set<number>();
  const walk = (start: number, path: string): void => {
    let last = "";
    for (let at = start; at >= 0; ) {
      reached.add(at);
      const pair = pairs.get(at);
      assert.ok(pair !== undefined, `no tail leads to ${at}`);
      for (const { name, type, struct, data } of pair?.entries ?? []) {
        assert.ok(last === "" || before(last, name), `${last} comes before ${name}`);
        last = name;
        const [a = 0, b = 0] = struct === 0x201 ? [] : numbers(data);
        if (type === 2) {
          assert.is(b, a + 1);
          folders.push(path + name);
          walk(a, `${path}${name}/`);
        } else files.set(path + name, struct === 0x201 ? data : readFile(image, block, a, b, take));
      }
      at = pair?.isSplit === true ? pair.next : -1;
    }
  };
  walk(0, "");
  assert.is(reached.size, pairs.size, "every pair is a folder's");
  return { disk: `${version >>> 16}.${version & 0xffff}`, block, count, nameMax, files, folders, used: used.size };
}

/** By bytes; of two of which one begins with the other the longer one comes first. */
function before(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  const common = Math.min(x.length, y.length);
  return (Buffer.compare(x.subarray(0, common), y.subarray(0, common)) || y.length - x.length) < 0;
}

function readPair(image: Uint8Array, at: number, block: number): Pair {
  const bytes = image.subarray(at * block, (at + 1) * block);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  assert.ok(
    image.subarray((at + 1) * block, (at + 2) * block).every((byte) => byte === 0xff),
    "the second block is erased",
  );
  const entries: Entry[] = [];
  let [last, next, isSplit, offset] = [0xffffffff, -1, false, 4];
  let promise: readonly number[] | null = null;
  for (;;) {
    const tag = (view.getUint32(offset, false) ^ last) >>> 0;
    assert.is(tag >>> 31, 0, "a valid tag");
    last = tag;
    const [type, id, length] = [tag >>> 20, (tag >>> 10) & 0x3ff, tag & 0x3ff];
    const data = bytes.subarray(offset + 4, offset + 4 + length);
    if (type === 0x500) {
      assert.is(view.getUint32(offset + 4, true), ~crc32(bytes.subarray(0, offset + 4)) >>> 0, "the checksum");
      offset += 4 + length;
      break;
    }
    if (type === 0x600 || type === 0x601) [next, isSplit] = [numbers(data)[0] ?? -1, type === 0x601];
    else if (type === 0x5ff) promise = numbers(data);
    else if (type >>> 8 === 0) entries[id] = { name: new TextDecoder().decode(data), type, struct: 0, data };
    else Object.assign(entries[id] ?? {}, { struct: type, data });
    offset += 4 + length;
  }
  assert.is(offset % 64, 0);
  if (promise !== null) assert.is(promise[1], ~crc32(bytes.subarray(offset, offset + (promise[0] ?? 0))) >>> 0);
  return { entries, next, isSplit };
}

/** Every block by each of its pointers. */
function readFile(image: Uint8Array, block: number, head: number, size: number, take: (at: number) => void): Uint8Array {
  const lengths: number[] = [];
  for (let left = size; left > 0; ) {
    const number = lengths.length;
    const pointers = number === 0 ? 0 : [...number.toString(2)].reverse().join("").indexOf("1") + 1;
    lengths.push(Math.min(left, block - 4 * pointers));
    left -= lengths.at(-1) ?? 0;
  }
  const places: number[] = [];
  const parts: Uint8Array[] = [];
  let at = head;
  for (let number = lengths.length - 1; number >= 0; number--) {
    take(at);
    places[number] = at;
    const pointers = number === 0 ? 0 : [...number.toString(2)].reverse().join("").indexOf("1") + 1;
    parts.unshift(image.subarray(at * block + 4 * pointers, at * block + 4 * pointers + (lengths[number] ?? 0)));
    at = numbers(image.subarray(at * block, at * block + 4))[0] ?? -1;
  }
  for (const [number, place] of places.entries())
    for (let i = 0; number > 0 && number % 2 ** i === 0; i++)
      assert.is(numbers(image.subarray(place * block + 4 * i, place * block + 4 * i + 4))[0], places[number - 2 ** i]);
  return Buffer.concat(parts);
}

function numbers(data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length >> 2 }, (_, i) => view.getUint32(4 * i, true));
}
