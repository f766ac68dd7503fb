import Credential from "@alicloud/credentials";
import OpenApi, { Config, OpenApiRequest, Params } from "@alicloud/openapi-client";
import { RuntimeOptions } from "@alicloud/tea-util";
import { withRetries } from "./retries";
import { failureCode } from "./store-error";

/** One of Alibaba Cloud's services. */
export interface AlicloudService {
  readonly version: string;
  /** A host, or for tests `http://host:port`. */
  readonly endpoint: string;
}

const RUNTIME = new RuntimeOptions({ connectTimeout: 5_000, readTimeout: 10_000 });

/**
 * Signed calls to a service by the vendor's generic client, with the credentials that the vendor's CLI would find.
 *
 * The vendor's typed KMS client (1.2.0) signs with HMAC-SHA1 and does not know KMS instances.
 */
export class AlicloudApi {
  private readonly client: OpenApi;

  constructor(private readonly service: AlicloudService) {
    const plain = service.endpoint.startsWith("http://");
    this.client = new OpenApi(
      new Config({
        credential: new Credential(),
        endpoint: service.endpoint.replace(/^https?:\/\//, ""),
        protocol: plain ? "HTTP" : "HTTPS",
      }),
    );
  }

  /** The reply's body; tried again while the service says that it is asked too much. */
  public async call<T>(action: string, query: Readonly<Record<string, string | undefined>>): Promise<T> {
    const params = new Params({
      action,
      version: this.service.version,
      protocol: "HTTPS",
      pathname: "/",
      method: "POST",
      authType: "AK",
      style: "RPC",
      reqBodyType: "formData",
      bodyType: "json",
    });
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Record<string, string>;
    const reply = await withRetries(isThrottled, () => this.client.callApi(params, new OpenApiRequest({ query: given }), RUNTIME));
    return reply.body as T;
  }
}

function isThrottled(error: unknown): boolean {
  return /Throttling|QpsLimit|TooManyRequests|ServiceUnavailable/i.test(failureCode(error));
}
