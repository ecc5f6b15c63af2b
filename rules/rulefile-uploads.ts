/** `[upload.*]` and `[uploader.*]` of a rule file: ways to reach boards, and the programs that write to them. */
import { at, flagAt, templateAt, templates, textAt, textsAt } from "./checked-toml.ts";
import type { Template } from "./template.ts";
import type { TomlTable } from "./toml.ts";

/** How what an uploader says is read: regular expressions, "" for none. idle: seconds. */
export interface Uploader {
  readonly idle: number;
  readonly progress: string;
  /** No answer of the bootloader. */
  readonly sync: string;
  /** Of all that it said: no answer will come. */
  readonly givesUp: string;
  readonly verify: string;
  readonly signature: string;
  /** The port could not be opened. */
  readonly refused: string;
  /** The port went while it was used. */
  readonly lost: string;
  /** What came from the board was no whole answer. */
  readonly garbled: string;
  /** Lines that say nothing to anybody. */
  readonly noise: string;
  /** What to try where the board does not answer; "" for what is true of most. */
  readonly advice: string;
  /** Words that only newer versions know, `${uploader.newer}`: left out where it says what `unknown` describes, before it opens anything. */
  readonly newer: readonly string[];
  readonly unknown: string;
  /** Group 1: what was not written, since the board says that it has the same. */
  readonly kept: string;
  /** It can not run: a part of its own is missing. */
  readonly broken: string;
  /** Packages of PyPI that pip brings where a Python script of it, which is not in bin/, says so. */
  readonly modules: readonly string[];
  /** What to do about that; "" for what is true of most. */
  readonly repair: string;
  /** How it is given a TCP port; null: it takes none. */
  readonly net: Template | null;
}

export interface UploadWay {
  readonly name: string;
  readonly protocols: readonly string[];
  /** A regular expression: an `upload_port` (or `-p`) that fits it means the first of `protocols`, whatever upload_protocol says; "" for none. */
  readonly ports: string;
  /** Empty: all. */
  readonly mcus: readonly string[];
  readonly uploader: string;
  readonly port: readonly Template[];
  readonly speed: readonly Template[];
  readonly more: readonly Template[];
  /** Neither reset nor touch before the program opens the port. */
  readonly untouched: boolean;
  /** It finds boards that have no port. */
  readonly optional: boolean;
}

const IDLE_S = 30;

export function uploader(table: TomlTable): Uploader {
  const idle = at(table, "idle");
  const text = (key: string) => textAt(table, key);
  return {
    idle: idle?.is === "number" ? idle.value : IDLE_S,
    ...{ progress: text("progress"), sync: text("sync"), givesUp: text("gives_up"), verify: text("verify"), signature: text("signature") },
    ...{ refused: text("refused"), lost: text("lost"), noise: text("noise"), advice: text("advice"), net: templateAt(table, "net") },
    ...{ newer: textsAt(table, "newer"), unknown: text("unknown"), kept: text("kept"), broken: text("broken"), repair: text("repair") },
    ...{ garbled: text("garbled"), modules: textsAt(table, "modules") },
  };
}

export function upload(name: string, table: TomlTable): UploadWay {
  const list = (key: string) => templates(at(table, key));
  const ways = { port: list("port"), speed: list("speed"), more: list("more") };
  return {
    name,
    protocols: textsAt(table, "protocols"),
    ports: textAt(table, "ports"),
    mcus: textsAt(table, "mcus"),
    uploader: textAt(table, "uploader"),
    ...ways,
    untouched: flagAt(table, "untouched"),
    optional: flagAt(table, "optional"),
  };
}
