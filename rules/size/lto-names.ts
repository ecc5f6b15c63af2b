/**
 * What an object defines: names of its symbol table, or of what gcc's link-time optimisation keeps in its place.
 *
 * `.gnu.lto_.symtab.*` has an entry for each global symbol: name and comdat group (each ends in NUL), a byte of kind, one of visibility, 8 bytes of size, 4 of
 * slot (gcc/lto-streamer-out.c, write_symbol; kinds as in include/plugin-api.h). A function's body is in `.gnu.lto_NAME.*`, also that of a static one. Static data has its name among the
 * strings of `.gnu.lto_.decls.*` only, each after its length; these sections are compressed (zlib; zstd where gcc >= 10 was built with it).
 */
import { type Elf, readElf } from "../elf.ts";

export interface ObjectNames {
  readonly defined: ReadonlySet<string>;
  /** Whether a name stands among its declarations: defined here, or only spoken of. */
  speaksOf(name: string): boolean;
}

const PREFIX = ".gnu.lto_";
const DEFINED: ReadonlySet<number> = new Set([0, 1, 4]);
const NUMBERS_AFTER_NAMES = 14;

/** Null where the bytes are no ELF object. inflate: undoes whatever compression it finds, or returns the bytes as they are. */
export function objectNames(bytes: Uint8Array, inflate: (data: Uint8Array) => Uint8Array): ObjectNames | null {
  const elf = readElf("", bytes);
  if (!elf.ok) return null;
  const defined = new Set(elf.value.symbols().flatMap((s) => (s.type !== "file" && (s.section !== null || s.isCommon) ? [s.name] : [])));
  for (const section of elf.value.sections) {
    if (section.name.startsWith(`${PREFIX}.symtab.`)) for (const name of symbolNames(elf.value.content(section))) defined.add(name);
    // `.gnu.lto_NAME.HASH`; newer compilers put a number before the hash. A name that begins with "." is a table's.
    else if (section.name.startsWith(PREFIX) && section.name[PREFIX.length] !== ".")
      defined.add(section.name.slice(PREFIX.length).replace(/(?:\.\d+)?\.[0-9a-f]+$/, ""));
  }
  defined.delete("");
  let strings: string | null = null;
  return {
    defined,
    speaksOf(name) {
      strings ??= declarations(elf.value, inflate);
      return strings.includes(lengthOf(name) + name);
    },
  };
}

function symbolNames(data: Uint8Array): string[] {
  const names: string[] = [];
  const latin = new TextDecoder("latin1");
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf(0, at);
    const group = end < 0 ? -1 : data.indexOf(0, end + 1);
    if (group < 0) break;
    if (DEFINED.has(data[group + 1] ?? -1)) names.push(latin.decode(data.subarray(at, end)));
    at = group + 1 + NUMBERS_AFTER_NAMES;
  }
  return names;
}

function declarations(elf: Elf, inflate: (data: Uint8Array) => Uint8Array): string {
  const latin = new TextDecoder("latin1");
  const tables = elf.sections.filter((s) => s.name.startsWith(`${PREFIX}.decls.`));
  return tables.map((s) => latin.decode(inflate(elf.content(s)))).join("\0");
}

/** The byte of length before a short name, as gcc streams it; a long name needs no such proof. */
function lengthOf({ length }: string): string {
  return length < 128 ? String.fromCharCode(length) : "";
}
