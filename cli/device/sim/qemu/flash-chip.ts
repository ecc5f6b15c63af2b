/** A flash chip's content for QEMU, from an image for its address 0: as large as the image says that the chip is. */

/** Sizes that Espressif's QEMU has (esp-toolchain-docs: qemu/esp32), in MB. */
const SIZES = [2, 4, 8, 16];
const MB = 1024 * 1024;
/** The header of the bootloader: its first byte, and the size in the upper half of its fourth, as a power of two of MB (esptool: "Firmware Image Format"). */
const MAGIC = 0xe9;
const SIZE_AT = 3;

/** bootAt: where the chip has its bootloader. Null: no chip is as large. */
export function flashChip(image: Uint8Array, bootAt: number): Uint8Array | null {
  const said = image[bootAt] === MAGIC ? 2 ** ((image[bootAt + SIZE_AT] ?? 0) >> 4) : 0;
  const size = SIZES.find((each) => each >= said && each * MB >= image.length);
  if (size === undefined) return null;
  const flash = new Uint8Array(size * MB).fill(0xff);
  flash.set(image);
  return flash;
}
