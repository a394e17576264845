#!/bin/sh
# Every test of the Neovim client against the mock server; installs a Neovim into .tools of the repository first.
#   run.sh            with GALLEY_BIN: the main job with the real server too (see e2e.lua for its settings)
set -eu
here=$(cd "$(dirname "$0")" && pwd); top=$(cd "$here/../../.." && pwd)
nvim=${NVIM:-$("$top/tests/editors/install-neovim" "$top/.tools/neovim")}
"$nvim" --headless -u NONE -l "$here/run.lua" 2>/dev/null
env -u GALLEY_BIN "$nvim" --headless -u NONE -l "$here/e2e.lua" 2>/dev/null
if command -v tmux > /dev/null; then
  env -u GALLEY_BIN "$here/screen.sh" "$nvim"
else
  echo "screen.sh: left out, tmux is not installed"
fi
if [ -n "${GALLEY_BIN-}" ]; then "$nvim" --headless -u NONE -l "$here/e2e.lua" 2>/dev/null; fi
