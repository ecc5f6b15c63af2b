/**
 * The image of an ESP32's program or bootloader, of an ELF file: a header of 8 bytes (0xE9, number of segments, flash mode, flash size and frequency, entry), one of 16 (the
 * chip's id, the last byte 1: a SHA-256 follows), segments (address, size, content), zeros to the last byte of a multiple of 16, there 0xEF xor all content, then the SHA-256
 * of it all. What flash maps into memory has to lie in the file as it will in memory, counted in pages of 64 KiB (of some chips as the program says): parts of
 * what is loaded into RAM fill the gaps. As esptool's elf2image (4.8; pages 5.6).
 */
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { FLAGS, readElf } from "../elf.ts";
import { numberOf } from "../number.ts";
import { MODES } from "./elf2bin.ts";
import { type Chip, CHIPS } from "./esp32-chips.ts";
import { type Hash, type ImageTool, made, one, refused } from "./image-tool.ts";

const PAGE = 0x10000;
/** Where programs describe themselves: the section, its first word, the place of the pages' length (a power of two, 0: not told; since ESP-IDF 5.4). */
const DESCRIPTION = { section: ".flash.appdesc", mark: 0xabcd5432, page: 180 };
/** The first byte of images. */
const IMAGE_MARK = 0xe9;
/** Of a segment: address and size. */
const HEADER = 8;
const MOST_SEGMENTS = 16;
/** The bootloader of the first ESP32 does not map a last page of which less is used. */
const LAST_PAGE = 0x24;
const SIZES = ["1MB", "2MB", "4MB", "8MB", "16MB", "32MB", "64MB", "128MB"];
/** Of ELF sections: those with content that is loaded. */
const LOADED: ReadonlySet<number> = new Set([1, 14, 15]);

interface Segment {
  readonly name: string;
  readonly address: number;
  readonly content: Uint8Array;
  readonly flags: number;
}

/** As board JSON and the ini write them: `dio`, `80m`, `4MB`. */
export interface Esp32Flash {
  readonly mode: string;
  readonly frequency: string;
  readonly size: string;
}

/** The two bytes of an image's header. Failure (exit 1) `image.flash`: no flash of this chip is like that; file: what the image is made of. */
function flashBytes(chipName: string, chip: Chip, { mode, frequency, size }: Esp32Flash, file: string): Result<readonly [number, number]> {
  const wrong = <T>(what: string, given: string, known: readonly string[], option: string) => {
    const message = `an image for ${chipName} has a flash ${what} of ${known.join(", ")}, found "${given}"`;
    return refused<T>("image.flash", message, file, `set ${option} to one of these, as [env:NAME] or the board has it`);
  };
  const [first, second, third] = [MODES[mode.toLowerCase()], chip.frequencies[frequency.toLowerCase()], SIZES.indexOf(size.toUpperCase())];
  if (first === undefined) return wrong("mode", mode, Object.keys(MODES), "board_build.flash_mode");
  if (second === undefined) return wrong("frequency", frequency, Object.keys(chip.frequencies), "board_build.f_flash (80m: 80000000L)");
  if (third < 0) return wrong("size", size, SIZES, "board_upload.flash_size");
  return ok([first, second + 16 * third]);
}

/**
 * digestAt: where the SHA-256 of the ELF file goes. isDigested: whether that of the image comes last. null: fb does not know the chip.
 * Failures (exit 1): `elf.malformed`, `image.flash`, `image.segments`, `image.digest`.
 */
