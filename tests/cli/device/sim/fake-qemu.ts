/** Programs in the place of QEMU: they know some machines by name, and say and hear what a script does with the descriptors that are the serial ports (3 and on). */
import { chmodSync, writeFileSync } from "node:fs";

/** The path, as a program. The script has QEMU's arguments, and their image as $image. */
export function fakeQemu(path: string, machines: readonly string[], script: string): string {
  const help = machines.map((name) => `echo '${name}   what it is';`).join(" ");
  const known = `case "$*" in "-M help") ${help} exit 0;; --version) echo 'QEMU emulator version 7.2.22 (Debian)'; exit 0;; esac`;
  const image = `for arg; do case $arg in file=*) image=\${arg#file=}; image=\${image%%,*};; esac; last=$arg; done; image=\${image:-$last}`;
  writeFileSync(path, `#!/bin/sh\n${known}\n${image}\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
