/** A proxy behind which the hosts of generated worlds are; `GET http://world.test/SEED/INDEX` sets up another. Prints its port; ends with its standard input. */
import { createServer } from "node:http";
import { answerOf, makeWorld, type World } from "./world.ts";

let world: World = makeWorld(0, 0);
const server = createServer((request, response) => {
  const target = request.url ?? "";
  const chosen = /^http:\/\/world\.test\/(\d+)\/(\d+)$/.exec(target);
  if (chosen !== null) world = makeWorld(Number(chosen[1]), Number(chosen[2]));
  const { status, headers, body } =
    chosen === null ? answerOf(world, request.method ?? "", target) : { status: 200, headers: {}, body: "" };
  response.writeHead(status, headers).end(request.method === "HEAD" ? "" : body);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : 0);
});
process.stdin.on("end", () => process.exit(0)).resume();
