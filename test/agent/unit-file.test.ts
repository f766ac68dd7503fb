import { parse } from "yaml";
import { blocks } from "./guide";

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly permissions?: string; readonly content: string }[];
  readonly runcmd: readonly string[];
}

it("the guide's cloud-config lets only the service look at the key, and takes a new one within the overlap", () => {
  const [text] = blocks("yaml");
  expect(text).toMatch(/^#cloud-config\n/);
  const { write_files: files, runcmd } = parse(text!) as CloudConfig;
  const [script, unit] = files;
  expect(script).toMatchObject({ path: "/usr/local/bin/gateway-key", permissions: "0755" });
  const lines = unit!.content.split("\n");
  const service = unit!.path.replace(/^.*\/|\.service$/g, "");
  expect(lines).toEqual(
    expect.arrayContaining([
      "DynamicUser=yes",
      `RuntimeDirectory=${service}`,
      "RuntimeDirectoryMode=0700",
      `ExecStartPre=${script!.path}`,
      `EnvironmentFile=-/run/${service}/environment`,
      "Restart=always",
    ]),
  );
  const hours = /^RuntimeMaxSec=(\d+)h$/m.exec(unit!.content)?.[1];
  expect(Number(hours)).toBeLessThan(24);
  expect(runcmd).toEqual([`systemctl enable --now ${service}.service`]);
  expect(text).not.toMatch(/sk-[0-9a-zA-Z]/);
});
