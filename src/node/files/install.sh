#!/usr/bin/env bash
# Installs the gateway node whose bundle this file lies in, and starts it. May be run again at any time.
#
#   install.sh            at boot: settings.json lies beside this file; ends when the gateway serves
#   install.sh --image    in an image build: all that takes long, no settings, nothing started
#
# Variables, all optional:
#   AIGW_PYTHON_INDEX     package index      (else settings.json install.pythonIndex, else pip's own)
#   AIGW_ENGINE_MIRROR    engine mirror      (else settings.json install.engineMirror, else Prisma's own)
#   AIGW_CONTAINER_IMAGE  LiteLLM from this image, by digest (else settings.json install.containerImage, else the lock file)
#   AIGW_QUERY_ENGINE     a query engine that is already on this machine: nothing is downloaded
#   AIGW_PYTHON           the Python to use  (else the table below)
#   AIGW_ROOT             a scratch root for tests: no packages, no user, no service
set -euo pipefail
umask 022
# Bytecode that is compiled now makes a boot three times as fast.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${AIGW_ROOT:-}
home=$root/opt/aigw
user=aigw
[[ -z $root ]] || user=$(id -un)
units=(aigw-ship.service aigw.service)
venv='' engine_folder='' extra='' # the folders in use
image=false
[[ ${1:-} == --image ]] && image=true

say() { echo "aigw: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# system: package manager, packages, Python, family of the query engine, packages of a container's runtime
describe_system() {
  local id version
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "$ID")
  # shellcheck source=/dev/null
  version=$(. /etc/os-release && echo "${VERSION_ID%%.*}")
  case $id-$version in
    debian-12)   manager=apt packages=(python3 python3-venv ca-certificates openssl) python=python3    engine=debian-openssl-3.0.x podman=(podman crun netavark catatonit) ;;
    ubuntu-24)   manager=apt packages=(python3 python3-venv ca-certificates openssl) python=python3    engine=debian-openssl-3.0.x podman=(podman crun netavark catatonit) ;;
    alinux-3)    manager=dnf packages=(python3.11 ca-certificates openssl)           python=python3.11 engine=rhel-openssl-1.1.x   podman=(podman) ;;
    amzn-2023)   manager=dnf packages=(python3.11 ca-certificates openssl)           python=python3.11 engine=rhel-openssl-3.0.x   podman=() ;;
    *) fail "this system ($id $version) is not one of Debian 12, Ubuntu 24.04, Alibaba Cloud Linux 3, Amazon Linux 2023" ;;
  esac
  case $(uname -m) in
    x86_64) ;;
    aarch64) engine=linux-arm64-openssl-${engine##*-openssl-} ;;
    *) fail "this processor ($(uname -m)) is neither x86_64 nor aarch64" ;;
  esac
  python=${AIGW_PYTHON:-$python}
}

has_python() {
  command -v "$python" >/dev/null &&
    "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] < (3, 10))' 2>/dev/null
}

add_packages() {
  say "installing $*"
  if [[ $manager == apt ]]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 update
    apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 install --no-install-recommends "$@"
  else
    dnf -q -y install "$@"
  fi
}

install_packages() {
  has_python && return
  [[ -z $root ]] || fail "$python is missing or older than 3.10, or has no venv module"
  add_packages "${packages[@]}"
  has_python || fail "$python is missing or older than 3.10, or has no venv module"
}

install_podman() {
  command -v podman >/dev/null && return
  [[ -n ${podman[*]} && -z $root ]] || fail "containerImage: this system has neither Podman nor a package of it"
  add_packages "${podman[@]}"
}

make_user() {
  [[ -n $root ]] || id "$user" >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir /var/lib/aigw --shell /usr/sbin/nologin "$user"
}

# A value below `install` in settings.json, or nothing.
setting() {
  [[ -f $bundle/settings.json ]] || return 0
  "$python" - "$bundle/settings.json" "$1" <<'PYTHON'
import json, sys
value = json.load(open(sys.argv[1])).get("install", {})
for name in sys.argv[2].split("/"):
    value = value.get(name) if isinstance(value, dict) else None
print(value or "")
PYTHON
}

