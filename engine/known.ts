/**
 * Files with their digests and the signatures taken before they were hashed, in columns: a signature as an object is five BigInts, 240 bytes, and a large
 * project has 60,000 files.
 */
import type { Digest, Signature } from "./types.ts";

const NUMBERS = 5;
const OLD = 0;
const YOUNG = 1;
const CARRIED = 2;

export class KnownFiles {
  private readonly rows = new Map<string, number>();
  /** Of these the files that were not carried; null as long as none was: a run of few changes carries thousands. */
  private lookedAt: Set<string> | null = null;
  private readonly digests: Digest[] = [];
  private signatures = new BigInt64Array(NUMBERS * 64);
  private orders = new Uint32Array(64);
  private states = new Uint8Array(64);
  /** Rows of files that were forgotten. */
  private readonly free: number[] = [];
  private count = 0;

  /** How many files have been entered so far: a point in their order. */
  get mark(): number {
    return this.count;
  }

  has(path: string): boolean {
    return this.rows.has(path);
  }

  set(path: string, digest: Digest, before: Signature, young: boolean): void {
    const row = this.enter(path, digest, young ? YOUNG : OLD);
    this.signatures.set([before.dev, before.ino, before.size, before.mtimeNs, before.ctimeNs], row * NUMBERS);
  }

  /** Enters a file that this run did not look at itself; before: the five numbers of its signature. */
  carry(path: string, digest: Digest, before: BigUint64Array): void {
    this.lookedAt ??= new Set(this.rows.keys());
    const row = this.enter(path, digest, CARRIED);
    this.signatures.set(before, row * NUMBERS);
  }

  private enter(path: string, digest: Digest, state: number): number {
    const row = this.rows.get(path) ?? this.free.pop() ?? this.digests.length;
    this.rows.set(path, row);
    this.digests[row] = digest;
    if (row >= this.orders.length) this.widen();
    this.orders[row] = this.count++;
    this.states[row] = state;
    if (this.lookedAt !== null) {
      if (state === CARRIED) this.lookedAt.delete(path);
      else this.lookedAt.add(path);
    }
    return row;
  }

  delete(path: string): void {
    const row = this.rows.get(path);
    if (row === undefined) return;
    this.rows.delete(path);
    this.lookedAt?.delete(path);
    this.free.push(row);
  }

  digest(path: string): Digest | undefined {
    const row = this.rows.get(path);
    return row === undefined ? undefined : this.digests[row];
  }

  before(path: string): Signature | null {
    const row = this.rows.get(path);
    return row === undefined ? null : this.signature(row);
  }

  /** Whether it is known with this signature. */
  isSame(path: string, now: Signature): boolean {
    const row = this.rows.get(path);
    if (row === undefined) return false;
    const { signatures } = this;
    const at = row * NUMBERS;
    return (
      signatures[at + 3] === now.mtimeNs &&
      signatures[at + 4] === now.ctimeNs &&
      signatures[at + 2] === now.size &&
      signatures[at + 1] === now.ino &&
      signatures[at] === now.dev
    );
  }

  /** Whether it was entered after the mark was taken. */
  isSince(path: string, mark: number): boolean {
    const row = this.rows.get(path);
    return row !== undefined && (this.orders[row] as number) >= mark;
  }

  isYoung(path: string): boolean {
    const row = this.rows.get(path);
    return row !== undefined && this.states[row] === YOUNG;
  }

  setOld(path: string): void {
    const row = this.rows.get(path);
    if (row !== undefined) this.states[row] = OLD;
  }

  paths(): Iterable<string> {
    return this.rows.keys();
  }

  /** All but what was carried. */
  *looked(): Generator<readonly [path: string, digest: Digest, before: () => Signature]> {
    for (const path of this.lookedAt ?? this.rows.keys()) {
      const row = this.rows.get(path) as number;
      yield [path, this.digests[row] as Digest, () => this.signature(row)];
    }
  }

  *young(): Generator<readonly [path: string, before: Signature]> {
    for (const path of this.lookedAt ?? this.rows.keys()) {
      const row = this.rows.get(path) as number;
      if (this.states[row] === YOUNG) yield [path, this.signature(row)];
    }
  }

  private signature(row: number): Signature {
    const at = row * NUMBERS;
    const number = (i: number) => this.signatures[at + i] as bigint;
    return { dev: number(0), ino: number(1), size: number(2), mtimeNs: number(3), ctimeNs: number(4) };
  }

  private widen(): void {
    const { signatures, orders, states } = this;
    this.signatures = new BigInt64Array(signatures.length * 2);
    this.orders = new Uint32Array(orders.length * 2);
    this.states = new Uint8Array(states.length * 2);
    this.signatures.set(signatures);
    this.orders.set(orders);
    this.states.set(states);
  }
}
