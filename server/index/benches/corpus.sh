#!/bin/sh
# Makes a corpus of real sources out of what the package managers of this machine have already fetched: Rust crates, the
# libraries of Python and of npm. Usage: corpus.sh FOLDER
set -eu
to=${1:?"usage: corpus.sh FOLDER"}
mkdir -p "$to"
take() { # FROM NAME: text files of moderate length, nothing hidden, nothing that only says what systems offer
    [ -d "$1" ] || return 0
    (cd "$1" && find . -type f -size -1000k -not -path '*/.*' -not -path '*/windows*' -not -path '*/winapi*' \
        -not -name '*.pyc' -not -name 'parser.c' -not -name '*.so' -not -name '*.a' -not -name '*.lib' -print0 |
        tar --null -cf - -T -) | (mkdir -p "$to/$2" && cd "$to/$2" && tar -xf -)
}
for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do take "$crates" rust; done
for python in /usr/lib/python3*; do take "$python" python; done
take /usr/lib/node_modules node
# Rules of the packages would hide different files from different tools.
find "$to" \( -name '.gitignore' -o -name '.ignore' \) -delete
find "$to" -type f | wc -l
