/** Projects to measure: examples/blink, and generated ones whose compiler is a small program that only does what a compiler does to files. */
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Stands in for gcc, g++ and ar. A compile reads its source, writes an object that depends on the content, and a depfile of the source's own includes; -DSTUB_MS=N makes
 * it take N ms. A link copies a real program, an archive is a line. Everything else (fb asks what a compiler searches) is the real gcc's.
 */
const STUB = String.raw`
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void copy(const char *from, const char *to) {
  char block[65536]; size_t n;
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  if (!in || !out) exit(2);
  while ((n = fread(block, 1, sizeof block, in)) > 0) fwrite(block, 1, n, out);
  fclose(in); fclose(out);
}
/* The word after -o in a response file. */
static char *outputIn(const char *path) {
  char word[4096]; FILE *words = fopen(path, "r");
  if (!words) exit(2);
  while (fscanf(words, "%4095s", word) == 1)
    if (!strcmp(word, "-o") && fscanf(words, "%4095s", word) == 1) { fclose(words); return strdup(word); }
  fclose(words);
  return 0;
}
int main(int argc, char **argv) {
  const char *name = strrchr(argv[0], '/'), *out = 0, *dep = 0, *source = argv[argc - 1];
  int compiles = 0, links = 0, ms = 0;
  name = name ? name + 1 : argv[0];
  if (!strcmp(name, "ar")) {
    FILE *archive = fopen(argv[2], "wb");
    if (!archive) return 2;
    fprintf(archive, "!<arch>\n"); fclose(archive);
    return 0;
  }
  for (int i = 1; i < argc; i++) {
    size_t n = strlen(argv[i]);
    if (!strcmp(argv[i], "-c")) compiles = 1;
    else if (!strcmp(argv[i], "-o")) out = argv[i + 1];
    else if (!strcmp(argv[i], "-MF")) dep = argv[i + 1];
    else if (!strncmp(argv[i], "-DSTUB_MS=", 10)) ms = atoi(argv[i] + 10);
    else if (argv[i][0] == '@') { links = 1; if (!out) out = outputIn(argv[i] + 1); }
    else if (n > 2 && !strcmp(argv[i] + n - 2, ".o")) links = 1;
  }
  if (ms) usleep(ms * 1000);
  if (compiles && out && dep) {
    unsigned long hash = 14695981039346656037ul;
    char line[4096], header[4096];
    FILE *in = fopen(source, "r"), *object = fopen(out, "w"), *deps = fopen(dep, "w");
    if (!in || !object || !deps) return 2;
    fprintf(deps, "%s: %s", out, source);
    while (fgets(line, sizeof line, in)) {
      for (char *c = line; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211ul;
      if (sscanf(line, "#include \"%[^\"]\"", header) == 1) {
        char path[8192];
        snprintf(path, sizeof path, "%.*s/%s", (int)(strrchr(source, '/') - source), source, header);
        for (int i = 1; i < argc && access(path, F_OK); i++)
          if (!strncmp(argv[i], "-I", 2)) snprintf(path, sizeof path, "%s/%s", argv[i] + 2, header);
        fprintf(deps, " %s", path);
      }
    }
    fprintf(deps, "\n"); fprintf(object, "object %s %lx\n", source, hash);
    fclose(in); fclose(object); fclose(deps);
    return 0;
  }
  if (links && out) { copy(PROGRAM, out); chmod(out, 0755); return 0; }
  argv[0] = strcmp(name, "g++") ? "gcc" : "g++";
  execvp(argv[0], argv);
  return 127;
}
`;

