#!/usr/bin/env bash
# Every test of the VS Code client: installs what is missing, packages the extension, then the suite inside the
# extension host, the suite on the user interface and the main job. Exit 0 means that all of them passed.
#   run.sh [host|ui|main-job]…   only these         E2E_NETNS=1   in a network namespace with nothing but loopback (root)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
bash install.sh || { echo "FAIL install"; exit 1; }
cache=${E2E_CACHE:-$(cd "$here/../../.." && pwd)/.tools/vscode}
export PATH="$cache/node/bin:$PATH"
( cd ..
  [ -d node_modules/esbuild ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  npm run --silent package >"$cache/package.log" 2>&1 ) || { cat "$cache/package.log"; echo "FAIL package the extension"; exit 1; }
echo "PASS package the extension ($(($(stat -c %s ../galley.vsix) / 1024)) KB)"
alone() { if [ -n "${E2E_NETNS:-}" ]; then unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$@"; else "$@"; fi; }
[ $# -gt 0 ] || set -- host ui main-job
failed=0
for suite in "$@"; do
  alone node "$suite.mjs" || failed=1
done
[ $failed = 0 ] && echo "PASS editors/vscode" || echo "FAIL editors/vscode"
exit $failed
