/**
 * JSON values in columns: every distinct string, list and record once, by number. The actions of a plan name the same flags, folders and tools thousands
 * of times; packed they take a tenth of their JSON, one of them is unpacked without the others, and equal parts of what is unpacked are one object.
 *
 *   reference   u32, its lowest two bits: 0 a string's number, 1 a list's place, 2 a record's place, 3 a number's, true's, false's or null's JSON as a string
 *   words       list: count, references; record: place of the list of its keys, references
 *   ends        where each string ends in `text`, UTF-16 units
 *   bytes       u32 ×4: count of words, of strings, bytes of text, a reference; words, ends (u32 each); text, UTF-8, padded to 4. The machine's byte order
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Where a value lies. */
export type Reference = number & { readonly packed: unique symbol };

export interface Packed {
  readonly words: Uint32Array;
  readonly text: string;
  readonly ends: Uint32Array;
}

const STRING = 0;
const LIST = 1;
const RECORD = 2;
const SCALAR = 3;

/** Takes values in, for one Packed. */
export class Packer {
  private words = new Uint32Array(1024);
  private used = 0;
  private readonly strings = new Map<string, number>();
  /** Places of lists and records by a hash of what they hold, open addressing; 0 is free, so places are kept plus one. */
  private table = new Uint32Array(1024);
  private entries = 0;

  add(value: Json): Reference {
    if (typeof value === "string") return this.string(value, STRING);
    if (typeof value !== "object" || value === null) return this.string(JSON.stringify(value), SCALAR);
    if (Array.isArray(value)) return this.list(value as readonly Json[]);
    const record = value as { readonly [key: string]: Json };
    const keys = Object.keys(record).filter((key) => record[key] !== undefined);
    const shape = this.list(keys);
    const parts = keys.map((key) => this.add(record[key] as Json));
    return this.enter([shape >>> 2, ...parts], RECORD);
  }

  finish(): Packed {
    const ends = new Uint32Array(this.strings.size);
    let at = 0;
    let i = 0;
    for (const text of this.strings.keys()) {
      at += text.length;
      ends[i++] = at;
    }
    return { words: this.words.slice(0, this.used), text: [...this.strings.keys()].join(""), ends };
  }

  private string(text: string, tag: number): Reference {
    let id = this.strings.get(text);
    if (id === undefined) {
      id = this.strings.size;
      this.strings.set(text, id);
    }
    return ((id << 2) | tag) as Reference;
  }

  private list(values: readonly Json[]): Reference {
    const parts: number[] = [values.length];
    for (const value of values) parts.push(this.add(value));
    return this.enter(parts, LIST);
  }

  /** The place of these words: an earlier one that holds the same, or a new one. A record's place and a list's never serve each other. */
  private enter(parts: readonly number[], tag: number): Reference {
    if (this.entries * 2 >= this.table.length) this.widen();
    const size = parts.length;
    let slot = hashOf(parts, tag) & (this.table.length - 1);
    for (let there = this.table[slot]; there !== undefined && there !== 0; there = this.table[slot]) {
      if (this.holds(there - 1, parts, tag)) return ((there << 2) | tag) as Reference;
      slot = (slot + 1) & (this.table.length - 1);
    }
    if (this.used + size + 2 > this.words.length) {
      const wider = new Uint32Array(Math.max(this.words.length * 2, this.used + size + 2));
      wider.set(this.words.subarray(0, this.used));
      this.words = wider;
    }
    // Before each: its tag and length, so that a table of another width can be filled from the words alone.
    this.words[this.used] = (size << 2) | tag;
    this.words.set(parts, this.used + 1);
    const place = this.used + 1;
    this.used += size + 1;
    this.table[slot] = place;
    this.entries++;
    return ((place << 2) | tag) as Reference;
  }

  private holds(head: number, parts: readonly number[], tag: number): boolean {
    if (this.words[head] !== ((parts.length << 2) | tag)) return false;
    for (let i = 0; i < parts.length; i++) if (this.words[head + 1 + i] !== parts[i]) return false;
    return true;
  }

  private widen(): void {
    this.table = new Uint32Array(this.table.length * 2);
    for (let head = 0; head < this.used; ) {
      const size = (this.words[head] as number) >>> 2;
      const tag = (this.words[head] as number) & 3;
      let slot = hashOf(this.words.subarray(head + 1, head + 1 + size), tag) & (this.table.length - 1);
      while (this.table[slot] !== 0) slot = (slot + 1) & (this.table.length - 1);
      this.table[slot] = head + 1;
      head += size + 1;
    }
  }
}

/** Gives values out. What was equal when it was packed is one object: nobody may change it. */
export class Unpacker {
  private readonly packed: Packed;
  private readonly given = new Map<number, Json>();
  private readonly strings: (string | undefined)[] = [];

