/** Hostile platformio.ini files written by hand: each shows one thing that PlatformIO does. */
import type { IniCase } from "./ini-cases.ts";

const TEXTS: Readonly<Record<string, string>> = {
  plain: "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n",
  empty: "",
  "only comments": "; a\n# b\n",
  "text before a section": "platform = x\n[env:a]\n",
  "no delimiter": "[env:a]\nplatform\n",
  "no name": "[env:a]\n= x\n",
  "continuation at the same indent": "[env:a]\nbuild_flags =\n-DA\n",
  "indented options": "  [env:a]\n  board = uno\n  build_flags =\n    -DA\n    -DB\n  platform = x\n",
  "indented section in a value": "[env:a]\nbuild_flags = -DA\n  [env:b]\nboard = x\n",
  "option deeper than a section": "[env:a]\n    board = uno\n  platform = x\n",
  tabs: "[env:a]\n\tboard\t=\tuno\n\tbuild_flags\t=\n\t\t-DA\n\t\t-DB\n",
  "blank lines in a value": "[env:a]\nbuild_flags = -DA\n\n  -DB\n\n\n  -DC\n\nboard = x\n\n[c]\nx = a\n\n  b\n\n",
  "comments in a value":
    "[env:a]\nbuild_flags =\n  -DA\n; one\n  ; two\n# three\n  -DB ; four\n  -DC# five\n  -DD # six\n[c]\nx =\n  a\n ; gone\n\n  b # c\n",
  "comment signs in both orders":
    "[c]\na = x;y ;z #w\nb = x#y #z ;w\nd = ;x\ne = a;b ;c\nf = a #b;c\ng = a ;b #c\nh = a #b ;c\n[env:a]\nbuild_flags = x;y ;z #w\n",
  "quotes do not protect": "[env:a]\nbuild_flags = -DS='\"a ; b\"' -DT=1\n",
  "colon and equals": "[env:a]\nboard: uno\nbuild_flags = -DA=1 -DB:2\nupload_port : COM3\nx:y=z\n",
  case: "[env:a]\nPlatform = X\nBOARD=Uno\n[Common]\nFlags = A\n[env:b]\nbuild_flags = ${Common.flags} ${Common.Flags}\n",
  "capital option through extends": "[c]\nfoo = 1\n[d]\nextends = c\n[env:b]\nbuild_flags = ${d.FOO}\n",
  "header with spaces": "[ env:a ]\nboard = x\n[env:a]\nboard = y\n[e x]\nq = 1\n",
  "header with brackets": "[a]b]\nx = 1\n[c] d\ny = 2\n[env:a]\nz = ${c.y}\n",
  "empty header": "[]\nx = 1\n",
  "open header": "[env:a\nboard = x\n",
  "duplicate option": "[env:a]\nboard = x\nBoard = y\n",
  "duplicate section": "[env:a]\nboard = x\n[env:a]\nplatform = y\n",
  DEFAULT:
    "[DEFAULT]\nboard = d\nfoo = 1\n[common]\nx = ${DEFAULT.foo} %(foo)s\n[env]\nboard = e\n[env:a]\nplatform = p\nextends = base\n[base]\nboard = b\nupload_speed = 5\n[env:b]\nboard = own\n",
  "DEFAULT twice": "[DEFAULT]\na = 1\n[env:x]\nb = 2\n[DEFAULT]\nc = 3\n",
  "DEFAULT option twice": "[DEFAULT]\na = 1\n[env:x]\nb = 2\n[DEFAULT]\na = 3\n",
  "DEFAULT extends": "[DEFAULT]\nextends = c\n[env:a]\nboard = x\n",
  "percent alone": "[env:a]\nbuild_flags = -DA=50%\n",
  "percent twice": "[env:a]\nbuild_flags = -DA=50%% -DB=%%d\nupload_flags = %%(x)s\n",
  "percent reference": "[env:a]\nname_x = n\nbuild_flags = -DA=%(name_x)s -DB=%(NAME_X)s\n",
  "percent reference missing": "[env:a]\nbuild_flags = %(nope)s\n",
  "percent reference open": "[env:a]\nbuild_flags = %(nope\n",
  "percent reference of another section": "[c]\nx = 1\n[env:a]\nextends = c\nbuild_flags = %(x)s\n",
  "percent recursion": "[env:a]\na = %(b)s\nb = %(a)s\n",
  "percent in unread section of env": "[c]\nx = 5%\n[env:a]\nboard = u\n",
  "percent depth 10":
    "[c]\na0 = %(a1)s%%\na1 = %(a2)s%%\na2 = %(a3)s%%\na3 = %(a4)s%%\na4 = %(a5)s%%\na5 = %(a6)s%%\na6 = %(a7)s%%\na7 = %(a8)s%%\na8 = %(a9)s%%\na9 = end%%\n",
  "percent depth 11":
    "[c]\na0 = %(a1)s%%\na1 = %(a2)s%%\na2 = %(a3)s%%\na3 = %(a4)s%%\na4 = %(a5)s%%\na5 = %(a6)s%%\na6 = %(a7)s%%\na7 = %(a8)s%%\na8 = %(a9)s%%\na9 = %(a10)s%%\na10 = end%%\n",
  "percent in extends": "[c]\nx = 1\n[d]\nextends = %(y)s\ny = c\n[env:a]\nextends = d\n",
  lists:
    "[env:a]\nbuild_flags = a, b,c,  d\nlib_deps = a,b\nframework = arduino,simba\nlib_ignore = x, ,y\nbuild_unflags =\n  -DB -DC\n  a, b\ntargets =\n",
  "list items that are comments": "[env:a]\nlib_deps = ${c.x}\nlib_ignore = ${c.y}\n[c]\nx = %(h)s\nh =\n  a\n  b\ny = ${sysenv.TEXT}\n",
  "extends order":
    "[env]\nboard = e\nq = 1\n[env:x]\nextends = a, b, c\nown = 1\n[a]\nboard = a\nz = a\nza = 1\n[b]\nboard = b\nz = b\n[c]\nextends = d\nz = c\n[d]\nboard = d\nzd = 1\n",
  "extends an env": "[env]\nboard = base\n[env:p]\nboard = P\nx = 1\n[env:q]\nextends = env:p\n[env:r]\nextends = env:q\nboard = R\n",
  "extends missing": "[env:a]\nextends = nope, c\n[c]\nboard = u\n",
  "extends itself": "[env:a]\nextends = env:a\n",
  "extends in a circle": "[a]\nextends = b\n[b]\nextends = c\n[c]\nextends = a\n[env:x]\nboard = u\n",
  "extends a diamond": "[env:x]\nextends = a, b\n[a]\nextends = c\nk = a\n[b]\nextends = c\n[c]\nk = c\nl = c\n",
  "env extends an env": "[env]\nextends = env:a\n[env:a]\nboard = a\n[env:b]\nplatform = p\n",
  "env extends and is extended": "[env]\nextends = env:a\n[env:a]\nboard = a\nextends = env\n",
  "extends with braces": "[c]\nx = 1\n[n]\nname = c\n[env:a]\nextends = ${n.name}\n",
  "platformio extends": "[platformio]\nextends = p\n[p]\nsrc_dir = other\nname = n\n[env:a]\nboard = x\n",
  braces:
    "[c]\nf = -DA\n[env:a]\nboard = uno\nbuild_flags = ${c.f} ${this.board} ${env:b.board} ${env.monitor_speed} ${this.__env__}\n[env:b]\nboard = due\nlib_deps = x, y\n[env:z]\nlib_deps = ${env:b.lib_deps}\nbuild_flags = ${env.debug_build_flags} ${env.build_type} ${env:a.lib_archive}[${env.board}][${env.lib_deps}]\n",
  "braces: this through extends":
    "[c]\nbuild_flags = ${env:a.board} -DB=1\n[env]\nupload_port = ${this.board}\nboard = e\n[env:a]\nextends = c\nboard = uno\n",
  "braces: this in common": "[c]\nf = ${this.board}\n[env:a]\nboard = x\nbuild_flags = ${c.f}\n",
  "braces: __env__ outside an env": "[c]\nf = ${this.__env__}\n[env:a]\nboard = x\n",
  "braces: __env__ in env": "[env]\nbuild_flags = -DN=${this.__env__}\n[env:a]\nboard = x\n",
  "braces: unknown section": "[env:a]\nbuild_flags = ${nope.x}\n",
  "braces: unknown option": "[c]\nx = 1\n[env:a]\nbuild_flags = ${c.y}\n",
  "braces: unknown env option": "[env:a]\nbuild_flags = ${env:a.nope}\n",
  "braces: unset declared option": "[env:a]\nbuild_flags = x${env:a.board} y${env:a.lib_deps} z${env:b.board_build.mcu}\n",
  "braces: recursion": "[env:a]\nbuild_flags = ${this.build_flags}\n",
  "braces: recursion of two": "[env:a]\nx = ${this.y}\ny = ${this.x}\n",
  "braces: recursion by old name": "[env:a]\nsrc_filter = ${this.build_src_filter}\n",
  "braces: odd":
    '[env:a]\nx = ${f(c.e).e} ${c).e} ${} ${.b} ${c.} $ $$ ${d${c.e} ${UPLOAD_PORT and "-p "+UPLOAD_PORT} $PROJECT_DIR ${this} {c.e} }${c.e} ${a \n[c]\ne = E\n[d${c]\ne = odd\n',
  "braces: open one before another": "[env:a]\nx = ${a ${c.e}\n[c]\ne = E\n",
  "braces: builtins": "[env:a]\nbuild_flags = ${PROJECT_DIR} ${PROJECT_HASH} ${UNIX_TIME} ${PROJECT_SRC_DIR} ${PIOENV} ${BUILD_DIR}\n",
  "braces: dotted option": "[env:b]\nboard_build.f_cpu = 8000000L\n[env:a]\nbuild_flags = ${env:b.board_build.f_cpu} ${sysenv.A.B}\n",
  "braces: over two lines": "[env:a]\nbuild_flags = ${c.\n  x}\n[c]\nx = 1\n",
  "bare project hash":
    "[env:a]\nx = $PROJECT_HASH\ny = $$PROJECT_HASH $PROJECT_HASH\nz = $PROJECT_HASH a$\nw = a $PROJECT_HASH-$PROJECT_HASHED\n",
  dirs: "[platformio]\nbuild_dir = $PROJECT_DIR/b\nsrc_dir = ./a/../b//c/\nlib_dir = ~/lib\ntest_dir = /abs/../x\ndata_dir = //two/x\ninclude_dir =\nboards_dir = ${PROJECT_DIR}/bb\nworkspace_dir = w\nmonitor_dir = ${X}/m\nshared_dir = ../../../../../up\n[env:a]\nbuild_flags = ${platformio.build_dir} ${platformio.libdeps_dir} ${platformio.packages_dir} ${platformio.name} ${platformio.build_cache_dir} ${platformio.include_dir} ${platformio.shared_dir}\n",
  "bool empty": "[env:a]\nlib_archive =\n",
  bools:
    "[env:b0]\nlib_archive = 1\n[env:b1]\nlib_archive = 0\n[env:b2]\nlib_archive = yes\n[env:b3]\nlib_archive = No\n[env:b4]\nlib_archive = TRUE\n[env:b5]\nlib_archive = False\n[env:b6]\nlib_archive = on\n[env:b7]\nlib_archive = OFF\n[env:b8]\nlib_archive = t\n[env:b9]\nlib_archive = F\n[env:b10]\nlib_archive = y\n[env:b11]\nlib_archive = N\n",
  "bool bad": "[env:a]\nlib_archive = maybe\n",
  integers:
    "[env:i0]\nupload_speed = 0\n[env:i1]\nupload_speed = 115200\n[env:i2]\nupload_speed = +5\n[env:i3]\nupload_speed = -7\n[env:i4]\nupload_speed = 1_000\n[env:i5]\nupload_speed = 007\n[env:i6]\nupload_speed = -0\n",
  "integer empty": "[env:a]\nupload_speed =\n",
  "integer bad": "[env:a]\nupload_speed = 115200L\n",
  "integer hex": "[env:a]\nupload_speed = 0x10\n",
  "integer of lines": "[env:a]\nupload_speed =\n  9600\n",
  "integer underscores": "[env:a]\nupload_speed = 1__0\n",
  flag: "[env:a]\nmonitor_rts = 1\nmonitor_dtr = 0\n",
  "flag bad": "[env:a]\nmonitor_rts = 2\n",
  choice: "[env:a]\nmonitor_parity = E\nlib_ldf_mode = chain+\nbuild_type = debug\ncheck_severity = low, high\n",
  "choice case": "[env:a]\nmonitor_parity = e\n",
  "choice bad": "[env:a]\nbuild_type = fast\n",
  "choice list bad": "[env:a]\ncheck_severity = low,high\n",
  "choice empty": "[env:a]\nbuild_type =\n",
  "svd missing": "[env:a]\ndebug_svd_path = nope.svd\n",
  "hidden by empty": "[env]\nboard = x\nlib_deps = a\nbuild_flags = -DA\n[env:a]\nboard =\nlib_deps =\n",
  renamed:
    "[platformio]\nenv_default = a\nhome_dir = /h\n[env:a]\nsrc_filter = +<x>\nmonitor_baud = 1\nboard_f_cpu = 5\nlib_use = a, b\nboard_mcu = m\n",
  "renamed and new":
    "[env]\nbuild_src_filter = new\n[env:a]\nsrc_filter = old\n[env:b]\nbuild_src_filter = n\nsrc_filter = o\n[env:c]\nsrc_filter = o\nbuild_src_filter = n\n",
  "unknown options":
    "[platformio]\ncustom_x = 1\nbord = 2\n[env]\nfoo = 1\n[env:a]\ncustom_y = 1\nboard_z = 2\nbaord = uno\nsrc_dir = x\n[free]\nanything = goes\n",
  "monitor_raw and filters": "[env:a]\nmonitor_raw = yes\nmonitor_filters = time\n[env:b]\nmonitor_raw = no\nmonitor_filters = time\n",
  "no envs": "[common]\nx = 1\n",
  "default_envs unknown": "[platformio]\ndefault_envs = a,b\n[env:a]\nx = 1\n",
  "default_envs unknown beside a bad env name": "[platformio]\ndefault_envs = z\n[env:a b]\nboard = x\n",
  "bad env name": "[env:a b]\nboard = x\n",
  unicode:
    "[env:\u00e4]\nbeschreibung = gr\u00f6\u00dfe\n[c]\n\u00c4\u00d6 = \u00fc \u2003x\u2003\nx = ${c.\u00e4\u00f6}\n\u00a0y = 1\n[env:a]\nboard = \u2028x\u2028;y\n",
  "odd white space": "[c]\na = x\u000b;y\nb\f=\fz\nc = \u0085q\u001c\nd = a\u3000;b\ne = a\ufeff;b\n",
  crlf: "[env:a]\r\nboard = x\r\nbuild_flags =\r\n  -DA\r\n\r\n  -DB\r\n",
  cr: "[env:a]\rboard = x\rbuild_flags =\r  -DA\r",
  "no newline at the end": "[env:a]\nboard = x",
  "env alone": "[env]\nboard = x\n[envx]\na = 1\n[env:]\nb = 1\n",
};

const FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "extra: override and add": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = x\nq = 1\n",
    "b.ini": "[env:a]\nr = 2\nboard = y\n[env:b]\nboard = z\n",
  },
  "extra: missing": {
    "platformio.ini": "[platformio]\nextra_configs = nope.ini\n[env:a]\nboard = x\n",
  },
  "extra: glob and nested": {
    "platformio.ini": "[platformio]\nextra_configs =\n  conf/*.ini\n  deep/**/*.ini\n[env:a]\nboard = x\n",
    "conf/1.ini": "[env:one]\nextends = env:a\n[platformio]\nextra_configs = last.ini\n",
    "conf/.hidden.ini": "[env:hidden]\n",
    "conf/2.txt": "[env:no]\n",
    "deep/a/b/3.ini": "[env:three]\nboard = 3\n",
    "deep/4.ini": "[env:four]\nboard = 4\n",
    "last.ini": "[env:last]\nboard = l\n[env:a]\nboard = last\n",
  },
  "extra: circle": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = x\n",
    "b.ini": "[platformio]\nextra_configs = c.ini\n[env:a]\nboard = b\n",
    "c.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = c\n",
  },
  "extra: the main file again": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini, platformio.ini\n[env:a]\nboard = x\n",
    "b.ini": "[env:a]\nboard = b\n",
  },
  "extra: syntax": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = x\n",
    "b.ini": "[env:a]\nnonsense\n",
  },
  "extra: interpolated": {
    "platformio.ini": "[names]\nf = b\n[platformio]\nextra_configs = ${names.f}.ini\n[env:a]\nboard = x\n",
    "b.ini": "[env:a]\nboard = b\n",
  },
  "extra: interpolation needs a later file": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini, ${names.f}.ini\n[env:a]\nboard = x\n",
    "b.ini": "[names]\nf = c\n",
  },
  "extra: value in another file": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nbuild_flags = ${c.f} %(own)s\nown = 1\n",
    "b.ini": "[c]\nf = -DC\n[env:a]\nown = 2\n",
  },
  "extra: no section in front": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = x\n",
    "b.ini": "  y\n",
  },
  "extra: in a folder": {
    "platformio.ini": "[platformio]\nextra_configs = ./sub/x.ini\n[env:a]\nboard = x\n",
    "sub/x.ini": "[platformio]\nextra_configs = y.ini\n[env:x]\nboard = x\n",
    "sub/y.ini": "[env:wrong]\n",
    "y.ini": "[env:y]\nboard = y\n",
  },
  "extra: braces mean nothing in a pattern": {
    "platformio.ini": "[platformio]\nextra_configs = {b,c}.ini, more/[!x]?.ini, more/*/, */+(d).ini\n[env:a]\nboard = x\n",
    "b.ini": "[env:b]\nboard = b\n",
    "c.ini": "[env:c]\nboard = c\n",
    "more/y1.ini": "[env:y1]\nboard = y\n",
    "more/x1.ini": "[env:x1]\nboard = x\n",
    "more/.1.ini": "[env:hidden]\nboard = h\n",
    "more/+(d).ini": "[env:d]\nboard = d\n",
  },
  "extra: one file by two spellings": {
    "platformio.ini": "[platformio]\nextra_configs = b.ini, c.ini, ./b.ini, ./[b]*.ini\n[env:a]\nboard = x\n",
    "b.ini": "[env:a]\nboard = b\n",
    "c.ini": "[env:a]\nboard = c\n",
  },
  "svd there": {
    "platformio.ini": "[env:a]\ndebug_svd_path = x.svd\n",
    "x.svd": "<device/>",
  },
};

