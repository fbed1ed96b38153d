#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_running_image.sh [--pull] IMAGE: starts the image with docker as Kubernetes would (user 10001, read-only root, no
# capabilities, the deployment's memory), runs the smoke test against it, and ends it by SIGTERM, which must be clean.
#   --pull  IMAGE must be NAME@sha256:… and is fetched: exactly that one is tested
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

pull=0
case "${1:-}" in
  -h | --help) usage && exit 0 ;;
  --pull) pull=1 && shift ;;
esac
[ $# -eq 1 ] || die "one image, please; see --help"
image=$1
if [ "$pull" -eq 1 ]; then
  [[ $image =~ @sha256:[0-9a-f]{64}$ ]] || die "'$image' has no digest: another image could be there by now"
  docker pull --quiet "$image"
fi
version=$(project_version)

container=$(docker run --detach --read-only --cap-drop ALL --security-opt no-new-privileges --user 10001:10001 \
  --memory 768m --publish 127.0.0.1::8000 "$image")
# Called by the trap.
# shellcheck disable=SC2317
clean_up() {
  local status=$?
  [ "$status" -eq 0 ] || docker logs "$container" >&2 || true
  docker rm --force "$container" >/dev/null || true
  exit "$status"
}
trap clean_up EXIT
address=$(docker port "$container" 8000/tcp | head -n 1)
[ -n "$address" ] || die "the container doesn't run: its port 8000 isn't there"
python3 "$CATDOG_ROOT/scripts/smoke_test.py" --url "http://$address" --wait 60 --expect-version "$version"

docker stop --time 40 "$container" >/dev/null
ended=$(docker inspect --format '{{.State.ExitCode}}' "$container")
[ "$ended" = 0 ] || die "the server ended with status $ended on SIGTERM"
say "$image: works, and ends cleanly"
