import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";

/** A file of the stack's assets whose content is made at synthesis; it must hold no token. */
export class GeneratedAsset extends TerraformAsset {
  /** Of the content, in hexadecimal. */
  public readonly sha256: string;

  constructor(scope: Construct, id: string, fileName: string, content: string | Uint8Array) {
    const sha256 = createHash("sha256").update(content).digest("hex");
    super(scope, id, { path: staged(fileName, sha256, content), type: AssetType.FILE, assetHash: sha256 });
    this.sha256 = sha256;
  }
}

let staging: string | undefined;

/** cdktf copies assets at the end of synthesis, so the file must live until the process ends. */
function staged(fileName: string, sha256: string, content: string | Uint8Array): string {
  if (staging === undefined) {
    const created = mkdtempSync(join(tmpdir(), "cdktf-ai-gateway-"));
    process.once("exit", () => rmSync(created, { recursive: true, force: true }));
    staging = created;
  }
  const folder = mkdtempSync(join(staging, `${sha256.slice(0, 8)}-`));
  const path = join(folder, fileName);
  writeFileSync(path, content);
  return path;
}