/** With environment variables. */
const VARS: Readonly<Record<string, readonly [text: string, vars: Readonly<Record<string, string>>]>> = {
  "vars: list appended": ["[env:a]\nbuild_flags = -DA, -DB\n[env:b]\nboard = x\n", { PLATFORMIO_BUILD_FLAGS: "-DC -DD" }],
  "vars: scalar replaced": ["[env:a]\nupload_port = COM1\n[env:b]\nboard = x\n", { PLATFORMIO_UPLOAD_PORT: "/dev/tty1" }],
  "vars: empty": [
    "[env:a]\nupload_port = COM1\n[env:b]\nboard = x\n",
    { PLATFORMIO_UPLOAD_PORT: "", PLATFORMIO_BUILD_FLAGS: "", PLATFORMIO_SRC_DIR: "" },
  ],
  "vars: former name": [
    "[env:a]\nbuild_src_flags = -DA\n[platformio]\nname = n\n[c]\nd = ${platformio.packages_dir}\n",
    { PLATFORMIO_SRC_BUILD_FLAGS: "-DX", PLATFORMIO_HOME_DIR: "~/h" },
  ],
  "vars: interpolated": ["[env:a]\nboard = uno\n", { PLATFORMIO_BUILD_FLAGS: "${this.board} 50% ${sysenv.OTHER}", OTHER: "o" }],
  "vars: dirs": [
    "[platformio]\nsrc_dir = s\n[env:a]\nx = ${platformio.src_dir} ${platformio.build_dir}\n",
    { PLATFORMIO_SRC_DIR: "other/src", PLATFORMIO_WORKSPACE_DIR: "/tmp/w" },
  ],
  "vars: default_envs": ["[platformio]\nx = 1\n[env:a]\nboard = b\n", { PLATFORMIO_DEFAULT_ENVS: "a" }],
  "vars: sysenv": [
    "[env:a]\nbuild_flags = [${sysenv.SET}] [${sysenv.UNSET}] ${sysenv.REF}\nlib_deps = ${sysenv.MANY}\n",
    { SET: "s", REF: "${c.x}", MANY: "a\n; b\nc ; d\n# e" },
  ],
  "vars: broken reference": ["[env:a]\nboard = uno\n", { PLATFORMIO_BUILD_FLAGS: "${nope.x}" }],
  "vars: sysenv as a number": ["[env:a]\nupload_speed = ${sysenv.SPEED}\nlib_archive = ${sysenv.YES}\n", { SPEED: " 12 ", YES: " yes " }],
  "vars: extra_scripts": ["[env:a]\nextra_script = a.py\n", { PLATFORMIO_EXTRA_SCRIPTS: "b.py, c.py" }],
};

export const HAND_CASES: readonly IniCase[] = [
  ...Object.entries(TEXTS).map(([name, text]) => ({ name, files: { "platformio.ini": text }, vars: {} })),
  ...Object.entries(FILES).map(([name, files]) => ({ name, files, vars: {} })),
  ...Object.entries(VARS).map(([name, [text, vars]]) => ({ name, files: { "platformio.ini": text }, vars })),
];
