"""Records what PlatformIO makes of hostile platformio.ini files: the fixture of tests/rules/ini/platformio.test.ts.

Run it with a Python that has PlatformIO:  python record.py [--seed N] [--count N] [--out FILE]
It writes hand-written cases, then generated ones, each with PlatformIO's answer:
  {"name", "files": {path: text}, "vars": {name: value}, "table": [[section, [[option, value]]]] or null, "error": class or null, "warnings": [text]}
The project is seen as PROJECT, the home folder as HOME, the time as TIME, whatever the machine.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time

PROJECT = "/home/someone/work space/blink"
HOME = "/home/someone"
TIME = 1700000000

HAND = {
    "plain": "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n",
    "empty": "",
    "only comments": "; a\n# b\n",
    "text before a section": "platform = x\n[env:a]\n",
    "no delimiter": "[env:a]\nplatform\n",
    "no name": "[env:a]\n= x\n",
    "continuation at the same indent": "[env:a]\nbuild_flags =\n-DA\n",
    "indented options": "  [env:a]\n  board = uno\n  build_flags =\n    -DA\n    -DB\n  platform = x\n",
    "indented section in a value": "[env:a]\nbuild_flags = -DA\n  [env:b]\nboard = x\n",
    "option deeper than a section": "[env:a]\n    board = uno\n  platform = x\n",
    "tabs": "[env:a]\n\tboard\t=\tuno\n\tbuild_flags\t=\n\t\t-DA\n\t\t-DB\n",
    "blank lines in a value": "[env:a]\nbuild_flags = -DA\n\n  -DB\n\n\n  -DC\n\nboard = x\n\n[c]\nx = a\n\n  b\n\n",
    "comments in a value": "[env:a]\nbuild_flags =\n  -DA\n; one\n  ; two\n# three\n  -DB ; four\n  -DC# five\n  -DD # six\n[c]\nx =\n  a\n ; gone\n\n  b # c\n",
    "comment signs in both orders": "[c]\na = x;y ;z #w\nb = x#y #z ;w\nd = ;x\ne = a;b ;c\nf = a #b;c\ng = a ;b #c\nh = a #b ;c\n[env:a]\nbuild_flags = x;y ;z #w\n",
    "quotes do not protect": "[env:a]\nbuild_flags = -DS='\"a ; b\"' -DT=1\n",
    "colon and equals": "[env:a]\nboard: uno\nbuild_flags = -DA=1 -DB:2\nupload_port : COM3\nx:y=z\n",
    "case": "[env:a]\nPlatform = X\nBOARD=Uno\n[Common]\nFlags = A\n[env:b]\nbuild_flags = ${Common.flags} ${Common.Flags}\n",
    "capital option through extends": "[c]\nfoo = 1\n[d]\nextends = c\n[env:b]\nbuild_flags = ${d.FOO}\n",
    "header with spaces": "[ env:a ]\nboard = x\n[env:a]\nboard = y\n[e x]\nq = 1\n",
    "header with brackets": "[a]b]\nx = 1\n[c] d\ny = 2\n[env:a]\nz = ${c.y}\n",
    "empty header": "[]\nx = 1\n",
    "open header": "[env:a\nboard = x\n",
    "duplicate option": "[env:a]\nboard = x\nBoard = y\n",
    "duplicate section": "[env:a]\nboard = x\n[env:a]\nplatform = y\n",
    "DEFAULT": "[DEFAULT]\nboard = d\nfoo = 1\n[common]\nx = ${DEFAULT.foo} %(foo)s\n[env]\nboard = e\n[env:a]\nplatform = p\nextends = base\n[base]\nboard = b\nupload_speed = 5\n[env:b]\nboard = own\n",
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
    "percent depth 10": "[c]\n" + "".join(f"a{i} = %(a{i + 1})s%%\n" for i in range(9)) + "a9 = end%%\n",
    "percent depth 11": "[c]\n" + "".join(f"a{i} = %(a{i + 1})s%%\n" for i in range(10)) + "a10 = end%%\n",
    "percent in extends": "[c]\nx = 1\n[d]\nextends = %(y)s\ny = c\n[env:a]\nextends = d\n",
    "lists": "[env:a]\nbuild_flags = a, b,c,  d\nlib_deps = a,b\nframework = arduino,simba\nlib_ignore = x, ,y\nbuild_unflags =\n  -DB -DC\n  a, b\ntargets =\n",
    "list items that are comments": "[env:a]\nlib_deps = ${c.x}\nlib_ignore = ${c.y}\n[c]\nx = %(h)s\nh =\n  a\n  b\ny = ${sysenv.TEXT}\n",
    "extends order": "[env]\nboard = e\nq = 1\n[env:x]\nextends = a, b, c\nown = 1\n[a]\nboard = a\nz = a\nza = 1\n[b]\nboard = b\nz = b\n[c]\nextends = d\nz = c\n[d]\nboard = d\nzd = 1\n",
    "extends an env": "[env]\nboard = base\n[env:p]\nboard = P\nx = 1\n[env:q]\nextends = env:p\n[env:r]\nextends = env:q\nboard = R\n",
    "extends missing": "[env:a]\nextends = nope, c\n[c]\nboard = u\n",
    "extends itself": "[env:a]\nextends = env:a\n",
    "extends in a circle": "[a]\nextends = b\n[b]\nextends = c\n[c]\nextends = a\n[env:x]\nboard = u\n",
    "extends a diamond": "[env:x]\nextends = a, b\n[a]\nextends = c\nk = a\n[b]\nextends = c\n[c]\nk = c\nl = c\n",
    "env extends an env": "[env]\nextends = env:a\n[env:a]\nboard = a\n[env:b]\nplatform = p\n",
    "env extends and is extended": "[env]\nextends = env:a\n[env:a]\nboard = a\nextends = env\n",
    "extends with braces": "[c]\nx = 1\n[n]\nname = c\n[env:a]\nextends = ${n.name}\n",
    "platformio extends": "[platformio]\nextends = p\n[p]\nsrc_dir = other\nname = n\n[env:a]\nboard = x\n",
    "braces": "[c]\nf = -DA\n[env:a]\nboard = uno\nbuild_flags = ${c.f} ${this.board} ${env:b.board} ${env.monitor_speed} ${this.__env__}\n[env:b]\nboard = due\nlib_deps = x, y\n[env:z]\nlib_deps = ${env:b.lib_deps}\nbuild_flags = ${env.debug_build_flags} ${env.build_type} ${env:a.lib_archive}[${env.board}][${env.lib_deps}]\n",
    "braces: this through extends": "[c]\nbuild_flags = ${env:a.board} -DB=1\n[env]\nupload_port = ${this.board}\nboard = e\n[env:a]\nextends = c\nboard = uno\n",
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
    "braces: odd": "[env:a]\nx = ${f(c.e).e} ${c).e} ${} ${.b} ${c.} $ $$ ${d${c.e} ${UPLOAD_PORT and \"-p \"+UPLOAD_PORT} $PROJECT_DIR ${this} {c.e} }${c.e} ${a \n[c]\ne = E\n[d${c]\ne = odd\n",
    "braces: open one before another": "[env:a]\nx = ${a ${c.e}\n[c]\ne = E\n",
    "braces: builtins": "[env:a]\nbuild_flags = ${PROJECT_DIR} ${PROJECT_HASH} ${UNIX_TIME} ${PROJECT_SRC_DIR} ${PIOENV} ${BUILD_DIR}\n",
    "braces: dotted option": "[env:b]\nboard_build.f_cpu = 8000000L\n[env:a]\nbuild_flags = ${env:b.board_build.f_cpu} ${sysenv.A.B}\n",
    "braces: over two lines": "[env:a]\nbuild_flags = ${c.\n  x}\n[c]\nx = 1\n",
    "bare project hash": "[env:a]\nx = $PROJECT_HASH\ny = $$PROJECT_HASH $PROJECT_HASH\nz = $PROJECT_HASH a$\nw = a $PROJECT_HASH-$PROJECT_HASHED\n",
    "dirs": "[platformio]\nbuild_dir = $PROJECT_DIR/b\nsrc_dir = ./a/../b//c/\nlib_dir = ~/lib\ntest_dir = /abs/../x\ndata_dir = //two/x\ninclude_dir =\nboards_dir = ${PROJECT_DIR}/bb\nworkspace_dir = w\nmonitor_dir = ${X}/m\nshared_dir = ../../../../../up\n[env:a]\nbuild_flags = ${platformio.build_dir} ${platformio.libdeps_dir} ${platformio.packages_dir} ${platformio.name} ${platformio.build_cache_dir} ${platformio.include_dir} ${platformio.shared_dir}\n",
    "bool empty": "[env:a]\nlib_archive =\n",
    "bools": "".join(f"[env:b{i}]\nlib_archive = {w}\n" for i, w in enumerate("1 0 yes No TRUE False on OFF t F y N".split())),
    "bool bad": "[env:a]\nlib_archive = maybe\n",
    "integers": "".join(f"[env:i{i}]\nupload_speed = {w}\n" for i, w in enumerate("0 115200 +5 -7 1_000 007 -0".split())),
    "integer empty": "[env:a]\nupload_speed =\n",
    "integer bad": "[env:a]\nupload_speed = 115200L\n",
    "integer hex": "[env:a]\nupload_speed = 0x10\n",
    "integer of lines": "[env:a]\nupload_speed =\n  9600\n",
    "integer underscores": "[env:a]\nupload_speed = 1__0\n",
    "flag": "[env:a]\nmonitor_rts = 1\nmonitor_dtr = 0\n",
    "flag bad": "[env:a]\nmonitor_rts = 2\n",
    "choice": "[env:a]\nmonitor_parity = E\nlib_ldf_mode = chain+\nbuild_type = debug\ncheck_severity = low, high\n",
    "choice case": "[env:a]\nmonitor_parity = e\n",
    "choice bad": "[env:a]\nbuild_type = fast\n",
    "choice list bad": "[env:a]\ncheck_severity = low,high\n",
    "choice empty": "[env:a]\nbuild_type =\n",
    "svd missing": "[env:a]\ndebug_svd_path = nope.svd\n",
    "hidden by empty": "[env]\nboard = x\nlib_deps = a\nbuild_flags = -DA\n[env:a]\nboard =\nlib_deps =\n",
    "renamed": "[platformio]\nenv_default = a\nhome_dir = /h\n[env:a]\nsrc_filter = +<x>\nmonitor_baud = 1\nboard_f_cpu = 5\nlib_use = a, b\nboard_mcu = m\n",
    "renamed and new": "[env]\nbuild_src_filter = new\n[env:a]\nsrc_filter = old\n[env:b]\nbuild_src_filter = n\nsrc_filter = o\n[env:c]\nsrc_filter = o\nbuild_src_filter = n\n",
    "unknown options": "[platformio]\ncustom_x = 1\nbord = 2\n[env]\nfoo = 1\n[env:a]\ncustom_y = 1\nboard_z = 2\nbaord = uno\nsrc_dir = x\n[free]\nanything = goes\n",
    "monitor_raw and filters": "[env:a]\nmonitor_raw = yes\nmonitor_filters = time\n[env:b]\nmonitor_raw = no\nmonitor_filters = time\n",
    "no envs": "[common]\nx = 1\n",
    "default_envs unknown": "[platformio]\ndefault_envs = a,b\n[env:a]\nx = 1\n",
    "bad env name": "[env:a b]\nboard = x\n",
    "unicode": "[env:ä]\nbeschreibung = größe\n[c]\nÄÖ = ü \u2003x\u2003\nx = ${c.äö}\n\u00a0y = 1\n[env:a]\nboard = \u2028x\u2028;y\n",
    "odd white space": "[c]\na = x\x0b;y\nb\x0c=\x0cz\nc = \x85q\x1c\nd = a\u3000;b\ne = a\ufeff;b\n",
    "crlf": "[env:a]\r\nboard = x\r\nbuild_flags =\r\n  -DA\r\n\r\n  -DB\r\n",
    "cr": "[env:a]\rboard = x\rbuild_flags =\r  -DA\r",
    "no newline at the end": "[env:a]\nboard = x",
    "env alone": "[env]\nboard = x\n[envx]\na = 1\n[env:]\nb = 1\n",
}

HAND_FILES = {
    "extra: override and add": {
        "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env:a]\nboard = x\nq = 1\n",
        "b.ini": "[env:a]\nr = 2\nboard = y\n[env:b]\nboard = z\n",
    },
    "extra: missing": {"platformio.ini": "[platformio]\nextra_configs = nope.ini\n[env:a]\nboard = x\n"},
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
    "svd there": {"platformio.ini": "[env:a]\ndebug_svd_path = x.svd\n", "x.svd": "<device/>"},
}

HAND_VARS = {
    "vars: list appended": ("[env:a]\nbuild_flags = -DA, -DB\n[env:b]\nboard = x\n", {"PLATFORMIO_BUILD_FLAGS": "-DC -DD"}),
    "vars: scalar replaced": ("[env:a]\nupload_port = COM1\n[env:b]\nboard = x\n", {"PLATFORMIO_UPLOAD_PORT": "/dev/tty1"}),
    "vars: empty": ("[env:a]\nupload_port = COM1\n[env:b]\nboard = x\n", {"PLATFORMIO_UPLOAD_PORT": "", "PLATFORMIO_BUILD_FLAGS": "", "PLATFORMIO_SRC_DIR": ""}),
    "vars: former name": ("[env:a]\nbuild_src_flags = -DA\n[platformio]\nname = n\n[c]\nd = ${platformio.packages_dir}\n", {"PLATFORMIO_SRC_BUILD_FLAGS": "-DX", "PLATFORMIO_HOME_DIR": "~/h"}),
    "vars: interpolated": ("[env:a]\nboard = uno\n", {"PLATFORMIO_BUILD_FLAGS": "${this.board} 50% ${sysenv.OTHER}", "OTHER": "o"}),
    "vars: dirs": ("[platformio]\nsrc_dir = s\n[env:a]\nx = ${platformio.src_dir} ${platformio.build_dir}\n", {"PLATFORMIO_SRC_DIR": "other/src", "PLATFORMIO_WORKSPACE_DIR": "/tmp/w"}),
    "vars: default_envs": ("[platformio]\nx = 1\n[env:a]\nboard = b\n", {"PLATFORMIO_DEFAULT_ENVS": "a"}),
    "vars: sysenv": ("[env:a]\nbuild_flags = [${sysenv.SET}] [${sysenv.UNSET}] ${sysenv.REF}\nlib_deps = ${sysenv.MANY}\n", {"SET": "s", "REF": "${c.x}", "MANY": "a\n; b\nc ; d\n# e"}),
    "vars: broken reference": ("[env:a]\nboard = uno\n", {"PLATFORMIO_BUILD_FLAGS": "${nope.x}"}),
    "vars: sysenv as a number": ("[env:a]\nupload_speed = ${sysenv.SPEED}\nlib_archive = ${sysenv.YES}\n", {"SPEED": " 12 ", "YES": " yes "}),
    "vars: extra_scripts": ("[env:a]\nextra_script = a.py\n", {"PLATFORMIO_EXTRA_SCRIPTS": "b.py, c.py"}),
}


def hand_cases():
    for name, text in HAND.items():
        yield {"name": name, "files": {"platformio.ini": text}, "vars": {}}
    for name, files in HAND_FILES.items():
        yield {"name": name, "files": files, "vars": {}}
    for name, (text, variables) in HAND_VARS.items():
        yield {"name": name, "files": {"platformio.ini": text}, "vars": variables}


class Generator:
    """Makes projects that use much of the grammar at once; most are valid."""

    ENVS = ["env:a", "env:b", "env:c"]
    FREE = ["common", "base", "flags_x", "x y", "ü"]
    TEXT = ["platform", "board", "upload_port", "upload_protocol", "board_build.mcu", "board_mcu", "board_build.f_cpu", "custom_a", "custom_b", "foo", "debug_tool", "monitor_port", "board_upload.x"]
    LISTS = ["build_flags", "src_build_flags", "build_src_flags", "build_unflags", "build_src_filter", "src_filter", "lib_deps", "lib_use", "lib_ignore", "framework", "targets", "extra_scripts", "lib_extra_dirs", "monitor_filters", "debug_build_flags", "debug_load_cmd", "check_flags"]
    TYPED = {
        "upload_speed": ["9600", "1_0", "+1", "x", ""],
        "monitor_speed": ["115200", "9600"],
        "monitor_baud": ["300", "1e3"],
        "lib_archive": ["yes", "no", "True", "0", "", "2"],
        "monitor_raw": ["1", "off", "t"],
        "monitor_rts": ["0", "1", "3"],
        "build_type": ["release", "debug", "Debug"],
        "lib_ldf_mode": ["chain+", "off", "deep"],
        "check_severity": ["low, high", "medium", "low,high"],
        "test_build_project_src": ["yes", "no"],
    }
    DIRS = ["src_dir", "build_dir", "workspace_dir", "lib_dir", "core_dir", "home_dir", "libdeps_dir", "name", "description", "packages_dir"]
    WORDS = ["-DA", "-DB=1", "-D C", "+<*>", "-<x/>", "a@^1.2", "https://x.y/z.git#v1", "x;y", "x#y", "'a b'", "\"q\"", "é", "a,b", "-Wl,-rpath", "=", ":", "[z]", "C:\\x", "%%", "$$", "$X", "$PROJECT_HASH", "}", "{"]
    VARS = {
        "PLATFORMIO_BUILD_FLAGS": ["-DENV", "", "${this.board}", "a, b"],
        "PLATFORMIO_UPLOAD_PORT": ["/dev/x", ""],
        "PLATFORMIO_SRC_DIR": ["s2", "~/s", "${platformio.lib_dir}/s"],
        "PLATFORMIO_SRC_FILTER": ["+<env>"],
        "PLATFORMIO_BUILD_SRC_FLAGS": ["-DS"],
        "PLATFORMIO_HOME_DIR": ["/hd"],
        "PLATFORMIO_CORE_DIR": ["/cd", ""],
        "PLATFORMIO_LIB_EXTRA_DIRS": ["l1, l2"],
        "EXTRA": ["e", "a ; b", "a\nb"],
    }

    def __init__(self, seed):
        self.r = random.Random(seed)

    def chance(self, p):
        return self.r.random() < p

    def reference(self, sections):
        """A ${...} that mostly can be resolved: to later sections only, and to options that are there."""
        r = self.r
        kind = r.randrange(10)
        if kind == 0:
            return r.choice(["${PROJECT_DIR}", "${PROJECT_HASH}", "${UNIX_TIME}", "${BUILD_DIR}", "${PIOENV}"])
        if kind == 1:
            return r.choice(["${sysenv.EXTRA}", "${sysenv.NOPE}", "${sysenv.HOME}"])
        if kind == 2:
            return "${platformio.%s}" % r.choice(self.DIRS)
        wild = self.chance(0.02)
        if kind in (3, 4) and (wild or self.current.startswith("env")):
            return "${this.%s}" % r.choice(["board", "custom_a", "foo", "BOARD", "lib_deps", "k1"] if wild else ["board_build.mcu", "debug_tool", "monitor_port", "test_speed", "test_build_src", "upload_resetmethod"] + ["__env__"] * (self.current != "env"))
        if kind == 5:
            return "${env.%s}" % r.choice(["build_flags", "foo", "board"] if wild else ["platform", "lib_archive", "monitor_eol", "debug_init_cmds", "check_severity"])
        later = sections if wild else [s for s in sections if s > self.current and (s.startswith("env") or s in self.FREE)]
        if not later:
            return "${LATER}"
        section = r.choice(later)
        return "${%s.%s}" % (section, r.choice(["build_flags", "board", "lib_deps"] if section.startswith("env") else ["k1", "k2"] + ["K1"] * self.chance(0.1)))

    def word(self, sections):
        x = self.r.random()
        if x < 0.22:
            return self.reference(sections)
        if x < 0.222:
            return "%"
        if x < 0.25 and not self.current.startswith("env"):
            return "%%(%s)s" % ("board" if self.current != "platformio" else "name")
        return self.r.choice(self.WORDS)

    def comment(self):
        return self.r.choice(["; c", "# c", ";c", " # x = y", "\t; [s]"])

    def value(self, sections, pad):
        r = self.r
        shape = r.randrange(8)
        words = [self.word(sections) for _ in range(r.randrange(1, 4))]
        if shape < 3:
            text = " ".join(words)
        elif shape == 3:
            text = ", ".join(words)
        elif shape == 4:
            text = ""
        else:
            first = "" if self.chance(0.6) else words[0]
            lines = [first]
            for word in words:
                if self.chance(0.15):
                    lines.append(r.choice(["", "   "]))
                if self.chance(0.15):
                    lines.append(r.choice(["", pad, pad + "  ", pad + "\t"]) + self.comment())
                deeper = pad + r.choice(["  ", " ", "\t", "      "])
                if self.chance(0.003):
                    deeper = pad
                lines.append(deeper + word + (" " + self.word(sections) if self.chance(0.3) else ""))
            text = "\n".join(lines)
        if self.chance(0.12):
            text += r.choice([" ", "", "\t", "  "]) + self.comment()
        return text

    def option(self, name, value, pad):
        r = self.r
        if self.chance(0.1):
            name = name.upper() if self.chance(0.5) else name.title()
        return pad + name + r.choice([" = ", "=", ": ", " : ", " =", "\t=\t", "= "]) + value

    def section(self, name, sections):
        r = self.r
        self.current = name
        outer = "  " if self.chance(0.03) else ""
        lines = [outer + "[%s]" % name + (" " + self.comment() if self.chance(0.1) else "")]
        pad = r.choice(["", "", "", "  ", "\t"])
        options = {}
        if name == "platformio":
            for option in r.sample(self.DIRS, r.randrange(4)):
                options[option] = r.choice(["x", "./y/../z", "~/q", "/abs", "", "${PROJECT_DIR}/p", "${platformio.src_dir}/in", "$PROJECT_HASH", "${sysenv.EXTRA}", "${NOT}/x"])
            if self.chance(0.3):
                options[r.choice(["default_envs", "env_default"])] = r.choice(["a", "a, b", "\n  a\n  b", "a,b"])
            if self.chance(0.2):
                options["unknown_x"] = "1"
        elif name.startswith("env"):
            for option in r.sample(self.TEXT, r.randrange(4)):
                options[option] = r.choice(["uno", "x y", "", "8000000L", "p@^1"]) if self.chance(0.7) else self.word(sections)
            for option in r.sample(self.LISTS, r.randrange(4)):
                options[option] = self.value(sections, pad)
            for option in r.sample(sorted(self.TYPED), r.randrange(3)):
                good = self.TYPED[option]
                options[option] = good[0] if self.chance(0.92) else r.choice(good)
        else:
            for option in ["k1", "k2", "board", "build_flags"]:
                options[option] = self.value(sections, pad) if option != "board" else r.choice(["uno", "", "x%%y"])
        if name != "DEFAULT" and self.chance(0.35):
            others = [s for s in sections if s > name] if self.chance(0.97) else sections
            picked = r.sample(others, min(len(others), r.randrange(1, 4))) + (["missing"] if self.chance(0.1) else [])
            options["extends"] = (", " if self.chance(0.7) else "\n%s  " % pad).join(picked)
        items = list(options.items())
        r.shuffle(items)
        for option, value in items:
            if self.chance(0.08):
                lines.append(r.choice(["", "", "   "]) + r.choice([self.comment(), ""]))
            lines.append(self.option(option, value, pad))
        if items and self.chance(0.01):
            lines.append(self.option(items[0][0], "again", pad))
        if self.chance(0.005):
            lines.append("nonsense")
        if self.chance(0.3):
            lines.append("")
        return "\n".join(lines)

    def file(self, sections, names):
        text = "\n".join(self.section(name, sections) for name in names)
        if self.chance(0.1):
            text = text.replace("\n", "\r\n")
        return text + self.r.choice(["\n", "", "\n\n"])

    def case(self, name):
        r = self.r
        sections = r.sample(self.ENVS, r.randrange(1, 4)) + r.sample(self.FREE, r.randrange(1, 4))
        names = list(sections)
        if self.chance(0.5):
            names.append("env")
        if self.chance(0.5):
            names.append("platformio")
        if self.chance(0.12):
            names.append("DEFAULT")
        r.shuffle(names)
        if self.chance(0.01):
            names.append(names[0])
        files = {}
        if self.chance(0.2):
            half = len(names) // 2
            files["platformio.ini"] = self.file(sections, names[:half] + ["platformio"] if "platformio" not in names[:half] else names[:half])
            files["platformio.ini"] += "\n" if not files["platformio.ini"].endswith("\n") else ""
            extra = ["extra_configs = more/*.ini, own.ini", "extra_configs =\n  own.ini\n  more/**/x.ini"]
            # into [platformio], wherever it is
            files["platformio.ini"] = files["platformio.ini"].replace("[platformio]", "[platformio]\n" + r.choice(extra), 1) if "  [platformio]" not in files["platformio.ini"] else files["platformio.ini"]
            files["own.ini"] = self.file(sections, names[half:])
            files["more/x.ini"] = self.file(sections, r.sample(names, 2) if len(names) > 2 else names)
        else:
            files["platformio.ini"] = self.file(sections, names)
        variables = {v: r.choice(self.VARS[v]) for v in r.sample(sorted(self.VARS), r.randrange(3))} if self.chance(0.4) else {}
        return {"name": name, "files": files, "vars": variables}


class Hang(Exception):
    pass


def answer(case, scratch):
    """What PlatformIO says to a case; a hang (cyclic extends) is an error."""
    from platformio.project.config import ProjectConfig

    root = tempfile.mkdtemp(dir=scratch)
    for path, text in case["files"].items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    os.chdir(root)
    environment = dict(os.environ)
    real_cwd, real_time = os.getcwd, time.time
    result = {"table": None, "error": None, "warnings": []}

    def hang(*_):
        raise Hang()

    signal.signal(signal.SIGALRM, hang)
    try:
        for name in list(os.environ):
            if name.startswith("PLATFORMIO_"):
                del os.environ[name]
        os.environ.update({"HOME": HOME, **case["vars"]})
        os.getcwd = lambda: PROJECT
        time.time = lambda: TIME + 0.5
        signal.setitimer(signal.ITIMER_REAL, 1)
        config = ProjectConfig(os.path.join(root, "platformio.ini"))
        result["table"] = json.loads(config.to_json())
        result["warnings"] = list(config.warnings)
        try:
            config.validate(silent=True)
        except Exception as error:  # names of envs: warnings until then stand
            result["invalid"] = type(error).__name__
        result["warnings"] = list(config.warnings)
    except Exception as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        result["error"] = type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.getcwd, time.time = real_cwd, real_time
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/")
    return {**case, **result}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=45)
    arguments.add_argument("--out", default=os.path.join(here, "fixtures", "platformio.json"))
    options = arguments.parse_args()
    out = os.path.abspath(options.out)
    cases = list(hand_cases())
    generator = Generator(options.seed)
    cases += [generator.case(f"seed {options.seed} #{i}") for i in range(options.count)]
    with tempfile.TemporaryDirectory() as scratch:
        answers = [answer(case, scratch) for case in cases]
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        head = {"project": PROJECT, "home": HOME, "time": TIME}
        file.write(json.dumps(head, ensure_ascii=True)[:-1] + ', "cases": [\n')
        file.write(",\n".join(json.dumps(each, ensure_ascii=True) for each in answers) + "\n]}\n")
    failed = sum(1 for each in answers if each["error"])
    print(f"{len(answers)} cases, {failed} of them errors, written to {out}")


if __name__ == "__main__":
    main()