  constructor(packed: Packed) {
    this.packed = packed;
  }

  value(reference: Reference): Json {
    const place = reference >>> 2;
    switch (reference & 3) {
      case STRING:
        return this.string(place);
      case SCALAR:
        return JSON.parse(this.string(place)) as Json;
    }
    const known = this.given.get(reference);
    if (known !== undefined) return known;
    const value = (reference & 3) === LIST ? this.list(place) : this.record(place);
    this.given.set(reference, value);
    return value;
  }

  /** One field of a record, without the others; undefined where it has none of that name, or is no record. */
  field(reference: Reference, key: string): Json | undefined {
    if ((reference & 3) !== RECORD) return undefined;
    const place = reference >>> 2;
    const { words } = this.packed;
    const keys = this.value((((words[place] as number) << 2) | LIST) as Reference) as readonly string[];
    const at = keys.indexOf(key);
    return at < 0 ? undefined : this.value(words[place + 1 + at] as Reference);
  }

  /** The reference of a string; null if it is empty or not among them. */
  find(text: string): Reference | null {
    if (text === "") return null;
    const { text: all, ends } = this.packed;
    for (let at = all.indexOf(text); at >= 0; at = all.indexOf(text, at + 1)) {
      const id = firstAbove(ends, at);
      if ((id === 0 ? 0 : ends[id - 1]) === at && ends[id] === at + text.length) return (id << 2) as Reference;
    }
    return null;
  }

  /** The references of all strings that end so; end: one UTF-16 unit. */
  endingIn(end: string): Reference[] {
    const { text, ends } = this.packed;
    const unit = end.charCodeAt(0);
    const found: Reference[] = [];
    for (let id = 0; id < ends.length; id++)
      if (text.charCodeAt((ends[id] as number) - 1) === unit && ends[id] !== ends[id - 1]) found.push((id << 2) as Reference);
    return found;
  }

  private list(place: number): Json[] {
    const { words } = this.packed;
    const count = words[place] as number;
    // Of its length: an array that grew to one element has room for 17.
    const values = new Array<Json>(count);
    for (let i = 0; i < count; i++) values[i] = this.value(words[place + 1 + i] as Reference);
    return values;
  }

  private record(place: number): Json {
    const { words } = this.packed;
    const keys = this.value((((words[place] as number) << 2) | LIST) as Reference) as readonly string[];
    const record: Record<string, Json> = {};
    for (let i = 0; i < keys.length; i++) record[keys[i] as string] = this.value(words[place + 1 + i] as Reference);
    return record;
  }

  private string(id: number): string {
    let text = this.strings[id];
    if (text === undefined) {
      const { ends } = this.packed;
      text = this.packed.text.slice(id === 0 ? 0 : ends[id - 1], ends[id]);
      this.strings[id] = text;
    }
    return text;
  }
}

/** The first place of ascending numbers at which there is a greater one. */
export function firstAbove(ascending: Uint32Array, number: number): number {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ascending[middle] as number) > number) to = middle;
    else from = middle + 1;
  }
  return from;
}

const HEAD = 4;

/** As bytes, a whole number of words. root: a reference that whoever reads them begins with, or 0. */
export function packedBytes({ words, ends, text }: Packed, root: number): Uint8Array<ArrayBuffer> {
  const utf8 = new TextEncoder().encode(text);
  const numbers = new Uint32Array(HEAD + words.length + ends.length + ((utf8.length + 3) >>> 2));
  numbers.set([words.length, ends.length, utf8.length, root]);
  numbers.set(words, HEAD);
  numbers.set(ends, HEAD + words.length);
  const bytes = new Uint8Array(numbers.buffer);
  bytes.set(utf8, (HEAD + words.length + ends.length) * 4);
  return bytes;
}

export function packedFrom(bytes: Uint8Array): { readonly packed: Packed; readonly root: number } {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const [words = 0, strings = 0, textBytes = 0, root = 0] = new Uint32Array(aligned.buffer, aligned.byteOffset, HEAD);
  const numbers = new Uint32Array(aligned.buffer, aligned.byteOffset + HEAD * 4, words + strings);
  const textAt = (HEAD + words + strings) * 4;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(aligned.subarray(textAt, textAt + textBytes));
  return { packed: { words: numbers.subarray(0, words), ends: numbers.subarray(words), text }, root };
}

function hashOf(parts: ArrayLike<number>, tag: number): number {
  let h = tag;
  for (let i = 0; i < parts.length; i++) h = Math.imul(h ^ (parts[i] as number), 0x9e3779b1) ^ (h >>> 15);
  return (h ^ (h >>> 13)) >>> 0;
}
