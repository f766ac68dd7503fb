import { X509Certificate } from "node:crypto";
import { secondsProblems } from "../duration";
import { duration, Kind, object, Shape, shapeProblems, text } from "../shape";
import { isExpression, nameProblems } from "../text";
import { VaultAuth, VaultAuthProps, VaultAwsAuthProps } from "./vault-auth";
import type { VaultStoreProps } from "./vault-store";

/** All that is wrong with the props of a store in Vault. */
export function storeProblems(props: VaultStoreProps): string[] {
  const shape = shapeProblems("", props, STORE_SHAPE, ["address", "auth"]);
  if (shape.length > 0) return shape;
  return [
    ...nameProblems("address", props.address, ADDRESS, 'an https:// address without a path, such as "https://vault.corp.example:8200"'),
    ...nameProblems("mount", props.mount, PATH, MOUNT_WORDS),
    ...nameProblems("namespace", props.namespace, PATH, 'a namespace without / at its ends, such as "admin/team-a"'),
    ...certificateProblems(props.caCertificate),
    ...authProblems(props.auth),
  ];
}

/** A token must outlive the minute before its end in which a node already logs in anew. */
const TOKEN_SECONDS = { minimum: 120, maximum: 86_400 } as const;

function authProblems({ method, props }: VaultAuth): string[] {
  const shape = shapeProblems("auth", props, AUTH_SHAPES[method]);
  if (shape.length > 0) return shape;
  return [
    ...nameProblems("auth.mount", props.mount, PATH, MOUNT_WORDS),
    ...nameProblems("auth.role", props.role, ROLE, "a name of lower-case letters, digits and - _ . that starts with a letter or digit"),
    ...nameProblems("auth.serverId", props.serverId, /^[\x21-\x7e]{1,255}$/, "a value of a header: 1 to 255 characters without spaces"),
    ...secondsProblems("auth.tokenTtl", props.tokenTtl, TOKEN_SECONDS.minimum, TOKEN_SECONDS.maximum),
  ];
}

/** What it holds is not told: it may be something else, pasted in by mistake. */
function certificateProblems(pem: string | undefined): string[] {
  if (pem === undefined || isExpression(pem)) return [];
  const blocks = pem.match(CERTIFICATE) ?? [];
  return blocks.length > 0 && pem.replace(CERTIFICATE, "").trim() === "" && blocks.every(isCertificate)
    ? []
    : [
        "caCertificate: it is not the text of one or more certificates in PEM (-----BEGIN CERTIFICATE----- ...); a file's path is none either",
      ];
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

const auth: Kind = (value) => (value instanceof VaultAuth ? undefined : "VaultAuth.aws() or VaultAuth.alicloud()");

const STORE_SHAPE: Shape<VaultStoreProps> = { address: text, mount: text, namespace: text, caCertificate: text, auth, provider: object };

const AUTH_SHAPE: Shape<VaultAuthProps> = { mount: text, role: text, tokenTtl: duration };

const AWS_AUTH_SHAPE: Shape<VaultAwsAuthProps> = { ...AUTH_SHAPE, serverId: text };

const AUTH_SHAPES: Readonly<Record<VaultAuth["method"], Shape<VaultAuthProps>>> = { aws: AWS_AUTH_SHAPE, alicloud: AUTH_SHAPE };

/** Plain http only where nothing of the network sees it: a proxy on the node itself. */
const ADDRESS = /^(https:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])|http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\]))(:\d{1,5})?$/;
const PATH = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;
const MOUNT_WORDS = 'a path without / at its ends, such as "secret"';
/** Vault makes the names of roles and policies lower-case. */
const ROLE = /^[a-z0-9][a-z0-9_.-]*$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
