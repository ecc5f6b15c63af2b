/**
 * A firmware file with the suffix of USB's Device Firmware Upgrade (DFU 1.1, appendix B), by which dfu-util knows the device that it is for. Sixteen bytes, lowest byte
 * first: release of the device (any: 0xFFFF), product, vendor, version of the format (1.0), `UFD`, the suffix's length, CRC-32 of all that stands before it.
 */
import { numberOf } from "../number.ts";
import { crc32 } from "./crc.ts";
import { type ImageTool, made, one } from "./image-tool.ts";

const LENGTH = 16;
const FORMAT = 0x0100;
const ANY_RELEASE = 0xffff;

/** vendor, product: USB's ids. */
export function dfuFile(content: Uint8Array, vendor: number, product: number): Uint8Array {
  const bytes = new Uint8Array(content.length + LENGTH);
  bytes.set(content);
  const view = new DataView(bytes.buffer, content.length);
  view.setUint16(0, ANY_RELEASE, true);
  view.setUint16(2, product, true);
  view.setUint16(4, vendor, true);
  view.setUint16(6, FORMAT, true);
  bytes.set(new TextEncoder().encode("UFD"), content.length + 8);
  view.setUint8(11, LENGTH);
  view.setUint32(12, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

export const dfuSuffix: ImageTool = {
  usage: "fb tool dfu-suffix FILE --vid ID --pid ID --out FILE",
  make(options, read) {
    const [file] = options.get("") ?? [];
    const [vendor, product] = [numberOf(one(options, "vid")), numberOf(one(options, "pid"))];
    if (file === undefined || vendor === null || product === null) return null;
    return made(dfuFile(read(file), vendor, product));
  },
};
