/** How long the engine takes to decide that nothing is to be done: a generated graph in memory, so that no disk or process is measured. FB_ACTIONS=N, 10000 unless set. */
import { ok } from "../../engine/failure.ts";
import type { ActionSpec, ProjectPath } from "../../engine/types.ts";
import { atOnce, Machine, runOn } from "../engine/machine.ts";
import { files, paths, spec } from "../engine/spec.ts";

const count = Number(process.env["FB_ACTIONS"] ?? 10_000);
const out = ".fb/build/a/release";
const search = ["include", ...Array.from({ length: 12 }, (_, i) => `lib${i}`), `${out}/gen`];

function actions(): ActionSpec[] {
  const objects: string[] = [];
  const list: ActionSpec[] = [];
  for (let i = 0; i < count; i++) {
    const source = `src/d${i % 100}/f${i}.c`;
    const object = `${out}/${source}.o`;
    objects.push(object);
    list.push(
      spec({
        name: `a/release/cc:${object}`,
        argv: ["cc", source, "-Os", "-Wall", "-mmcu=atmega328p", "-DF_CPU=16000000L", ...search.map((s) => `-I${s}`), "-o", object],
        inputs: files(source),
        outputs: paths(object),
        discover: { by: "depfile", path: `${object}.d` as ProjectPath, quote: [], search },
      }),
    );
  }
  for (let i = 0; i < objects.length; i += 100) {
    const name = `${out}/lib${i}.a`;
    const members = objects.slice(i, i + 100);
    list.push(spec({ name, kind: "archive", argv: ["ar", name, ...members], inputs: files(...members), outputs: paths(name) }));
  }
  return list;
}

const headers = Array.from({ length: 300 }, (_, i) => `include/h${i}.h`);
const cc = atOnce((argv, disk) => {
  const object = argv[argv.length - 1] ?? "";
  disk.write(object, `object ${object}`);
  const n = Number(/(\d+)\.c\.o$/.exec(object)?.[1] ?? 0);
  disk.write(
    `${object}.d`,
    `${object}: ${argv[0]} ${Array.from({ length: 20 }, (_, k) => headers[(n * 7 + k) % headers.length]).join(" ")}`,
  );
  return { code: 0, log: "" };
});
const ar = atOnce((argv, disk) => {
  disk.write(argv[0] ?? "", argv.slice(1).join());
  return { code: 0, log: "" };
});

const machine = new Machine();
for (const path of headers) machine.disk.write(path, "int x;");
const planned = actions();
for (const { inputs } of planned) for (const { path } of inputs) if (path.endsWith(".c")) machine.disk.write(path, "int f;");
machine.disk.tick();
const scenario = {
  programs: { cc, ar },
  planner: { plan: () => ok({ actions: planned, targets: { all: planned.flatMap((a) => a.outputs) }, notes: [] }) },
  includesOf: () => [],
};
const request = {
  plans: [spec({ name: "plan", kind: "plan", argv: ["plan"], claims: [] })],
  goals: [{ env: "a", profile: "release", target: "all" }],
};
for (const what of ["build", "nothing to do", "nothing to do", "nothing to do"]) {
  const began = performance.now();
  const { outcome } = await runOn(machine, scenario, request);
  const took = performance.now() - began;
  machine.disk.tick();
  outcome.files.settle();
  console.log(`${what}: ${took.toFixed(0)} ms, ${JSON.stringify(outcome.counts)}`);
}
