/** The three registries: which client fetches from them, with which words, what it leaves, and what its troubles mean. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

export type RegistryName = "pypi" | "npm" | "deb";

export interface RegistryRef {
  readonly registry: RegistryName;
  readonly name: string;
  /** "" for the newest: `deb` only. */
  readonly version: string;
}

export interface Registry {
  /** What is tried, in this order; each begins with the program. */
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  /** Words of the client that say what is wrong. */
  readonly troubles: readonly Trouble[];
  /** The version that a file name of this client tells; null if it is not one. */
  versionOf(file: string): string | null;
  /** What to install where the client is missing. */
  readonly client: string;
}

export interface Trouble {
  readonly words: RegExp;
  readonly code: "source.not-found" | "source.no-network" | "source.denied" | "source.no-lists";
  readonly message: string;
  readonly hint: string;
}

const noNetwork: Trouble = {
  words:
    /name or service not known|temporary failure (in name resolution|resolving)|could not resolve|getaddrinfo (ENOTFOUND|EAI_AGAIN)|ENOTFOUND|EAI_AGAIN|network is unreachable|ENETUNREACH|failed to establish a new connection|no address associated|nodename nor servname/i,
  code: "source.no-network",
  message: "its registry can not be reached",
  hint: "connect to the network, or configure the client's own proxy or mirror, or bring the packages from another machine (`fb cache export` there, `fb cache import` here)",
};
const denied: Trouble = {
  words: /\b(401|403|407)\b.*(error|unauthori[sz]ed|forbidden|required)|E401|E403|authentication (failed|required)/i,
  code: "source.denied",
  message: "its registry refuses access",
  hint: "the client needs a login, or a proxy blocks it: see the client's own configuration",
};

/** A retry inside the client costs a second; fb's own policy decides about more. */
export const registries: Readonly<Record<RegistryName, (ref: RegistryRef) => Registry>> = {
  pypi: ({ name, version }) => {
    const args = [
      "download",
      "--no-deps",
      "--only-binary=:all:",
      "--no-input",
      "--disable-pip-version-check",
      "--progress-bar=off",
      "--retries=1",
    ];
    const tail = [...args, "-d", ".", `${name}==${version}`];
    return {
      commands: [
        ["pip", ...tail],
        ["pip3", ...tail],
        ["python3", "-m", "pip", ...tail],
        ["python", "-m", "pip", ...tail],
      ],
      troubles: [
        // pip says "no matching distribution" after each of these too.
        noNetwork,
        denied,
        {
          words: /no matching distribution found|could not find a version/i,
          code: "source.not-found",
          message: "its registry has no such version for this machine",
          hint: "correct the version; a wheel for another system or processor does not count",
        },
      ],
      // Wheels only (PEP 427): NAME-VERSION(-BUILD)?-PYTHON-ABI-PLATFORM.whl.
      versionOf: (file) => /^[^-]+-([^-]+)-.*\.whl$/.exec(file)?.[1] ?? null,
      client: "pip",
    };
  },
  npm: ({ name, version }) => ({
    commands: [
      ["npm", "pack", `${name}@${version}`, "--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"],
    ],
    troubles: [
      noNetwork,
      denied,
      {
        words: /E404|ETARGET|404 Not Found|No matching version/i,
        code: "source.not-found",
        message: "its registry has no such version",
        hint: "correct the name or the version",
      },
    ],
    versionOf: (file) => (file.endsWith(".tgz") ? version : null),
    client: "npm",
  }),
  deb: ({ name, version }) => ({
    commands: [
      ["apt-get", "download", "-o", "Acquire::Retries=1", "-o", "APT::Sandbox::User=root", version === "" ? name : `${name}=${version}`],
    ],
    troubles: [
      {
        words: /unable to locate package|no packages found|can't find a source to download|no candidate version/i,
        code: hasLists() ? "source.not-found" : "source.no-lists",
        message: hasLists()
          ? "apt's lists have no such package or version"
          : "apt has no package lists: `apt-get update` never ran on this machine",
        hint: hasLists()
          ? "correct the name, or bring the lists up to date with `apt-get update` (as root)"
          : "run `apt-get update` (as root) once",
      },
      {
        words: /\b404\b.*not found/i,
        code: "source.not-found",
        message: "the archive no longer has the version that apt's lists name",
        hint: "bring the lists up to date with `apt-get update` (as root)",
      },
      noNetwork,
      denied,
    ],
    // NAME_VERSION_ARCH.deb, the epoch's colon as %3a.
    versionOf: (file) => /^[^_]+_([^_]+)_[^_]+\.deb$/.exec(file)?.[1]?.replace(/%3a/gi, ":") ?? null,
    client: "apt-get (a Debian or Ubuntu system)",
  }),
};

/** Whether apt knows any package; where its state lies elsewhere than usual that is not seen, and taken for yes. */
function hasLists(): boolean {
  try {
    return readdirSync(join("/var/lib/apt", "lists")).some((file) => /_Packages(\.\w+)?$/.test(file));
  } catch {
    return true;
  }
}
