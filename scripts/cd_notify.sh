#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cd_notify.sh: says what came of a deployment: in the run's summary ($GITHUB_STEP_SUMMARY) and, with gh, as the commit's
# status deploy/production. From the environment: TAG, RESULT (scripts/deploy.py --help), MESSAGE, GITHUB_REPOSITORY,
# GITHUB_SERVER_URL, GITHUB_RUN_ID.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac

result=${RESULT:-unknown} message=${MESSAGE:-the log says why}
case "$result" in
  deployed | unchanged) state=success ;;
  superseded) state=error ;; # it doesn't run, but nothing is broken
  *) state=failure ;;
esac
printf '### Deployment: %s\n\n%s\n' "$result" "$message" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
# No commit of that name: nothing to fasten a status to.
"$CATDOG_ROOT/scripts/cd_check_tag.sh" "${TAG:-}" || exit 0
gh api --silent --method POST "repos/$GITHUB_REPOSITORY/statuses/$TAG" -f "state=$state" -f context=deploy/production \
  -f "description=$(cut -c 1-140 <<<"$result: $(head -n 1 <<<"$message")")" \
  -f "target_url=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
