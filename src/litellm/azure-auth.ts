/** How the gateway proves itself to Azure OpenAI. */
export class AzureAuth {
  private constructor(
    /** The fields of the secret, in LiteLLM's words. */
    public readonly fields: readonly string[],
  ) {}

  /** The resource's API key; the secret is the bare key. */
  public static apiKey(): AzureAuth {
    return new AzureAuth(["api_key"]);
  }

  /** An Entra service principal; the secret is a JSON object with `tenant_id`, `client_id` and `client_secret`. */
  public static servicePrincipal(): AzureAuth {
    return new AzureAuth(["tenant_id", "client_id", "client_secret"]);
  }
}
