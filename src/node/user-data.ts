import { literalText } from "../text";
import { fetcher } from "./bundle";

/** An object of the gateway's bucket, and what it must be. */
export interface NodeObject {
  readonly key: string;
  readonly sha256: string;
}

/** What a new instance must know to become a node. */
export interface NodeBoot {
  readonly cloud: string;
  readonly region: string;
  readonly bucket: string;
  readonly bundle: NodeObject;
  readonly settings: NodeObject;
}

/**
 * The script of an instance's first boot: it fetches the bundle and the settings with the instance's role and installs
 * them. Its size does not grow with the gateway's. The text is Terraform's: literal but for tokens.
 */
export function userData(boot: NodeBoot): string {
  return [
    "#!/bin/bash",
    "set -eu",
    "umask 077",
    "mkdir -p /var/lib/aigw-boot",
    "cd /var/lib/aigw-boot",
    ...hereDocument("fetch.py", literalText(fetcher())),
    ...hereDocument("node.json", JSON.stringify(boot)),
    "exec python3 fetch.py node.json",
    "",
  ].join("\n");
}

function hereDocument(file: string, text: string): string[] {
  return [`cat > ${file} <<'AIGW_END'`, text.trimEnd(), "AIGW_END"];
}
