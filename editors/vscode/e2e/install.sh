#!/usr/bin/env bash
# Puts a real VS Code (code-server), the Node it wants and a Chromium in place, under E2E_CACHE. Nothing is compiled;
# apt and npm are the only sources. A stamp makes the second run a no-op.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${E2E_CACHE:-$(cd "$here/../../.." && pwd)/.tools/vscode}
NODE_VERSION=${E2E_NODE_VERSION:-24.21.0}       # code-server 4.133+ wants 24, 4.117 wants 22, 4.100 wants 20
CS_VERSION=${E2E_CODE_SERVER_VERSION:-4.139.1}  # carries VS Code 1.139.1
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) echo "no node-linux package for $(uname -m)" >&2; exit 1 ;; esac
stamp="$cache/stamp-$NODE_VERSION-$CS_VERSION"
t0=$(date +%s)
say() { echo "info install: $* ($(($(date +%s) - t0)) s)"; }

# What a test browser needs: Chromium itself and one monospaced font, or the screenshots show boxes.
if [ -z "${CHROMIUM:-}" ] && [ ! -x /usr/bin/chromium ]; then
  as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
  say "chromium"
fi
[ -d "$here/node_modules/playwright-core" ] || { (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null); say "playwright-core, mocha"; }
[ -f "$stamp" ] && { say "already installed"; exit 0; }

rm -rf "$cache/node" "$cache/cs"; mkdir -p "$cache/node" "$cache/cs"
echo '{"private":true}' | tee "$cache/node/package.json" >"$cache/cs/package.json"
npmi() { npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error "$@" >/dev/null; }
# The platform package carries the binary; the wrapper package `node` needs an install script for the same.
(cd "$cache/node" && npmi "node-linux-$arch@$NODE_VERSION")
ln -sfn "node_modules/node-linux-$arch/bin" "$cache/node/bin"
export PATH="$cache/node/bin:$PATH"
say "node $(node -v)"
# --ignore-scripts: code-server's postinstall would compile native modules (minutes) that these tests do not need.
(cd "$cache/cs" && npmi "code-server@$CS_VERSION")
say "code-server"
# What the postinstall would also do, less the compiling: the dependencies of VS Code itself.
(cd "$cache/cs/node_modules/code-server/lib/vscode" && npm install --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
say "VS Code dependencies"
node "$cache/cs/node_modules/code-server/out/node/entry.js" --config "$cache/config.yaml" --version | tail -1
touch "$stamp"
say "done, $(du -sm "$cache/node" "$cache/cs" | awk '{s+=$1} END {print s}') MB"
