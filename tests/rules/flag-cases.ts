/** Generated flag options for one env, from a seed: shared by the recorder and by tests of laws. */
import { Random } from "../random.ts";

export interface LibraryCase {
  readonly name: string;
  readonly flags: readonly string[];
  readonly unflags: readonly string[];
  readonly archived: boolean;
  readonly dependencies: readonly string[];
  /** Includes that lead back to a library which depends on this one. */
  readonly circular: readonly string[];
  /** The project itself includes it. */
  readonly direct: boolean;
}

export interface Case {
  readonly name: string;
  readonly board: string;
  /** framework = arduino; without it an AVR build has the platform's own flags. */
  readonly arduino: boolean;
  readonly build_flags: readonly string[];
  readonly build_unflags: readonly string[];
  readonly build_src_flags: readonly string[];
  readonly debug_build_flags: readonly string[];
  readonly debug: boolean;
  /** build_type = test: test/t.c is compiled with src, which test_build_src asks for. */
  readonly test: boolean;
  /** lib_ldf_mode = off: the direct libraries are named by lib_deps. */
  readonly off: boolean;
  readonly libraries: readonly LibraryCase[];
}

const VALUES = [
  "1",
  "007",
  "7",
  "7.0",
  "2.50",
  "1.",
  ".5",
  "0.0000001",
  "1e3",
  "0x10",
  "1.2.3",
  "-5",
  "10UL",
  "",
  "a=b",
  "12345678901234567890",
  "000",
  "00.10",
  "123456789.123",
  "1234567890123456789.5",
  "0.1",
  "100000.0",
  "0.0001",
  "0.00001",
  "3.14159265358979",
  "$PIOENV",
  "${PIOENV}",
  "$PROJECT_SRC_DIR",
  "$UNDEFINED",
  "x$UNDEFINED",
  "a$$PIOENV",
  '\\"s\\"',
  "a\\\\b",
  "a.b",
  '\\\\\\"deep\\\\\\"',
  "'\"w\"'",
  "'\"two words\"'",
  "\"'c'\"",
  "'\"it is\"'",
  '"a b"',
  "1'2'3",
  "'\"$PIOENV\"'",
  "'\"path/${PIOENV}/x\"'",
  'u8\\"x\\"',
  "#h",
];
const NAMES = ["A1", "BB", "CCC", "NAME_X", "TMP_1", "TMP_4", "Q7", "foo"];
const WORDS = [
  "-Iinc",
  "-I inc",
  "-Inone",
  "-I./inc/",
  "-I../outside",
  "-I/opt/none",
  "-I${PROJECT_DIR}/inc",
  "-I$PROJECT_SRC_DIR/sub",
  "-Isrc",
  "-Iinclude",
  "-I.",
  "'-Isp dir'",
  "-Iinc/../inc",
  "-Linc",
  "-L inc",
  "-Lnone",
  "-L/opt/lib",
  "-lfoo",
  "-l bar",
  "-llibz",
  "-lz.a",
  "-lfoo",
  "-l:q.o",
  "-include inc/pre.h",
  "-include ./inc/pre.h",
  "-include ${PROJECT_DIR}/inc/pre.h",
  "-imacros inc/m.h",
  "-isystem inc",
  "-isystem ${PROJECT_DIR}/inc",
  "-iquote inc",
  "-idirafter inc",
  "-isystem/opt/x",
  "--param max-inline=3",
  "-isysroot /opt/sdk",
  "-arch arm",
  "-iprefix/x",
  "-Wl,-Map,x.map",
  "-Wl,-u,foo",
  "-Wl,-Tx.ld",
  "-Wl,-rpath=/z",
  "-Wl,-R/z",
  "-Wl,-R,/z",
  "-Wl,-rpath,/z",
  "-R/z",
  "-Wl,--defsym,A=1",
  "-Wl,--wrap=malloc",
  "-Wa,-x",
  "-Wa,-a,-b",
  "-Wp,-y",
  "-Wp,-MD,x",
  "-std=gnu++17",
  "-std=c99",
  "-std=c++11",
  "-std=gnu11",
  "-stdlib=libc++",
  "-pthread",
  "-fopenmp",
  "-openmp",
  "-fsanitize=address",
  "-fsanitize-recover",
  "-fmerge-all-constants",
  "-mno-cygwin",
  "-mwindows",
  "+foo",
  "+x=y",
  "-Os",
  "-O2",
  "-O0",
  "-O3",
  "-Ofast",
  "-Og",
  "-g",
  "-g0",
  "-g3",
  "-ggdb",
  "-ggdb2",
  "-Wall",
  "-Wextra",
  "-Wall",
  "-fno-rtti",
  "-flto",
  "-static",
  "-s",
  "-mcpu=x",
  "-mfloat-abi=hard",
  "-w",
  "-P",
  "-F/x",
  "-F /x",
  "-framework Cocoa",
  "-frameworkdir=/q",
  "-dylib_file a:b",
  "-nostdlib",
  "-nodefaultlibs",
  "-fmacro-prefix-map=$PROJECT_SRC_DIR=.",
  '-fx="a b"',
  "-fy='q r'",
  "-fz=a\\ b",
  "-fs='\"'x'\"'",
  "-fw=$UNDEFINED",
  "-fv=${PIOENV}x",
  "-o2",
  "-x c++",
  "-T x.ld",
  "foo.a",
  "-u sym",
  "-I$BUILD_DIR/gen",
  "-L$BUILD_DIR",
  "-I${PROJECT_INCLUDE_DIR}",
  "-Wl,-Map,${BUILD_DIR}/${PROGNAME}.map",
  "-include $PROJECT_SRC_DIR/sub/x.h",
  "-isystem $PROJECT_DIR/inc",
  "-l$PIOENV",
  "-lib",
  "-llib",
  "-lx.so",
  "-std=c++2a",
  "-Wp,-DX",
  "-Wl,-T,y.ld",
  "-D'A B'=1",
  "-D__DATE__='\"x\"'",
  "-DE=",
  "-DG==",
  "-DH=$PIOPLATFORM",
  "-Wno-error=x",
  "-U__STRICT_ANSI__",
  '-D"V=1"',
  "-DW='1'",
  '-DX="1"',
  "'-DY=\"1.0\"'",
  "-DZ='$$PIOENV'",
  "-fa=$(x$)",
  "-fb=${PIOENV}${PIOENV}",
  "-x c",
  "-Xlinker --foo",
  "-Wl,--start-group -lq -Wl,--end-group",
  "-fno-lto",
  "-",
  "+",
  "-D",
  "-l",
];