export function esp32Image(
  chipName: string,
  file: string,
  elf: Uint8Array,
  flash: Esp32Flash,
  hash: Hash,
  digestAt: number | null = null,
  isDigested = true,
): Result<Uint8Array> | null {
  const chip = CHIPS[chipName];
  if (chip === undefined) return null;
  const settings = flashBytes(chipName, chip, flash, file);
  if (!settings.ok) return settings;
  const read = readElf(file, elf);
  if (!read.ok) return read;
  const found = read.value.sections
    .filter(({ type, address, size }) => LOADED.has(type) && address !== 0 && size > 0)
    .map((section) => ({
      name: section.name,
      address: section.address,
      content: padded(read.value.content(section), 4),
      flags: section.flags,
    }));
  const segments = merged(found, chip);
  if (segments.length === 0 || segments.length > MOST_SEGMENTS) {
    const message = `${file} has ${segments.length} parts that are loaded: an image has 1 to ${MOST_SEGMENTS}`;
    return refused("image.segments", message, file, "link with the linker scripts of the framework's package");
  }
  const isMapped = ({ address }: Segment) => chip.mapped.some(([from, to]) => from <= address && address < to);
  const sorted = segments.toSorted((a, b) => a.address - b.address);
  const mapped = first(sorted.filter(isMapped), DESCRIPTION.section);
  const ram = first(
    sorted.filter((each) => !isMapped(each)),
    ".dram0.bootdesc",
  );
  const described = found.find(({ name }) => name === DESCRIPTION.section);
  const page = described === undefined || !isMapped(described) ? PAGE : pageOf(chip, described);
  if (page === null) {
    const message = `${file} is for pages of flash of a length that ${chipName} has not`;
    return refused("image.segments", message, file, "link with the SDK of the chip");
  }
  const number = (segment: Segment | undefined) => Math.floor((segment?.address ?? 0) / page);
  const twice = mapped.findIndex((each, i) => i > 0 && number(each) === number(mapped[i - 1]));
  if (twice > 0) {
    const [one, two] = [mapped[twice - 1]?.name, mapped[twice]?.name];
    return refused(
      "image.segments",
      `${file}: ${one} and ${two} lie in one page of ${page / 1024} KiB`,
      file,
      "link with the linker scripts of the framework's package",
    );
  }
  const own = digestAt === null ? null : ([digestAt, hash("sha256", elf)] as const);
  const image = laidOut(mapped, ram, { chip, page, entry: read.value.entry, settings: settings.value, isDigested }, hash, own);
  if (image !== null) return { ok: true, value: image };
  const hint = "the program's description (esp_app_desc) has to come first: link with the linker scripts of the framework's package";
  return refused("image.digest", `${file} has no room for its SHA-256 at ${digestAt} of the image`, file, hint);
}

/** How long the pages of a program's flash are, by its description; null: as they cannot be. */
function pageOf({ pages }: Chip, { address, content }: Segment): number | null {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (pages === undefined || content.length <= DESCRIPTION.page || view.getUint32(0, true) !== DESCRIPTION.mark) return PAGE;
  const told = view.getUint8(DESCRIPTION.page);
  if (told !== 0) return pages.includes(2 ** told) ? 2 ** told : null;
  // Older ones begin with it, behind the headers.
  return pages.find((each) => (address - 24 - HEADER) % each === 0) ?? PAGE;
}

function padded(content: Uint8Array, to: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(content.length / to) * to);
  bytes.set(content);
  return bytes;
}

/** Moves the section that the ROM or the bootloader looks for to the front. */
function first(segments: readonly Segment[], name: string): Segment[] {
  const wanted = segments.find((each) => each.name === name);
  return wanted === undefined ? [...segments] : [wanted, ...segments.filter((each) => each !== wanted)];
}

/** Sections that follow each other in the file and in memory, of one kind, are one. */
function merged(sections: readonly Segment[], chip: Chip): Segment[] {
  const kinds = ({ address }: Segment) => chip.memory.flatMap(([from, to, name]) => (from <= address && address < to ? [name] : [])).join();
  const found: Segment[] = [];
  for (const next of sections) {
    const last = found.at(-1);
    // Compared with the section that came just before, by whose flags and memory it is decided.
    const before = sections[sections.indexOf(next) - 1];
    if (
      last !== undefined &&
      before !== undefined &&
      kinds(before) === kinds(next) &&
      next.address === before.address + before.content.length &&
      (before.flags & FLAGS.execute) === (next.flags & FLAGS.execute)
    ) {
      const content = new Uint8Array(last.content.length + next.content.length);
      content.set(last.content);
      content.set(next.content, last.content.length);
      found[found.length - 1] = { ...last, content };
    } else found.push(next);
  }
  return found;
}

/** Pieces of the file, and how long it is. */
class Writer {
  readonly pieces: { readonly address: number; readonly content: Uint8Array }[] = [];
  at = 24;

  segment(address: number, content: Uint8Array): void {
    this.pieces.push({ address, content });
    this.at += HEADER + content.length;
  }
}

/** What an image's headers say, and how its flash is mapped. */
interface Head {
  readonly chip: Chip;
  readonly page: number;
  readonly entry: number;
  readonly settings: readonly [number, number];
  /** Whether the SHA-256 of it all comes last. */
  readonly isDigested: boolean;
}

