/** A large package, downloaded from this machine and extracted, beside `curl | tar | sha256sum` for the same archive. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Contender, inTurns, type Measured } from "./measure.ts";
import { remove, write } from "./projects.ts";

export interface PackagesBench {
  readonly scratch: string;
  readonly fb: string;
  readonly runs: number;
  readonly quick: boolean;
  say(what: string, ours: Measured, other: Measured, is: "ratio" | "difference", limit: number | null): void;
}

const MB = 1 << 20;
/** Bytes before compression. */
const WANTED = 200 * MB;
/** Real files that this machine has: a toolchain (FB_BENCH_PACKAGE names another folder), a core, Node itself. */
const REAL = [
  ...(process.env["FB_BENCH_PACKAGE"] === undefined ? [] : [process.env["FB_BENCH_PACKAGE"]]),
  ...["/usr/lib/gcc/avr", "/usr/lib/avr", "/usr/share/arduino", dirname(process.execPath), "/usr/include", "/usr/share/doc"],
];

/** How each is packed and unpacked; the packers' quickest levels, since what is measured is the way back. */
const KINDS = [
  ["gz", "gzip -6"],
  ["zst", "zstd -q -3"],
  ["xz", "xz -1"],
  ["bz2", "bzip2"],
] as const;

/** Serves a folder's files; prints its port. */
const SERVER = `
const { createReadStream, statSync } = require("node:fs");
const server = require("node:http").createServer((request, response) => {
  const file = process.argv[2] + request.url;
  response.writeHead(200, { "content-length": statSync(file).size });
  createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

export async function besidePipe({ scratch, fb, runs, quick, say }: PackagesBench): Promise<void> {
  for (const program of ["curl", "tar", "zstd", "xz", "bzip2"])
    if (spawnSync(program, ["--version"]).error !== undefined) return console.log(`packages: skipped, there is no ${program}`);
  const folder = join(scratch, "packages");
  mkdirSync(folder);
  const plain = join(folder, "plain.tar");
  pack(plain);
  const script = join(scratch, "serve.cjs");
  write(script, SERVER);
  const server = spawn(process.execPath, [script, `${folder}/`.slice(0, -1)], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const port = await new Promise<string>((resolve) => server.stdout.once("data", (data: Buffer) => resolve(String(data).trim())));
    for (const [kind, packer] of quick ? KINDS.slice(0, 1) : KINDS) {
      const name = `p.tar.${kind}`;
      sh(`${packer} -c < ${plain} > ${join(folder, name)}`);
      const url = `http://127.0.0.1:${port}/${name}`;
      const project = join(scratch, `packages-${kind}`);
      write(join(project, "platformio.ini"), `[env:a]\nplatform = native\nlib_deps = P=${url}\n`);
      const made = join(scratch, `packages-made-${kind}`);
      mkdirSync(made);
      // Its folders are spread over the disk as those at its top are: ext4 looks through all of a full group's inodes, and through those removed a moment ago,
      // for each file that is made, which is a millisecond of both contenders' time.
      spawnSync("chattr", ["+T", made]);
      const pipe = `set -o pipefail; out=$(mktemp -d ${made}/out-XXXXXX); curl -sf ${url} | tee >(sha256sum > $out.sum) | tar -x -C $out ${kind === "zst" ? "--zstd" : `--use-compress-program='${packer.split(" ")[0]} -d'`}`;
      const contenders: Contender[] = [
        {
          name: "fb",
          argv: ["sh", "-c", `FB_CACHE_DIR=$(cat ${made}/cache) exec "$0" run :packages`, fb],
          cwd: project,
          prepare: (turn) => {
            remove(join(project, ".fb"), join(project, "fb.lock"));
            write(join(made, "cache"), `${made}/cache-${turn}\n`);
          },
        },
        { name: "curl | tar | sha256sum", argv: ["bash", "-c", pipe], cwd: scratch },
      ];
      const [ours, other] = inTurns(contenders, runs, scratch);
      if (ours === undefined || other === undefined) throw new Error("two contenders make a pair");
      say(`package of 200 MB, tar.${kind} (${(statSync(join(folder, name)).size / MB).toFixed(0)} MB)`, ours, other, "ratio", 2);
      remove(made, join(folder, name));
    }
  } finally {
    server.kill();
    remove(folder);
  }
}

/** A tar of real files with 200 MB, more if the last of them is large. */
function pack(to: string): void {
  for (const from of REAL.filter((each) => existsSync(each))) {
    // Links of a system lead to places that no package has.
    sh(
      `cd ${dirname(from)} && find ${from.slice(dirname(from).length + 1)} -type f -print0 | tar -rf ${to} --null --hard-dereference --no-recursion -T - --transform s,^,p/,`,
    );
    if (statSync(to).size >= WANTED) return;
  }
}

function sh(command: string): void {
  const ran = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`${command}: ${ran.stderr}`);
}