export interface CaseMaker {
  native(index: number): Case;
  avr(): Case[];
}

export function caseMaker(seed: number): CaseMaker {
  const r = new Random(seed);
  const next = (): number => r.next();
  const below = (n: number): number => r.below(n);
  const pick = <T>(list: readonly T[]): T => r.pick(list);
  const chance = (p: number): boolean => r.chance(p);
  const word = (): string => {
    const kind = next();
    if (kind < 0.15) return `-D${pick(NAMES)}`;
    if (kind < 0.4) return `-D${chance(0.2) ? " " : ""}${pick(NAMES)}=${pick(VALUES)}`;
    if (kind < 0.45) return `-U${pick(NAMES)}`;
    return pick(WORDS);
  };
  const items = (most: number): string[] =>
    Array.from({ length: below(most + 1) }, () =>
      chance(0.05) ? `!echo -DCMD=${below(9)} -lcmd${below(9)}` : Array.from({ length: 1 + below(4) }, word).join(" "),
    );
  const unflags = (from: readonly string[]): string[] => {
    const words = from.filter((item) => !item.startsWith("!")).flatMap((item) => item.split(/ (?=[-+])/));
    const result: string[] = [];
    for (const one of words) if (chance(0.25)) result.push(chance(0.3) ? one.replace(/=.*/, "") : one);
    if (chance(0.2)) result.push(word());
    return result.filter((one) => !/['"\\]$/.test(one) || !/^[^'"]*['"][^'"]*$/.test(one)).filter(balanced);
  };
  const library = (name: string, dependencies: readonly string[], direct: boolean): LibraryCase => {
    const flags = items(2).filter((item) => !item.startsWith("!") && !/PROJECT_DIR|BUILD_DIR|none|outside|include|sp dir/.test(item));
    const withFolder = [...flags, ...(chance(0.5) ? ["-Iextra"] : [])];
    return {
      name,
      flags: withFolder,
      unflags: chance(0.2) ? unflags(withFolder) : [],
      archived: chance(0.7),
      dependencies,
      circular: [],
      direct,
    };
  };
  const someLibraries = (): { off: boolean; libraries: LibraryCase[] } => {
    if (chance(0.6)) return { off: false, libraries: [] };
    if (chance(0.2)) return { off: true, libraries: [library("Aa", [], true), library("Bb", [], true), library("Cc", [], true)] };
    const circular = chance(0.25) ? ["Aa"] : [];
    return {
      off: false,
      libraries: [library("Aa", ["Bb"], true), { ...library("Bb", [], false), circular }, library("Cc", chance(0.5) ? ["Bb"] : [], true)],
    };
  };
  return {
    native(index) {
      const build_flags = items(5);
      const build_src_flags = chance(0.4) ? items(2) : [];
      const test = chance(0.1);
      const { off, libraries } = someLibraries();
      const given = [...build_flags, ...build_src_flags, ...libraries.flatMap((library) => library.flags)];
      const debug = !test && chance(0.35);
      return {
        name: `n${index}`,
        board: "",
        arduino: false,
        build_flags,
        build_unflags: chance(0.5) ? unflags(given) : [],
        build_src_flags,
        debug_build_flags:
          debug && chance(0.4)
            ? [
                pick([
                  "-Og -g3",
                  "-O0",
                  "-g2 -DDBG",
                  "-Og -g2 -ggdb2 -DTMP_1=7 -Wall",
                  "-DA1 -UBB -O1 -g -I/opt/dbg",
                  "-flto -Wl,-x -std=gnu++17",
                ]),
              ]
            : [],
        debug,
        test,
        off,
        libraries,
      };
    },
    avr() {
      const boards = ["uno", "nanoatmega328", "megaatmega2560", "leonardo"];
      const kinds = [
        ...boards.flatMap((board) => [false, true].map((debug) => ({ board, debug, arduino: true }))),
        { board: "uno", debug: false, arduino: false },
        { board: "leonardo", debug: true, arduino: false },
      ];
      return kinds.map(({ board, debug, arduino }) => ({
        name: `${board}_${debug ? "debug" : "release"}${arduino ? "" : "_bare"}`,
        board,
        arduino,
        build_flags: ["-DUSER=1 -O2 -Iinc", "-Wl,-Map,x.map -lfoo -g3"],
        build_unflags: board === "uno" ? ["-Os -flto", "-std=gnu++11"] : [],
        build_src_flags: ["-DSRC -Isrc/sub"],
        debug_build_flags: [],
        debug,
        test: false,
        off: false,
        libraries: [],
      }));
    },
  };
}

/** True if no quote or backslash is left open: such text PlatformIO ends with a traceback. */
function balanced(text: string): boolean {
  return (text.match(/'/g) ?? []).length % 2 === 0 && (text.match(/"/g) ?? []).length % 2 === 0 && !text.endsWith("\\");
}
