#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# e2e.sh [--update-docs] [--overlay DIR] [--data DIR] [--seconds N]: the image built, two instances started as Kubernetes would
# start them (user, read-only root, environment of the ConfigMap), a smoke test, Prometheus scraping them under load with true
# labels, the dashboards' queries answered and drawn, then a rolling restart in which no request may be lost.
#   --update-docs  writes the report to docs/e2e.md too
#   --overlay      of kustomize; default k8s/local/overlay
#   --data         one folder of images for each label; default examples/images
#   --seconds      of load in each of the two runs; default 60
# Needs root (scripts/test_image.sh says why). Report, figures and drawings are in build/e2e.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
update=0
if [ "${1:-}" = --update-docs ]; then
  update=1
  shift
fi

environment=$("$CATDOG_ROOT/scripts/test_image.sh" --prepare)
eval "$environment"
python_environment image "$CATDOG_ROOT/tests/delivery/image/requirements.txt"
PYTHONPATH="$CATDOG_ROOT/tests/support/python" PYTHONDONTWRITEBYTECODE=1 \
  "$CATDOG_ROOT/build/venv/image/bin/python" "$CATDOG_ROOT/tests/delivery/image/e2e.py" "$@"
[ "$update" -eq 0 ] || cp "$CATDOG_ROOT/build/e2e/e2e.md" "$CATDOG_ROOT/docs/e2e.md"
