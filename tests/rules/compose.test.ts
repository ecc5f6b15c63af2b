/** compose() against what PlatformIO 6.2.0 passed to its tools (fixtures/flags-*.json, made by record-flags.ts), and its own rules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ComposeInput, type CompileFlags, compose } from "../../rules/compose.ts";
import { commandsIn, noScopes, parseFlags, plainScopes, type Scopes } from "../../rules/flags.ts";
import type { Case } from "./flag-cases.ts";

interface Recorded extends Case {
  readonly expect: {
    readonly c: readonly string[];
    readonly cxx: readonly string[];
    readonly S: readonly string[];
    readonly s: readonly string[];
    readonly link: readonly string[];
    readonly libraries: Readonly<Record<string, readonly string[]>>;
    readonly framework: readonly string[] | null;
  };
}

const fixtures = process.env["FB_FLAG_FIXTURES"] ?? join(import.meta.dirname, "fixtures");
const read = (name: string): Recorded[] => JSON.parse(readFileSync(join(fixtures, name), "utf8"));

const core = "/CORE/packages/framework-arduino-avr";
const facts: Readonly<Record<string, readonly [mcu: string, define: string, variant: string]>> = {
  uno: ["atmega328p", "ARDUINO_AVR_UNO", "standard"],
  nanoatmega328: ["atmega328p", "ARDUINO_AVR_NANO", "eightanaloginputs"],
  megaatmega2560: ["atmega2560", "ARDUINO_AVR_MEGA2560", "mega"],
  leonardo: ["atmega32u4", "ARDUINO_AVR_LEONARDO", "leonardo"],
};

function avrFramework(board: string): Scopes {
  const [mcu, , variant] = facts[board] ?? ["", "", ""];
  const usb = ["USB_VID=0x2341", "USB_PID=0x8036", 'USB_PRODUCT="Arduino Leonardo"', 'USB_MANUFACTURER="Arduino"'];
  return plainScopes({
    asflags: [`-mmcu=${mcu}`],
    asppflags: ["-x", "assembler-with-cpp"],
    cflags: ["-std=gnu11", "-fno-fat-lto-objects"],
    ccflags: [`-mmcu=${mcu}`, "-Os", "-Wall", "-ffunction-sections", "-fdata-sections", "-flto"],
    cxxflags: ["-fno-exceptions", "-fno-threadsafe-statics", "-fpermissive", "-std=gnu++11"],
    cppflags: [],
    linkflags: [`-mmcu=${mcu}`, "-Os", "-Wl,--gc-sections", "-flto", "-fuse-linker-plugin"],
    defines: ["F_CPU=16000000L", "ARDUINO_ARCH_AVR", "ARDUINO=10808", ...(board === "leonardo" ? usb : [])],
    includes: [`${core}/cores/arduino`, `${core}/variants/${variant}`],
    libpath: [],
    libs: ["m"],
  });
}

function avrBare(board: string): Scopes {
  const scopes = avrFramework(board);
  return { ...scopes, cxxflags: ["-Wno-error=narrowing", ...scopes.cxxflags], defines: scopes.defines.slice(0, 1), includes: [] };
}

function variablesOf(one: Case): Map<string, string> {
  return new Map([
    ["PIOENV", one.name],
    ["PROJECT_DIR", "/P"],
    ["PROJECT_SRC_DIR", "/P/src"],
    ["PROJECT_INCLUDE_DIR", "/P/include"],
    ["BUILD_DIR", `/P/.pio/build/${one.name}`],
    ["PROGNAME", one.board === "" ? "program" : "firmware"],
    ["PIOPLATFORM", one.board === "" ? "native" : "atmelavr"],
  ]);
}

function inputOf(one: Case): ComposeInput {
  const variables = variablesOf(one);
  const parse = (items: readonly string[], base: string, plain: boolean): Scopes => {
    const expanded = items.map((item) => item.replaceAll("${PROJECT_DIR}", "/P"));
    const commands = new Map(commandsIn(expanded).map((command) => [command, command.replace(/^echo /, "")]));
    return parseFlags(expanded, {
      variables,
      projectDir: "/P",
      base,
      commands,
      plain,
      option: "build_flags",
      file: null,
      line: 0,
      column: 0,
    }).scopes;
  };
  const debugFlags = one.debug_build_flags.length > 0 ? one.debug_build_flags : ["-Og", "-g2", "-ggdb2"];
  return {
    variables,
    projectDir: "/P",
    buildDir: `.pio/build/${one.name}`,
    platform: one.board !== "" && !one.arduino ? avrBare(one.board) : noScopes,
    board: one.board === "" ? noScopes : parse([`-D${facts[one.board]?.[1]}`], "", false),
    user: parse(one.build_flags, "", false),
    framework: one.arduino ? avrFramework(one.board) : noScopes,
    unflags: parse(one.build_unflags, "", false),
    src: parse(one.build_src_flags, "", false),
    debug: one.debug ? parse(debugFlags, "", true) : null,
    withoutLto: false,
    testIncludes: one.test ? ["test"] : null,
    projectIncludes: ["include", "src"],
    libraries: one.libraries.map((library) => ({
      id: library.name,
      includes: [`lib/${library.name}/src`],
      flags: parse(library.flags, `lib/${library.name}`, false),
      unflags: parse(library.unflags, `lib/${library.name}`, false),
      archived: library.archived,
      off: one.off,
      lendsIncludes: true,
      dependencies: library.dependencies,
      circular: library.circular,
    })),
    uses: one.libraries.filter((library) => library.direct).map((library) => library.name),
    before: noScopes,
    extra: noScopes,
    after: noScopes,
    ldscript: null,
  };
}

const cxx = (f: CompileFlags): string[] => [...f.cxxflags, ...f.ccflags, ...f.cppflags, ...f.defines, ...f.includes];
const c = (f: CompileFlags): string[] => [...f.cflags, ...f.ccflags, ...f.cppflags, ...f.defines, ...f.includes];
const asm = (f: CompileFlags): string[] => [...f.asflags, ...f.asppflags, ...f.cppflags, ...f.defines, ...f.includes];

/** The differences that fb wants: folders that do not exist are relative to the project, folders in it are never absolute, a bare word is named as it was written. */
function wanted(args: readonly string[]): string[] {
  const folder = /^\/CORE\/platforms\/\w+\/builder\//;
  return args.map((arg, i) => {
    const before = args[i - 1] ?? "";
    if (/^-[IL]\/CORE\/platforms/.test(arg))
      return (
        arg.slice(0, 2) +
        arg
          .slice(2)
          .replace(folder, "")
          .replace(/^\/CORE\/platforms\/\w+\//, "/")
      );
    if (before === "-imacros") return arg.replace(folder, "");
    if (/^-(include|isystem|iquote|idirafter)$/.test(before)) return arg.replace(/^\/P\//, "");
    return arg.replace(/^-l\/P\//, "-l./");
  });
}

function check(one: Recorded): void {
  const got = compose(inputOf(one));
  const same = (actual: readonly string[], expected: readonly string[], what: string): void =>
    assert.equal(actual, wanted(expected), `${one.name} ${what}\n${JSON.stringify(inputsOf(one))}`);
  same(cxx(got.project), one.expect.cxx, "C++");
  same(c(got.project), one.expect.c, "C");
  same(asm(got.project), one.expect.S, "S");
  same(got.project.asflags, one.expect.s, "s");
  for (const [name, args] of Object.entries(one.expect.libraries)) {
    const library = got.libraries.get(name);
    assert.ok(library, `${one.name}: library ${name} is not built`);
    if (library !== undefined) same(c(library), args, `library ${name}`);
  }
  if (one.expect.framework !== null) same(c(got.framework), one.expect.framework, "framework");
  const built = (end: string): string[] => one.expect.link.filter((arg) => arg.startsWith(".pio/build/") && arg.endsWith(end));
  const libs = [...got.link.libsBefore, ...built(".a"), ...got.link.libsAfter];
  const group = libs.length === 0 ? [] : ["-Wl,--start-group", ...libs, "-Wl,--end-group"];
  const program = one.expect.link[1] ?? "";
  // Of -llib nothing is left, and PlatformIO puts an empty group there.
  const expected = one.expect.link
    .join("\0")
    .replace(/\0-Wl,--start-group\0-Wl,--end-group$/, "")
    .split("\0");
  same(["-o", program, ...got.link.linkflags, ...built(".o"), ...got.link.libpath, ...group], expected, "link");
  const archives = one.expect.link.filter((arg) => /\/lib\w{3}\/lib\w+\.a$/.test(arg)).map((arg) => arg.replace(/.*\/lib(\w+)\.a$/, "$1"));
  assert.equal(
    got.order.filter((id) => one.libraries.some((library) => library.name === id && library.archived)),
    archives,
    `${one.name} archives`,
  );
}

function inputsOf(one: Recorded): object {
  const { expect: _, ...rest } = one;
  return rest;
}

for (const name of ["flags-native.json", "flags-avr.json"]) {
  for (const one of read(name)) test(`${name}: ${one.name}`, () => check(one));
}

const plain = {
  asflags: [],
  asppflags: [],
  cflags: [],
  ccflags: [],
  cxxflags: [],
  cppflags: [],
  linkflags: [],
  defines: [],
  includes: [],
  libpath: [],
  libs: [],
};
const empty: Case = {
  name: "e",
  board: "",
  arduino: false,
  build_flags: [],
  build_unflags: [],
  build_src_flags: [],
  debug_build_flags: [],
  debug: false,
  test: false,
  off: false,
  libraries: [],
};

test("quick leaves out the LTO flags of platform and framework, not those of board and user", () => {
  const framework = plainScopes({
    ...plain,
    cflags: ["-std=gnu11", "-fno-fat-lto-objects"],
    ccflags: ["-Os", "-flto", "-flto=auto", "-flto-partition=none", "-Wlto-type-mismatch"],
    linkflags: ["-Os", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections"],
  });
  const input = {
    ...inputOf({ ...empty, board: "uno", build_flags: ["-flto -Wl,-flto"] }),
    framework,
    platform: framework,
    withoutLto: true,
  };
  const { project, link } = compose(input);
  assert.equal(project.cflags, ["-std=gnu11", "-std=gnu11"]);
  assert.equal(project.ccflags, ["-Os", "-Wlto-type-mismatch", "-flto", "-Os", "-Wlto-type-mismatch"]);
  assert.equal(link.linkflags, ["-Os", "-Wl,--gc-sections", "-Wl,-flto", "-Os", "-Wl,--gc-sections"]);
});

test("a flag for the build folder is another than the one that is always there", () => {
  const libpath = (more: Partial<Case>): readonly string[] => compose(inputOf({ ...empty, ...more })).link.libpath;
  assert.equal(libpath({}), ["-L.pio/build/e"]);
  assert.equal(libpath({ build_src_flags: ["-L$BUILD_DIR"] }), ["-L.pio/build/e", "-L.pio/build/e"]);
  assert.equal(libpath({ build_unflags: ["-L$BUILD_DIR"] }), ["-L.pio/build/e"]);
});

test("variables in a library's name are replaced twice, as in defines", () => {
  const { link } = compose(inputOf({ ...empty, build_flags: ["-la$PIOENV '-lb$$PIOENV' '-lc$$$$x' '-DD=$$PIOENV'"] }));
  assert.equal(link.libsAfter, ["-lae", "-lbe", "-lc$x"]);
});

test("the platform's linker script comes first, unless flags name one", () => {
  const linkflags = (build_flags: readonly string[]): readonly string[] =>
    compose({ ...inputOf({ ...empty, build_flags }), ldscript: "x.ld" }).link.linkflags;
  assert.equal(linkflags(["-Wl,-u,a"]), ["-T", "x.ld", "-Wl,-u,a"]);
  assert.equal(linkflags(["-Wl,-Ty.ld"]), ["-Wl,-Ty.ld"]);
});

test("PlatformIO's own define can be taken away, by value too", () => {
  for (const unflag of ["-DPLATFORMIO", "-DPLATFORMIO=60200", "-DPLATFORMIO=060200.0"]) {
    assert.equal(compose(inputOf({ ...empty, build_unflags: [unflag] })).project.defines, [], unflag);
  }
  assert.is(compose(inputOf({ ...empty, build_unflags: ["-DPLATFORMIO=6"] })).project.defines.length, 1);
});

test("law: compose changes nothing that it is given, and gives the same again", () => {
  for (const one of read("flags-native.json").slice(0, 40)) {
    const input = inputOf(one);
    const before = JSON.stringify(input);
    const first = compose(input);
    assert.equal(compose(input), first);
    assert.is(JSON.stringify(input), before);
  }
});

test("law: libraries that share dependencies many times over are composed once", () => {
  const none = inputOf(empty);
  const ids = Array.from({ length: 40 }, (_, i) => `L${i}`);
  const libraries = ids.map((id, i) => ({
    id,
    includes: [`lib/${id}`],
    flags: noScopes,
    unflags: noScopes,
    archived: true,
    off: false,
    lendsIncludes: true,
    dependencies: ids.slice(i + 1),
    circular: ids.slice(0, i),
  }));
  const { order, project } = compose({ ...none, libraries, uses: ["L0"] });
  assert.equal(order, ids.toReversed());
  assert.is(project.includes.length, 42);
});

test("a project whose path has a blank can name it in flags", () => {
  const variables = new Map([["PROJECT_DIR", "/my projects/p"]]);
  const { project } = compose({
    ...inputOf({ ...empty, build_flags: ["'-DD=\"$PROJECT_DIR\"' -fx=$PROJECT_DIR=. -isystem $PROJECT_DIR/i"] }),
    projectDir: "/my projects/p",
    variables,
  });
  assert.equal(project.defines.slice(1), ['-DD="/my projects/p"']);
  assert.equal(project.ccflags, ["-fx=/my projects/p=.", "-isystem", "i"]);
});

test("arguments that a shell would refuse reach the compiler", () => {
  const { project } = compose(inputOf({ ...empty, build_flags: ["'-DF(x)=x' -DM=(1<<3) -DA=a;b", "'-DS=\"it is\"' \"-DC='c'\""] }));
  assert.equal(project.defines, ["-DPLATFORMIO=60200", "-DF(x)=x", "-DM=(1<<3)", "-DA=a;b", '-DS="it is"', "-DC=c"]);
});

test.run();
