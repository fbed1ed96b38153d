#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# publish_image.sh --local IMAGE… --owner OWNER --commit SHA --branch NAME: pushes built images, one for each architecture,
# as ghcr.io/OWNER/binaryimageclassification:SHA-ARCHITECTURE, and the list of them as :SHA and :NAME, with docker. Prints
# image=… and digest=…, the list's (also into $GITHUB_OUTPUT). :NAME stays where it is if it has the image of a later
# commit: a slow build doesn't take it back. Needs the history of SHA.
# OWNER in small letters, as registries want it; of the branch's name only what a tag may hold.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

images=() owner='' commit='' branch=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --local | --owner | --commit | --branch) [ $# -ge 2 ] || die "$1 needs a value; see --help" ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  case "$1" in
    --local) images+=("$2") ;;
    --owner) owner=$2 ;;
    --commit) commit=$2 ;;
    --branch) branch=$2 ;;
  esac
  shift 2
done
for value in "${images[*]}" "$owner" "$commit" "$branch"; do
  [ -n "$value" ] || die "--local, --owner, --commit and --branch are needed; see --help"
done
"$CATDOG_ROOT/scripts/cd_check_tag.sh" "$commit"
image=$(image_repository "$owner")
branch=$(LC_ALL=C tr -c 'A-Za-z0-9_.\n-' - <<<"$branch")
branch=${branch:0:128}
[[ $branch =~ ^[A-Za-z0-9_] ]] || die "no tag can be made of the branch's name '$branch'"

parts=() architectures=()
for from in "${images[@]}"; do
  architecture=$(docker image inspect --format '{{.Architecture}}' "$from") || die "there is no image $from"
  case " ${architectures[*]} " in *" $architecture "*) die "two of the images are for $architecture" ;; esac
  architectures+=("$architecture")
done

tags=("$commit")
label="{{index (index .Image \"linux/${architectures[0]}\").Config.Labels \"org.opencontainers.image.revision\"}}"
there=$(docker buildx imagetools inspect "$image:$branch" --format "$label" 2>/dev/null) || there=''
# Unknown to this history: an image of another repository's, or of a branch that was pushed anew.
if [[ $there =~ ^[0-9a-f]{40}$ ]] && [ "$there" != "$commit" ] &&
  git -C "$CATDOG_ROOT" merge-base --is-ancestor "$commit" "$there" 2>/dev/null; then
  say "$image:$branch stays at $there, which comes after $commit" >&2
else
  tags+=("$branch")
fi

for i in "${!images[@]}"; do
  tag="$image:$commit-${architectures[$i]}"
  docker tag "${images[$i]}" "$tag"
  pushed=$(docker push "$tag" | tee /dev/stderr | sed -nE 's/^.*digest: (sha256:[0-9a-f]{64}) size: .*/\1/p')
  [ -n "$pushed" ] || die "docker push named no digest for $tag"
  parts+=("$image@$pushed")
done
named=()
for tag in "${tags[@]}"; do named+=(--tag "$image:$tag"); done
docker buildx imagetools create "${named[@]}" "${parts[@]}" >&2
digest=$(docker buildx imagetools inspect "$image:$commit" --format '{{.Manifest.Digest}}')
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "the registry names no digest for $image:$commit, but '$digest'"
printf '%s\n' "image=$image" "digest=$digest" | tee -a "${GITHUB_OUTPUT:-/dev/null}"
