/** The LiteLLM release that a gateway runs when none is named: the newest that installs from hashes and was tried here. */
export const DEFAULT_RELEASE = "1.106.12";

/** The oldest release that a gateway runs. */
export const OLDEST_RELEASE = "1.104.0";

/** Releases that are never run, each with the reason. */
export const REFUSED_RELEASES: Readonly<Record<string, string>> = {
  "1.82.7": "the PyPI package of 2026-03-24 carried malware that steals environment, SSH, cloud and database secrets",
  "1.82.8": "the PyPI package of 2026-03-24 carried malware that runs at every start of Python (litellm_init.pth)",
  "1.107.0": "the packages and images of 2026-10-21 carried malware that runs at every start of Python (cook.pth, sitecustomize.py)",
};

/** Digests of images that are never run, each with the reason. */
export const REFUSED_IMAGES: Readonly<Record<string, string>> = {
  "sha256:1bbcb1443bc962e45f5aad53fe3d2c30600e0379715fb6c664cdd3ac126c339e":
    "the image of LiteLLM 1.107.0 of 2026-10-21 carried malware that runs at every start of Python",
};

/** Holes known in every release below {@link OLDEST_RELEASE}. */
const BELOW_OLDEST =
  "it has known holes: proxy admin through the salt key (GHSA-7hp6-4w63-5g45), and in older ones provider-key theft " +
  "(GHSA-3cv6-jpf6-8222), file read (GHSA-g5ff-637f-6q2m), authentication bypass (CVE-2026-48710) and SQL injection (CVE-2026-42208)";

/** The problem of running a release; empty when it may run. */
export function releaseProblems(prop: string, release: string): string[] {
  const version = /^(\d+)\.(\d+)\.(\d+)$/.exec(release);
  if (!version) return [`${prop}: ${JSON.stringify(release)} is not a release such as "${DEFAULT_RELEASE}"`];
  const refused = REFUSED_RELEASES[release];
  if (refused !== undefined) return [`${prop}: LiteLLM ${release} is refused: ${refused}; use ${DEFAULT_RELEASE}`];
  const isOlder = !isAtLeast(release, OLDEST_RELEASE);
  return isOlder ? [`${prop}: LiteLLM ${release} is refused: ${BELOW_OLDEST}; use ${OLDEST_RELEASE} or newer`] : [];
}

/** By digest only, and literal: a tag can be moved to other content, and what Terraform alone knows can not be held against a list. */
const IMAGE_BY_DIGEST = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+@(sha256:[0-9a-f]{64})$/;

/** The problem of running a container image; empty when it may run. */
export function imageProblems(prop: string, image: string): string[] {
  const digest = IMAGE_BY_DIGEST.exec(image)?.[5];
  if (digest === undefined) {
    return [
      `${prop}: ${JSON.stringify(image)} is not an image by digest, such as "ghcr.io/berriai/litellm-non_root@sha256:" and 64 hexadecimal digits`,
    ];
  }
  const refused = REFUSED_IMAGES[digest];
  return refused === undefined ? [] : [`${prop}: ${digest} is refused: ${refused}`];
}

/** Whether a release is the other one or newer. */
export function isAtLeast(release: string, other: string): boolean {
  return compareVersions(release, other) >= 0;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
