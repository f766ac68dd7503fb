/** The LiteLLM release that a gateway runs when none is named: the newest that installs from hashes and was tried here. */
export const DEFAULT_RELEASE = "1.106.2";

/** The oldest release that a gateway runs. */
export const OLDEST_RELEASE = "1.104.0";

/** Releases that are never run, each with the reason. */
export const REFUSED_RELEASES: Readonly<Record<string, string>> = {
  "1.82.7": "the PyPI package of 2026-03-24 carried malware that steals environment, SSH, cloud and database secrets",
  "1.82.8": "the PyPI package of 2026-03-24 carried malware that runs at every start of Python (litellm_init.pth)",
  "1.107.0": "the packages and images of 2026-10-21 carried malware that runs at every start of Python (cook.pth, sitecustomize.py)",
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
  const isOlder = compareVersions(release, OLDEST_RELEASE) < 0;
  return isOlder ? [`${prop}: LiteLLM ${release} is refused: ${BELOW_OLDEST}; use ${OLDEST_RELEASE} or newer`] : [];
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
