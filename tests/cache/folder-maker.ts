/** One of the threads that make the same folders at the same moment, for folders.test.ts. Data: the folder to make them in, how many rounds, a shared counter, the number of threads. */
import { parentPort, workerData } from "node:worker_threads";
import { makeFolders } from "../../cache/folders.ts";

const { root, rounds, shared, threads } = workerData as { root: string; rounds: number; shared: SharedArrayBuffer; threads: number };
const arrived = new Int32Array(shared);
const failed: string[] = [];
for (let round = 0; round < rounds; round++) {
  Atomics.add(arrived, 0, 1);
  // All at once: waiting for a notice would wake one after the other.
  while (Atomics.load(arrived, 0) < threads * (round + 1));
  try {
    makeFolders(`${root}/${round}/a/b/c`);
  } catch (error) {
    failed.push(String(error));
  }
}
parentPort?.postMessage(failed);
