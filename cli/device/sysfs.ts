/** Serial ports as Linux shows them in /sys/class/tty: which there are, and what is known of the USB devices behind them. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { namesIn, realOf, textOf } from "../host/look.ts";
import type { FoundPort } from "./ports.ts";

/** sys, dev: where /sys and /dev are. A tty counts that has a device behind it; one whose UART type is 0 (PORT_UNKNOWN, linux/serial_core.h) is only a name. */
export function sysfsPorts(sys: string, dev: string): readonly FoundPort[] {
  const found: FoundPort[] = [];
  for (const name of namesIn(join(sys, "class/tty"))) {
    const folder = join(sys, "class/tty", name);
    const device = realOf(join(folder, "device"));
    if (device === null && !name.startsWith("rfcomm")) continue;
    if (text(folder, "type") === "0" || !existsSync(join(dev, name))) continue;
    found.push({ port: join(dev, name), ...usbFacts(device) });
  }
  return found;
}

/** From the tty's device upwards: the interface has bInterfaceNumber, the device above it idVendor. */
function usbFacts(device: string | null): Omit<FoundPort, "port"> {
  let number: string | null = null;
  for (let folder = device; folder !== null && folder !== "/" && folder !== "."; folder = dirname(folder)) {
    number ??= text(folder, "bInterfaceNumber");
    const vid = text(folder, "idVendor");
    if (vid === null) continue;
    return {
      vid: vid.toLowerCase(),
      pid: text(folder, "idProduct")?.toLowerCase() ?? null,
      serial: text(folder, "serial"),
      description: text(folder, "product"),
      manufacturer: text(folder, "manufacturer"),
      location: basename(folder),
      interface: number,
    };
  }
  return { vid: null, pid: null, serial: null, description: null, manufacturer: null, location: null, interface: null };
}

function text(folder: string, name: string): string | null {
  return textOf(join(folder, name))?.trim() || null;
}
