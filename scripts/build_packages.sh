#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build_packages.sh: builds the Debian packages into build/packages/packages and checks them with lintian (errors fail).
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

"$CATDOG_ROOT/scripts/setup.sh" --dev --packages
configure release -B "$CATDOG_ROOT/build/packages" -DCMAKE_INSTALL_PREFIX=/usr -DCATDOG_PACKAGING=ON -DCATDOG_BUILD_TRAINING=OFF
build packages
rm -rf "$CATDOG_ROOT/build/packages/packages"
(cd "$CATDOG_ROOT/build/packages" && cpack) || die "cpack failed (its reason is above)"
cd "$CATDOG_ROOT/build/packages/packages" || exit 2
ls -l -- *.deb
lintian --allow-root --fail-on error --suppress-tags initial-upload-closes-no-bugs -- *.deb