export function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Makes the stand-in toolchain with the machine's gcc; the folder that a project names as its package. */
export function stubToolchain(folder: string): string {
  write(join(folder, "stub.c"), `#include <sys/stat.h>\n${STUB}`);
  write(join(folder, "program.c"), "int main(void) { return 0; }\n");
  execFileSync("gcc", ["-O1", "-o", join(folder, "program"), join(folder, "program.c")]);
  mkdirSync(join(folder, "bin"), { recursive: true });
  execFileSync("gcc", ["-O2", "-o", join(folder, "bin/gcc"), `-DPROGRAM="${join(folder, "program")}"`, join(folder, "stub.c")]);
  for (const name of ["g++", "ar"]) cpSync(join(folder, "bin/gcc"), join(folder, "bin", name));
  return folder;
}

export interface Shape {
  /** Sources; each is one action, the link is one more. */
  readonly files: number;
  /** What a compile takes beside starting, ms. */
  readonly compileMs: number;
}

const HEADERS = 200;
const PER_FOLDER = 100;
/** Each source reads so many headers, other ones than its neighbour. */
const READS = 10;

/** A native program: 100 sources a folder, 200 headers of which each source reads ten. */
export function generated(folder: string, toolchain: string, { files, compileMs }: Shape): void {
  write(join(folder, "platformio.ini"), native(toolchain, compileMs));
  for (let h = 0; h < HEADERS; h++) write(join(folder, `include/h${h}.h`), `#pragma once\nextern int h${h};\n`);
  for (let f = 0; f < files; f++) {
    const includes = Array.from({ length: READS }, (_, k) => `#include "h${(f * 7 + k * 13) % HEADERS}.h"\n`).join("");
    write(join(folder, sourceOf(f)), `${includes}int f${f}(void) { return ${f}; }\n`);
  }
}

export function sourceOf(file: number): string {
  return `src/d${Math.floor(file / PER_FOLDER)}/f${file}.c`;
}

/** `count` libraries in lib/, of `files` sources each; every one includes the next, the program the first. */
export function withLibraries(folder: string, toolchain: string, count: number, files: number): void {
  write(join(folder, "platformio.ini"), native(toolchain, 0));
  write(join(folder, "src/main.cpp"), '#include "lib0.h"\nint main() { return lib0(); }\n');
  for (let l = 0; l < count; l++) {
    const next = l + 1 < count ? `#include "lib${l + 1}.h"\n` : "";
    write(join(folder, `lib/lib${l}/src/lib${l}.h`), `#pragma once\n${next}int lib${l}();\n`);
    for (let f = 0; f < files; f++)
      write(join(folder, `lib/lib${l}/src/part${f}.cpp`), `#include "lib${l}.h"\nint lib${l}_part${f}() { return ${f}; }\n`);
  }
}

function native(toolchain: string, compileMs: number): string {
  const flags = compileMs === 0 ? "" : `build_flags = -DSTUB_MS=${compileMs}\n`;
  return `[env:native]\nplatform = native\nplatform_packages = toolchain-gccnative@symlink://${toolchain}\n${flags}`;
}

/** A change that alters what is compiled of a file. */
export function edit(file: string, turn: number): void {
  appendFileSync(file, `extern int edit${turn}_${process.pid};\n`);
}

/** fb's own tools in an exported build.ninja replaced by copies of what they had made, so that ninja is not charged for Node's start. */
export function withoutOwnTools(folder: string): void {
  const file = join(folder, "build.ninja");
  const text = readFileSync(file, "utf8").replace(/^ {2}cmd = .*\$env \$fb tool .*?--out (\S+).*$/gm, (_, out: string) => {
    const kept = `.kept/${out.split("/").at(-1)}`;
    mkdirSync(join(folder, ".kept"), { recursive: true });
    cpSync(join(folder, out), join(folder, kept));
    return `  cmd = cp ${kept} ${out}`;
  });
  writeFileSync(file, text);
}

/** The command of one output in an exported build.ninja, as a shell runs it. */
export function ninjaCommand(folder: string, output: string): string {
  return execFileSync("ninja", ["-t", "commands", "-s", output], { cwd: folder, encoding: "utf8" }).trim();
}

export function remove(...paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}
