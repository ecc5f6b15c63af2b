/** What a daemon says of itself. */

export interface DaemonFacts {
  readonly pid: number;
  readonly port: number;
  readonly host: string;
  readonly version: string;
  readonly build: string;
  readonly devMode: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export function healthOf(facts: DaemonFacts): object {
  return { status: "healthy", uptime_seconds: uptime(facts), version: facts.version, pid: facts.pid };
}

export function infoOf(facts: DaemonFacts, clients: number, busy: boolean): object {
  return {
    pid: facts.pid,
    started_at: new Date(facts.startedAt).toISOString(),
    uptime_seconds: uptime(facts),
    version: facts.version,
    build: facts.build,
    port: facts.port,
    host: facts.host,
    dev_mode: facts.devMode,
    client_count: clients,
    operation_in_progress: busy,
  };
}

function uptime(facts: DaemonFacts): number {
  return Math.max(0, Math.round((Date.now() - facts.startedAt) / 100) / 10);
}
