/**
 * What of a device's lines speaks of a crash: the addresses of code in it, and what else it tells. The texts are those of the panic handlers: ESP-IDF's for Xtensa
 * ("Backtrace: 0x400d1234:0x3ffb1f90 …", "PC      : 0x…") and RISC-V ("MEPC    : 0x…  RA      : 0x…", "Stack memory:" and its lines), the ESP8266 core's
 * ("Exception (28):", "epc1=0x…", ">>>stack>>>", "last failed alloc call: 40201234(16)"), and of others whatever names a trace ("LR: 0x…").
 */

/** What a line tells. */
export interface CrashLine {
  /** As `0x4020abcd`; whether code lies there is for others to know. */
  readonly addresses: readonly string[];
  /** For people. */
  readonly says: readonly string[];
  /** The first digits of the sha256 of the ELF file of the program that crashed; "" where it does not say. */
  readonly elf: string;
}

const TRACE = /\b(backtrace|epc[1-4]|pc|lr|ra|mepc|abort\(\)|panic|stack|return address)\b/i;
const ADDRESS = /\b0x[0-9a-f]{4,8}\b/gi;
/** Of a backtrace each second is the stack's. */
const PAIR = /\b(0x[0-9a-f]{8}):0x[0-9a-f]{8}\b/gi;
const STACK_BEGIN = /^\s*(?:>>>stack>>>|Stack memory:)/;
const STACK_END = /^\s*<<<stack<<</;
const STACK_LINE = /^\s*[0-9a-f]{8}:\s+((?:0x)?[0-9a-f]{8}(?:\s+(?:0x)?[0-9a-f]{8})*)\s*<?\s*$/i;
/** So many lines that are none of a stack are not the end of it yet. */
const STRAYS = 4;
const FAILED_ALLOC = /^last failed alloc (?:call|caller): ([0-9a-f]{8})\b/i;
const CAUSE = /^(?:Fatal exception|Exception) \((\d{1,2})\):/;
const ELF = /^ELF file SHA256:\s*([0-9a-f]{8,64})\s*$/i;

/** Xtensa's EXCCAUSE (Instruction Set Architecture Reference Manual, "The Exception Cause Register"), with what most often leads there. */
const CAUSES: Readonly<Record<number, string>> = {
  0: "IllegalInstruction: what was executed is no instruction",
  1: "Syscall",
  2: "InstructionFetchError: there is no code where the program went",
  3: "LoadStoreError: memory that takes whole words only, as flash and IRAM do, was read or written otherwise",
  4: "Level1Interrupt",
  5: "Alloca",
  6: "IntegerDivideByZero: a division by zero",
  8: "Privileged",
  9: "LoadStoreAlignment: an address is no multiple of the size of what was read or written there",
  12: "InstrPIFDataError",
  13: "LoadStorePIFDataError",
  14: "InstrPIFAddrError",
  15: "LoadStorePIFAddrError",
  16: "InstTLBMiss",
  17: "InstTLBMultiHit",
  18: "InstFetchPrivilege",
  20: "InstFetchProhibited: there is no code where the program went, as by a null pointer to a function",
  24: "LoadStoreTLBMiss",
  25: "LoadStoreTLBMultiHit",
  26: "LoadStorePrivilege",
  28: "LoadProhibited: a read where nothing may be read, as through a null pointer",
  29: "StoreProhibited: a write where nothing may be written, as through a null pointer",
};

/** Reads a device's lines in their order. */
export class CrashReader {
  /** Lines that are none of its stack since the last one that was; null: no stack is being printed. */
  #strays: number | null = null;

  read(line: string): CrashLine {
    const [, cause] = CAUSE.exec(line) ?? [];
    const text = CAUSES[Number(cause)];
    return {
      addresses: [...new Set(this.#addresses(line))],
      says: cause === undefined || text === undefined ? [] : [`exception ${cause}, ${text}`],
      elf: (ELF.exec(line)?.[1] ?? "").toLowerCase(),
    };
  }

  #addresses(line: string): string[] {
    if (STACK_BEGIN.test(line)) {
      this.#strays = 0;
      return [];
    }
    if (this.#strays !== null) {
      const [, words] = STACK_LINE.exec(line) ?? [];
      if (words !== undefined) {
        this.#strays = 0;
        return (words.match(/[0-9a-f]{8}/gi) ?? []).map((word) => `0x${word.toLowerCase()}`);
      }
      this.#strays = STACK_END.test(line) || this.#strays === STRAYS ? null : this.#strays + 1;
    }
    const [, failed] = FAILED_ALLOC.exec(line) ?? [];
    if (failed !== undefined) return [`0x${failed.toLowerCase()}`];
    if (!TRACE.test(line)) return [];
    const pairs = [...line.matchAll(PAIR)].map(([, pc = ""]) => pc.toLowerCase());
    return pairs.length > 0 ? pairs : (line.match(ADDRESS) ?? []).map((address) => address.toLowerCase());
  }
}
