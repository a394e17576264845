#!/bin/bash
# A person reviews in a real Neovim in a terminal, key by key, and what the screen shows is checked.
#   screen.sh NVIM [SHOTS-FOLDER]
# By default against the mock server; with GALLEY_BIN against the real one (then GALLEY_MODEL, GALLEY_BASE_URL … as for
# any run, PROJECT a folder to copy, FILE the file to open, LINE the line to ask at). With SHOTS-FOLDER: pictures
# (SHOT_PYTHON: a python with pillow and pyte, see tests/editors/install-shot).
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../tests/editors/tmux.sh"
nvim=$(t_abs "$1") shots=${2:+$(t_abs "$2")}
w=$(mktemp -d); mkdir "$w/project"
cp -r "${PROJECT:-$here/project}/." "$w/project"; mkdir -p "$w/project/.git"
file=${FILE:-src/range.rs} line=${LINE:-17}
shot() { [ -z "$shots" ] || { mkdir -p "$shots"; t_shot "$shots/$1.png"; }; }

if [ -n "${GALLEY_BIN-}" ]; then cmd="'$GALLEY_BIN', 'lsp'"; else cmd="'python3', '$here/mock_galley.py'"; fi
cat > "$w/init.lua" <<LUA
vim.o.swapfile, vim.o.signcolumn, vim.o.number, vim.o.shadafile = false, 'yes', true, 'NONE'
vim.o.termguicolors = true
vim.opt.runtimepath:prepend('$here/..')
vim.g.galley_cmd = { $cmd }
vim.cmd.colorscheme('${COLOURS:-default}')
vim.o.background = '${BACKGROUND:-dark}'
vim.o.statusline = " %f %m%= %{%v:lua.require'galley.status'.get()%} "
vim.lsp.enable('galley')
LUA
t_start "$w/project" env LC_ALL=C.UTF-8 XDG_STATE_HOME="$w/state" XDG_CONFIG_HOME="$w/config" XDG_DATA_HOME="$w/data" \
  GALLEY_STATE_DIR="${GALLEY_STATE_DIR:-$w/galley}" MOCK_LOG="$w/lsp.jsonl" MOCK_SCENARIO="${MOCK_SCENARIO:-$here/project.json}" \
  MOCK_DIR="$w" "$nvim" -u "$w/init.lua" "+$line" "$file"
t_see "the server is ready" 'Galley: .*(ready|symbols|no model|hunk)' 30
t_ex "Galley fix"
t_see "the proposal is drawn" '[0-9]+ of [0-9]+  .* accept gha · reject ghr' 120
t_see "the status line counts the hunks" 'Galley: [0-9]+ hunks? to review'
t_check "the file on disk is as it was" cmp -s "$w/project/$file" "${PROJECT:-$here/project}/$file"
shot 1-proposal
t_type "]h"
t_see "a hunk has its bar" 'why ghw'
shot 2-hunk
t_type "ghw"
t_see "why shows the proof" '(before|after|passed|verified|exit)'
shot 3-why
t_type "jk"
t_ex "Galley tasks"
t_see "the tasks view" '<CR> open a step'
shot 4-tasks
t_type "q"
t_not "it closes" '<CR> open a step'
[ -n "${GALLEY_BIN-}" ] || {
  t_type "gg"
  t_see "the insertion above line 1 is on the screen" '^ *#!\[allow'
  shot 5-top
  t_type "]h]h"; t_type "gha"
  t_see "a hunk that needs another asks" 'hunk 3 needs hunk 2'
  shot 6-needs
  t_type "1"; t_keys Enter
  t_see "both are accepted" '^ +[0-9]+ +self.end.saturating_sub'
  t_type ":Galley next"; t_keys Enter
  t_see "the next hunk" '4 of 5'
  t_type "ghc"; t_see "a comment is asked for" 'comment on hunk 4'
  t_type "use Ord::clamp here"; t_keys Enter
  t_see "the hunk waits for its revision" 'to be revised'
  shot 7-comment
  t_type "ghe"; t_see "edit opens the new text" 'keeps your text'
  shot 8-edit
  t_ex "q"
  t_type "]h"
  t_see "the new file is previewed" 'new file tests/range.rs'
  shot 9-new
  t_type "gha"
  t_see "it becomes a file" 'tests/range.rs \[\+\]'
  t_keys C-^
  t_see "back in the first file" 'src/range.rs'
  t_type "gg"
  t_type "27Go    // typed meanwhile"; t_keys Escape
  t_see "the person's own line" '// typed meanwhile'
  t_ex "Galley next"
  t_type "3GA changed by me"; t_keys Escape
}
t_ex "Galley accept-all"
t_see "the review ends" '(ready|checks)'
t_not "no bar is left" 'accept gha'
shot 10-accepted
t_ex "wa"
t_check "the saved file differs" test "$(cmp -s "$w/project/$file" "${PROJECT:-$here/project}/$file"; echo $?)" = 1
t_ex "qa!"
t_until 10 eval '! t_alive' && t_ok "the editor ends" || t_fail "the editor ends"
[ -n "${GALLEY_BIN-}" ] || t_check "the server was told to exit" grep -q '"method": "exit"' "$w/lsp.jsonl"
rm -rf "$w"
t_end
