/** A certificate of the cloud's own certificate service. */
export interface ICertificate {
  readonly id: string;
}

/** Certificates are issued elsewhere and come in by their id. */
export abstract class Certificate {
  /** @param id its ARN in AWS Certificate Manager; `<certificate id>-<region>` on Alibaba Cloud */
  public static fromId(id: string): ICertificate {
    return { id };
  }
}
