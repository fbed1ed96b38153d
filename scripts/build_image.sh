#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build_image.sh [--target service|torch] [--tag NAME]… [--base IMAGE] [--engine docker|podman|buildah]: builds the
# container image of the HTTP service (service/Dockerfile) and prints its name.
#   --target  service (the default), or torch: with the plug-in for TorchScript models
#   --tag     name and tag; default ghcr.io/OWNER/binaryimageclassification:SHA (torch: :SHA-torch), OWNER from the
#             remote 'origin', SHA of the commit, with '-dirty' when tracked files differ from it
#   --base    base image, best with its digest; default docker.io/library/debian:bookworm-slim
#   --engine  default: the first of docker, podman and buildah that is there
# Environment: CATDOG_JOBS, and what the engine itself reads (such as STORAGE_DRIVER and BUILDAH_ISOLATION).
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

target=service tags=() base='' engine=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --target | --tag | --base | --engine) [ $# -ge 2 ] || die "$1 needs a value; see --help" ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  case "$1" in
    --target) target=$2 ;;
    --tag) tags+=("$2") ;;
    --base) base=$2 ;;
    --engine) engine=$2 ;;
  esac
  shift 2
done
case "$target" in service | torch) ;; *) die "no target '$target'; there are: service torch" ;; esac
if [ -z "$engine" ]; then
  for candidate in docker podman buildah; do
    ! command -v "$candidate" >/dev/null || { engine=$candidate && break; }
  done
  [ -n "$engine" ] || die "none of docker, podman and buildah is there: apt-get install buildah"
fi
command -v "$engine" >/dev/null || die "$engine is not installed"

cd "$CATDOG_ROOT" || exit 2
if command -v npm >/dev/null; then
  scripts/get_swagger_ui.sh
else
  say "no npm: the image's page /docs will be without Swagger UI" >&2
fi
version=$(project_version)
# Outside a repository of git (an unpacked source package) the image says so.
revision=$(git rev-parse --verify --quiet HEAD 2>/dev/null || printf unknown)
seconds=$(git log -1 --format=%ct 2>/dev/null || printf 0)
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || revision+=-dirty
created=$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)
origin=$(git remote get-url origin 2>/dev/null || true)
slug=$(sed -nE 's#^.*github\.com[:/]([^/]+/[^/]+)$#\1#p' <<<"${origin%.git}")
if [ ${#tags[@]} -eq 0 ]; then
  owner=${slug%%/*}
  repository=$(image_repository "${owner:-local}")
  suffix=''
  [ "$target" = service ] || suffix=-$target
  tags=("$repository:$revision$suffix")
fi

arguments=(--file service/Dockerfile --target "$target" --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
  --build-arg "CREATED=$created" --build-arg "JOBS=$CATDOG_JOBS")
# By this label GitHub gives the package the repository's rights, and readers find the sources.
[ -z "$slug" ] || arguments+=(--build-arg "SOURCE=https://github.com/$slug")
[ -z "$base" ] || arguments+=(--build-arg "BASE=$base")
for tag in "${tags[@]}"; do arguments+=(--tag "$tag"); done
case "$engine" in
  docker) DOCKER_BUILDKIT=1 docker build "${arguments[@]}" . ;;
  # Docker's format, because OCI's has no HEALTHCHECK.
  podman) podman build --format docker "${arguments[@]}" . ;;
  buildah) buildah bud --layers --format docker "${arguments[@]}" . ;;
  *) die "unknown engine '$engine'; see --help" ;;
esac
say "image: ${tags[*]}"
