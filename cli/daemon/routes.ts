/** All routes of the daemon, in the order in which /openapi.json lists them. */
import type { Daemon } from "./daemon.ts";
import type { Route } from "./route.ts";
import { daemonRoutes } from "./routes-daemon.ts";
import { deviceRoutes } from "./routes-devices.ts";
import { operationRoutes } from "./routes-operations.ts";

/** openapi: the document that these routes are described in. */
export function allRoutes(daemon: Daemon, openapi: () => object): readonly Route[] {
  const routes = [...daemonRoutes(daemon, openapi), ...operationRoutes(daemon), ...deviceRoutes(daemon)];
  return routes.map((route) => ({
    ...route,
    run: (call) => {
      // Who looks whether it lives does not keep it alive.
      if (!route.open) daemon.asked();
      return route.run(call);
    },
  }));
}
