/** What users of PlatformIO and fbuild type and fb has not, each with what to use instead; and PlatformIO's target names. */

/** `-t NAME` → fb's target; "clean" and "fullclean" are not targets of the graph. */
export const PIO_TARGETS: Readonly<Record<string, string>> = {
  upload: "flash",
  uploadeep: "flash-eeprom",
  fuses: "fuses",
  bootloader: "bootloader",
  uploadfs: "flash-fs",
  buildfs: "fs",
  erase: "erase",
  size: "size",
  checkprogsize: "size",
  buildprog: "firmware",
  compiledb: "compdb",
  monitor: "monitor",
  clean: "clean",
  fullclean: "fullclean",
};

/** What a user may mean by one of PlatformIO's targets that fb has not. */
export const PIO_TARGETS_NOT_HERE: Readonly<Record<string, string>> = {
  nobuild: "fb builds what is out of date before it flashes; when nothing is, that takes no time: fb run :flash",
  idedata: "an editor reads the compilation database: fb run :compdb",
  envdump: "fb config prints the project, fb run -v the commands",
  sizedata: "fb run :size",
  program: "fb run :flash",
};

const KEEP_PIO = "`pio` reads the same platformio.ini and can be used beside fb";

/** Verbs of PlatformIO and fbuild → what to do with fb. */
export const FOREIGN_VERBS: Readonly<Record<string, string>> = {
  test: `fb runs no unit tests; for \`pio test\`: ${KEEP_PIO}`,
  check: "write compile_commands.json with `fb run :compdb` and run clang-tidy or cppcheck on it",
  debug: "build with `fb run --debug :elf` and start the debugger on .fb/build/ENV/debug/firmware.elf",
  home: "fb has no graphical home; `fb boards`, `fb init` and `fb doctor` are its parts",
  pkg: "`fb deps` brings and lists packages and libraries, `fb deps --upgrade` takes newer ones; libraries are listed in lib_deps",
  lib: "list libraries in lib_deps of platformio.ini: `fb deps` gets them, and so does a build",
  platform: "name the platform in platformio.ini: `fb build` gets what it needs",
  project: "`fb config` prints the project, `fb init --board ID` starts one, `fb run :compdb` describes it to editors",
  ci: "`fb init --board ID` in an empty folder, then `fb build`; several projects: fb run a:firmware b:firmware",
  system: "`fb doctor` checks this machine, `fb cache stats` says what the cache holds",
  settings: "fb keeps its settings in platformio.ini and fb.toml",
  account: `fb needs no account; ${KEEP_PIO}`,
  org: `fb needs no account; ${KEEP_PIO}`,
  team: `fb needs no account; ${KEEP_PIO}`,
  access: `fb needs no account; ${KEEP_PIO}`,
  remote: `fb uses boards on this machine only; ${KEEP_PIO}`,
  update: "`fb deps --upgrade` takes newer packages and libraries; fb itself is updated as it was installed",
  upgrade: "fb is updated as it was installed",
  upload: "`fb deploy`, or `fb run :flash`",
  flash: "`fb run :flash`",
  compile: "`fb build`",
  make: "`fb build`",
  install: "packages come by themselves when something needs them: `fb build`",
  sync: "fb writes fb.lock in every build; `--locked` fails if it would change",
  purge: "`fb cache clear`",
  symbols: "`fb run :size`",
  bloat: "`fb run :size`",
  reset: "`fb run :flash` resets the board when it is done",
  "compile-many": "fb run a:firmware b:firmware",
  lint: "`fb config --lint`",
  ls: "`fb config` lists the envs",
};

/** Flags of the same tools, by their spelling, that fb has under another name or does not need. */
export const FOREIGN_FLAGS: Readonly<Record<string, string>> = {
  "-d": "the project's folder is -C DIR",
  "--project-conf": "fb reads platformio.ini of the folder that -C names",
  "--upload-port": "-p PORT",
  "--monitor-port": "-p PORT",
  "-s": "fb is quiet by itself: only what runs, fails or warns is shown",
  "--silent": "fb is quiet by itself: only what runs, fails or warns is shown",
  "--disable-auto-clean": "fb never cleans by itself more than what is out of date",
  "--list-targets": "`fb help targets`",
  "--clean-all": "`fb clean --all`, then build",
  "--skip-build": "fb builds what is out of date; when nothing is, that takes no time",
  "--json-output": "--json",
};
