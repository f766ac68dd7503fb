import { DEFAULT_RELEASE, OLDEST_RELEASE, REFUSED_IMAGES, REFUSED_RELEASES } from "../../src";
import { imageProblems, releaseProblems } from "../../src/litellm/releases";

describe("the release policy", () => {
  it.each([DEFAULT_RELEASE, OLDEST_RELEASE, "1.106.10", "1.108.0", "2.0.0"])("runs %s", (release) => {
    expect(releaseProblems("litellmRelease", release)).toEqual([]);
  });

  it.each(Object.entries(REFUSED_RELEASES))("refuses %s: %s", (release, reason) => {
    expect(releaseProblems("litellmRelease", release)).toEqual([`litellmRelease: LiteLLM ${release} is refused: ${reason}; use 1.106.12`]);
  });

  it.each(["1.103.9", "1.82.6", "0.9.0"])("refuses %s for its known holes", (release) => {
    expect(releaseProblems("litellmRelease", release)[0]).toContain(`LiteLLM ${release} is refused: it has known holes`);
  });

  it.each(["latest", "1.106", "v1.106.12", "1.106.2rc1", ""])("does not take %j for a release", (release) => {
    expect(releaseProblems("litellmRelease", release)[0]).toContain('is not a release such as "1.106.12"');
  });
});

describe("the policy for images", () => {
  it.each(["ghcr.io/berriai/litellm-non_root", "registry.corp:5000/mirror/ghcr.io/berriai/litellm"])("runs %s by digest", (name) => {
    expect(imageProblems("containerImage", `${name}@sha256:${"0".repeat(64)}`)).toEqual([]);
  });

  it.each(Object.entries(REFUSED_IMAGES))("refuses %s: %s", (digest, reason) => {
    expect(imageProblems("containerImage", `registry.corp/x@${digest}`)).toEqual([`containerImage: ${digest} is refused: ${reason}`]);
  });

  it.each([
    "latest",
    "ghcr.io/berriai/litellm",
    `ghcr.io/berriai/litellm:v1@sha256:${"0".repeat(64)}`,
    `x/y@sha256:${"0".repeat(64)}\n`,
    "",
  ])("does not take %j for an image by digest", (image) => {
    expect(imageProblems("containerImage", image)[0]).toContain("is not an image by digest");
  });
});
