/** Machines that programs are made for, by the names that PlatformIO's registry has for them, and which of them run on which. */

export const SYSTEMS = [
  ...["linux_x86_64", "linux_aarch64", "linux_armv7l", "linux_armv6l", "linux_i686"],
  ...["darwin_x86_64", "darwin_arm64", "windows_amd64", "windows_x86", "windows_arm64"],
] as const;

/** Stands for every system. */
export const ANY_SYSTEM = "*";

const ALSO: Readonly<Record<string, readonly string[]>> = {
  // Rosetta 2; Windows on ARM; 32 bits on 64.
  darwin_arm64: ["darwin_x86_64"],
  windows_amd64: ["windows_x86"],
  windows_arm64: ["windows_amd64", "windows_x86"],
  linux_armv7l: ["linux_armv6l"],
};

/** The systems whose programs run on one, best first; last what is for any. */
export function runnable(system: string): readonly string[] {
  return [system, ...(ALSO[system] ?? []), ANY_SYSTEM];
}

/** Of things made for systems the best for one: the first of those that suit it most; null where none does. */
export function bestFor<T>(all: readonly T[], system: string, systemsOf: (one: T) => readonly string[]): T | null {
  for (const each of runnable(system)) {
    const found = all.find((one) => systemsOf(one).includes(each));
    if (found !== undefined) return found;
  }
  return null;
}