digest() { cat "$@" | sha256sum | cut -c 1-16; }

# Points the name at the folder in one step, so that a service that starts meanwhile sees the old or the new.
point() {
  ln -sfn "$2" "$home/.$1.new"
  mv -T "$home/.$1.new" "$home/$1"
}

use_index() {
  local index
  index=${AIGW_PYTHON_INDEX:-$(setting pythonIndex)}
  [[ -z $index ]] || export PIP_INDEX_URL=$index
}

make_venv() {
  local version
  version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
  venv=venv-$(digest "$bundle/requirements.lock" "$bundle/prisma-client.json" <(echo "$version"))
  [[ -f $home/$venv/.complete ]] && return
  say "installing LiteLLM for Python $version"
  use_index
  rm -rf "${home:?}/$venv"
  "$python" -m venv "$home/$venv"
  # The lock file is whole, so nothing is resolved: pip < 23.3, which Debian 12 has, would look at newer releases for an
  # extra (pydantic[email]) and end. What a lock file lacks is told by `pip check`.
  "$home/$venv/bin/python" -m pip install --quiet --retries 10 --timeout 60 --no-compile --no-deps \
    --require-hashes --only-binary :all: --requirement "$bundle/requirements.lock"
  "$home/$venv/bin/python" -m pip check >&2 || fail "requirements.lock is not whole: it lacks what stands above"
  PYTHONPATH=$bundle "$home/$venv/bin/python" -m aigw_node prisma-client make "$bundle/prisma-client.json"
  "$home/$venv/bin/python" -m compileall -q -j 0 "$home/$venv/lib" >/dev/null || true # a package's templates are no Python
  PYTHONPATH=$bundle "$home/$venv/bin/python" -m aigw_node check >/dev/null || fail "this release of LiteLLM is not supported; see above"
  touch "$home/$venv/.complete"
}

get_engine() {
  local commit
  if [[ -n ${AIGW_QUERY_ENGINE:-} ]]; then
    engine_folder='engine-local'
    mkdir -p "$home/$engine_folder"
    ln -sfn "$AIGW_QUERY_ENGINE" "$home/$engine_folder/query-engine"
    return
  fi
  commit=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["engine"])' "$bundle/prisma-client.json")
  engine_folder=engine-${commit:0:16}-$engine
  [[ -x $home/$engine_folder/query-engine ]] && return
  say "getting Prisma's query engine for $engine"
  PYTHONPATH=$bundle "$home/$venv/bin/python" -m aigw_node query-engine --client "$bundle/prisma-client.json" \
    --target "$engine" --mirror "${AIGW_ENGINE_MIRROR:-$(setting engineMirror)}" \
    --sha256 "$(setting "engineSha256/$engine")" --out "$home/$engine_folder/query-engine"
}

# What the image says of itself: its Python's version and LiteLLM's. It is asked without network, rights and files of ours.
ask_image() {
  podman run --rm --network=none --read-only --cap-drop=all --security-opt=no-new-privileges --user=65534:65534 \
    --entrypoint=python "$container" \
    -c 'import importlib.metadata as m, platform as p; print(p.python_version(), m.version("litellm"))'
}

# entries PYTHON VERSION NAME...: the lock file's entries of these names that hold for a Python of this version, without
# their markers: pip would hold those against the Python that it runs on.
entries() {
  "$1" - "$bundle/requirements.lock" "${@:2}" <<'PYTHON'
import re, sys
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name
lock, version, *wanted = sys.argv[1:]
system = {"python_full_version": version, "python_version": ".".join(version.split(".")[:2])}
for line in re.sub(r"\s*\\\n\s*", " ", open(lock).read()).splitlines():
    text, *hashes = line.split(" --hash=")
    if not text[:1].isalnum():
        continue
    entry = Requirement(text)
    if canonicalize_name(entry.name) in wanted and (entry.marker is None or entry.marker.evaluate(system)):
        wanted.remove(canonicalize_name(entry.name))
        print(f"{entry.name}{entry.specifier}", *(f"--hash={value}" for value in hashes))
if wanted:
    sys.exit(f"aigw: requirements.lock lacks {', '.join(wanted)} for Python {version}")
PYTHON
}

