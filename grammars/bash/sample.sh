#!/usr/bin/env bash
source ./alpha.sh # marks: import ./alpha.sh
. "$HOME/beta.sh" # marks: import "$HOME/beta.sh"

LIMIT=3 # marks: definition.variable LIMIT
export NAME="x" # marks: definition.variable NAME

helper() { # marks: definition.function helper
  local inner=1
  echo "$LIMIT" # marks: reference.call echo
}
function plain { # marks: definition.function plain
  helper "$1" | grep x # marks: reference.call helper; reference.call grep
}
alias ll='ls -l'
if plain; then exit 1; fi # marks: reference.call plain