function laidOut(
  mapped: readonly Segment[],
  inRam: readonly Segment[],
  { chip, page, entry, settings: [mode, sizeAndFrequency], isDigested }: Head,
  hash: Hash,
  digest: readonly [at: number, bytes: Uint8Array] | null,
): Uint8Array | null {
  const writer = new Writer();
  const ram = [...inRam];
  for (const segment of mapped) {
    for (let gap = gapBefore(segment, writer.at, page); gap > 0; gap = gapBefore(segment, writer.at, page)) {
      const [next] = ram;
      if (next === undefined || gap <= HEADER) {
        writer.segment(0, new Uint8Array(gap));
        continue;
      }
      writer.segment(next.address, next.content.subarray(0, gap));
      if (next.content.length <= gap) ram.shift();
      else ram[0] = { ...next, address: next.address + gap, content: next.content.subarray(gap) };
    }
    const rest = (writer.at + segment.content.length + HEADER) % page;
    const more = chip.id === 0 && rest < LAST_PAGE ? LAST_PAGE - rest : 0;
    const content = new Uint8Array(segment.content.length + more);
    content.set(segment.content);
    writer.segment(segment.address, content);
  }
  for (const { address, content } of ram) writer.segment(address, content);

  const length = (writer.at + 16) & ~15;
  const image = new Uint8Array(isDigested ? length + 32 : length);
  const view = new DataView(image.buffer);
  image.set([IMAGE_MARK, writer.pieces.length, mode, sizeAndFrequency]);
  view.setUint32(4, entry, true);
  // No pin for write protection; any revision of the chip.
  image[8] = 0xee;
  view.setUint16(12, chip.id, true);
  view.setUint16(17, 0xffff, true);
  if (isDigested) image[23] = 1;
  let at = 24;
  let sum = 0xef;
  for (const { address, content } of writer.pieces) {
    view.setUint32(at, address, true);
    view.setUint32(at + 4, content.length, true);
    image.set(content, at + HEADER);
    at += HEADER + content.length;
  }
  if (digest !== null && !patched(image, digest, writer)) return null;
  at = 24;
  for (const { content } of writer.pieces) {
    for (const byte of image.subarray(at + HEADER, at + HEADER + content.length)) sum ^= byte;
    at += HEADER + content.length;
  }
  image[length - 1] = sum;
  if (isDigested) image.set(hash("sha256", image.subarray(0, length)), length);
  return image;
}

/** Writes the digest of the ELF file over zeros within a segment; false: there are none. */
function patched(image: Uint8Array, [where, bytes]: readonly [at: number, bytes: Uint8Array], { pieces }: Writer): boolean {
  let at = 24;
  const holds = pieces.some(({ content }) => {
    const from = at + HEADER;
    at = from + content.length;
    return from <= where && where + bytes.length <= at;
  });
  if (!holds || image.subarray(where, where + bytes.length).some((byte) => byte !== 0)) return false;
  image.set(bytes, where);
  return true;
}

/** Bytes of content that a segment in between has to have, so that this one's content lies in its page as its address does; 0: it does. */
function gapBefore({ address }: Segment, at: number, page: number): number {
  const gap = page - (at % page) + (address % page) - HEADER;
  if (gap === 0 || gap === page) return 0;
  return gap - HEADER < 0 ? gap - HEADER + page : gap - HEADER;
}

export const esp32ImageTool: ImageTool = {
  usage:
    "fb tool esp32-image ELF --chip CHIP --mode qio|qout|dio|dout --frequency 80m|40m… --size 4MB… [--elf-digest OFFSET] [--digest none] --out FILE",
  make(options, read, hash) {
    const [file, chip, mode] = [one(options, ""), one(options, "chip"), one(options, "mode")];
    const [frequency, size] = [one(options, "frequency"), one(options, "size")];
    if (file === null || chip === null || mode === null || frequency === null || size === null) return null;
    // A variant's bootloader is an image already.
    const content = read(file);
    if (content[0] === IMAGE_MARK) return made(content);
    const offset = one(options, "elf-digest");
    const digestAt = offset === null ? null : numberOf(offset);
    const image = esp32Image(chip, file, content, { mode, frequency, size }, hash, digestAt, one(options, "digest") !== "none");
    return image === null || !image.ok ? image : made(image.value);
  },
};