# What aigw_node needs and the image lacks, for the image's Python.
make_extra() {
  local said version release
  [[ $container =~ @sha256:[0-9a-f]{64}$ ]] || fail "containerImage: $container is not an image by digest"
  extra=extra-$(digest "$bundle/requirements.lock" <(echo "$container"))
  podman image exists "$container" || { say "pulling $container"; podman pull --quiet "$container" >&2; }
  [[ -f $home/$extra/.complete ]] && return
  said=$(ask_image)
  read -r version release <<<"$said"
  grep -qE "^litellm(\[proxy\])?==${release//./\\.} " "$bundle/requirements.lock" ||
    fail "containerImage: the image has LiteLLM $release, which is not the release of requirements.lock"
  say "installing what the image lacks for Python $version"
  use_index
  rm -rf "${home:?}/$extra" "${home:?}/$extra-tools"
  "$python" -m venv "$home/$extra-tools"
  mkdir -p "$home/$extra"
  entries "$home/$extra-tools/bin/python" "$version" psycopg psycopg-binary httptools tzdata >"$home/$extra/requirements.txt"
  "$home/$extra-tools/bin/python" -m pip install --quiet --retries 10 --timeout 60 --no-compile --target "$home/$extra" \
    --python-version "${version%.*}" --implementation cp --no-deps --require-hashes --only-binary :all: \
    --requirement "$home/$extra/requirements.txt"
  rm -rf "${home:?}/$extra-tools"
  touch "$home/$extra/.complete"
}

# LiteLLM from the lock file.
prepare_venv() {
  make_venv
  get_engine
  "$home/$venv/bin/python" -m compileall -q "$bundle/aigw_node"
  point venv "$venv"
  point engine "$engine_folder"
}

# LiteLLM from the vendor's image, which has a Prisma client and a query engine of its own.
prepare_container() {
  install_podman
  make_extra
  point extra "$extra"
  # The image does not know our user's name.
  printf 'AIGW_CONTAINER_IMAGE=%s\nAIGW_CONTAINER_USER=%s\n' "$container" "$(id -u "$user"):$(id -g "$user")" >"$home/container.env"
}

install_units() {
  local unit
  for unit in "${units[@]}"; do
    install -D -m 0644 "$bundle/${unit%.service}$1.service" "$root/etc/systemd/system/$unit"
  done
}

remove_old() {
  local path
  for path in "$home"/bundle-* "$home"/venv-* "$home"/engine-* "$home"/extra-*; do
    case ${path##*/} in
      "$venv" | "$engine_folder" | "$extra" | "${bundle##*/}") ;;
      *) rm -rf "$path" ;;
    esac
  done
}

start() {
  systemctl daemon-reload
  systemctl enable --quiet "${units[@]}"
  systemctl restart aigw-ship.service || say "the request log is not shipped yet; systemd tries again every 20 s"
  say "starting; the first node of a fleet also makes the database's tables"
  if ! systemctl restart aigw.service; then
    journalctl --unit aigw.service --lines 20 --no-pager --output cat >&2 || true
    fail "the gateway did not start; systemd tries again every 20 s; its last words stand above"
  fi
  say "the gateway serves"
}

[[ -n $root || $(id -u) == 0 ]] || fail "this must run as root"
mkdir -p "$home"
describe_system
install_packages
make_user
container=${AIGW_CONTAINER_IMAGE:-$(setting containerImage)}
if [[ -n $container ]]; then prepare_container; else prepare_venv; fi
$image && { say "the image is prepared"; exit 0; }

[[ -f $bundle/settings.json ]] || fail "settings.json is missing beside install.sh"
point current "$bundle"
install_units "${container:+-container}"
remove_old
[[ -z $root ]] || exit 0
start
