/** One kind of parity: cases made from numbers, PlatformIO's answers to them, and what differs from fb's. */
import type { Files, Peer } from "./peer.ts";
import { inputHash, type Line } from "./recorded.ts";

export interface Named<C> {
  /** Says how the case is made again: `SEED/INDEX`, or the name of one written by hand. */
  readonly id: string;
  readonly input: C;
}

export interface Kind<C extends object, A> {
  readonly name: string;
  /** One sentence: what is compared. */
  readonly about: string;
  /** How many cases `npm run parity` makes when nothing is said. */
  readonly usual: number;
  /** The case of an id; null for an id that is none. */
  make(id: string): C | null;
  /** The ids whose answers are kept. */
  readonly kept: readonly string[];
  /** The peer's answers, in the order of the cases; null where it gives none that can be compared with (it fails, fb does not). */
  ask(peer: Peer, cases: readonly Named<C>[]): Iterable<A | null>;
  /** What differs, in words that one can act on; empty when nothing does. */
  compare(input: C, answer: A): string | Promise<string>;
  /** The case as files to look at; the first says most. */
  files(input: C): Files;
}

/** Ids of `count` generated cases of a seed. */
export function seeded(seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${seed}/${i}`);
}

/** Seed and index of a generated case's id. */
export function numbersOf(id: string): readonly [seed: number, index: number] | null {
  const found = /^(\d+)\/(\d+)$/.exec(id);
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

/** What is wrong with a kept answer; empty when fb agrees with it. */
export async function checkLine<C extends object, A>(kind: Kind<C, A>, line: Line<A>): Promise<string> {
  const input = kind.make(line.id);
  if (input === null || inputHash(input) !== line.input)
    return `the generator makes another case ${line.id} now than the one PlatformIO was asked: npm run parity -- --record ${kind.name}`;
  return kind.compare(input, line.answer);
}
