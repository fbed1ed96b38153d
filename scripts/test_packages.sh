#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_packages.sh [FOLDER]: installs the packages that scripts/build_packages.sh made (or those in FOLDER) in a bare Debian made with
# debootstrap, uses each, removes them, and looks for what they left behind. Needs root; takes some minutes.
# shellcheck disable=SC2016,SC2031 # what runs inside is expanded there
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
packages=$(realpath -- "${1:-$CATDOG_ROOT/build/packages/packages}")
[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
compgen -G "$packages/*.deb" >/dev/null || die "no packages in $packages: run scripts/build_packages.sh first"

"$CATDOG_ROOT/scripts/setup.sh" --packages
root=$(mktemp -d)
cleanup() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap cleanup EXIT
# This machine's own mirror and apt settings, whatever they are.
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Suite: bookworm" | head -n 1)
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
say "debootstrap"
debootstrap --variant=minbase "$codename" "$root" ${mirror:+"$mirror"} >"$packages/debootstrap.log" 2>&1 ||
  { tail -n 20 "$packages/debootstrap.log" >&2 && die "debootstrap failed"; }
cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
cp /etc/resolv.conf "$root/etc/"
mount -t proc proc "$root/proc"
mkdir -p "$root/opt/packages" "$root/opt/images"
cp "$packages"/*.deb "$root/opt/packages/"
cp -r "$CATDOG_ROOT/examples/images/." "$root/opt/images/"
cp "$CATDOG_ROOT/examples/classify_file.c" "$root/opt/"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 bash -c "$1"; }
quiet_inside() { inside "$1" >"$packages/inside.log" 2>&1 || { tail -n 40 "$packages/inside.log" >&2 && die "failed: $1"; }; }
# expect TEXT COMMAND: the command succeeds and prints TEXT.
expect() {
  local output
  output=$(inside "$2" 2>&1) || die "failed: $2: $output"
  [[ $output == *"$1"* ]] || die "expected '$1' from $2, got: $output"
  say "ok: $2"
}

quiet_inside 'apt-get -q update'
say "install: catdog (with libcatdog1), python3-catdog, libcatdog-dev"
quiet_inside 'cd /opt/packages && apt-get -q -y --no-install-recommends install ./libcatdog1_*.deb ./catdog_*.deb ./python3-catdog_*.deb ./libcatdog-dev_*.deb'
expect 'dog.jpg: dog' 'catdog classify /opt/images/dog/dog.jpg'
expect 'catdog' 'catdog-server --help'
expect 'cat' 'python3 -m catdog /opt/images/cat/chelsea.png'
expect 'catdog' 'ls /usr/share/man/man1/catdog-classify.1.gz /usr/share/man/man1/catdog-explain.1.gz /usr/share/man/man1/catdog-verify.1.gz /usr/share/bash-completion/completions/catdog /lib/systemd/system/catdog-server.service'
quiet_inside 'apt-get -q -y --no-install-recommends install gcc libc6-dev pkg-config'
expect 'cat 0' 'cd /opt && gcc -std=c99 classify_file.c $(pkg-config --cflags --libs catdog) -o classify_file && ./classify_file images/cat/chelsea.png'
say "install: libcatdog-torch"
if inside 'catdog classify --engine torch /opt/images/dog/dog.jpg' >"$packages/inside.log" 2>&1; then die "the torch engine works without its package"; fi
grep -q 'x86_64-linux-gnu/catdog/libcatdog-torch.so' "$packages/inside.log" || die "where the plug-in is looked for isn't said: $(cat "$packages/inside.log")"
quiet_inside 'cd /opt/packages && apt-get -q -y --no-install-recommends install ./libcatdog-torch_*.deb'
expect 'dog.jpg: dog' 'catdog classify --engine torch /opt/images/dog/dog.jpg'
say "the service, as its unit starts it"
inside 'catdog-server --port 0 --admin-port 0 --port-file /tmp/ports >/tmp/server.log 2>&1 & pid=$!
  for _ in $(seq 300); do [ -s /tmp/ports ] && break; sleep 0.1; done
  python3 -c "
import json, urllib.request
port = dict(line.split(\"=\") for line in open(\"/tmp/ports\").read().split())[\"api\"]
picture = open(\"/opt/images/dog/dog.jpg\", \"rb\").read()
request = urllib.request.Request(f\"http://127.0.0.1:{port}/predict\", picture, {\"Content-Type\": \"image/jpeg\"})
assert json.load(urllib.request.urlopen(request))[\"predicted_label\"] == \"dog\"" || { cat /tmp/server.log; exit 1; }
  kill -TERM $pid
  for _ in $(seq 300); do grep -q drain_started /tmp/server.log && break; sleep 0.1; done # two signals at once may be one
  kill -TERM $pid; wait $pid; [ $? -eq 143 ]' || die "the service doesn't answer"
quiet_inside 'apt-get -q -y --no-install-recommends install systemd'
expect 'sound' 'systemd-analyze verify --man=no catdog-server.service && echo sound'
expect 'OK' 'systemd-analyze security --offline=true --threshold=20 catdog-server.service 2>&1 | tail -n 1'
say "remove"
quiet_inside 'apt-get -q -y purge catdog python3-catdog libcatdog-dev libcatdog-torch libcatdog1'
left=$(inside 'find / -xdev -iname "*catdog*" -not -path "/opt/*" -not -path "/proc/*" -not -path "/var/log/*" -not -path "/var/cache/*"')
[ -z "$left" ] || die "left behind after purge: $left"
say "packages install, work and leave nothing behind"
