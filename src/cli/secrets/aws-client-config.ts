/** What every client of AWS is made with. */
export interface AwsClientConfig {
  readonly region: string;
  readonly maxAttempts: number;
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number };
}

/** The SDK tries again by itself when it is throttled. */
export function awsClientConfig(region: string): AwsClientConfig {
  // It says on standard error which Node.js its later releases will need; what is bundled here stays as it is.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return { region, maxAttempts: 4, requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000 } };
}
