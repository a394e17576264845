# A person at a terminal, for tests: source this. Needs tmux. Its own socket, so that other tmux servers stay as they are.
# Every step waits for what the screen shows; nothing sleeps for a fixed time.
T_SOCK=galley-e2e-$$
T_PASS=0 T_FAIL=0 T_COLUMNS=${T_COLUMNS:-110} T_ROWS=${T_ROWS:-34}
T_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
t() { tmux -L "$T_SOCK" -f /dev/null "$@"; }
t_start() { # t_start DIR COMMAND...
  d=$1; shift
  t new-session -d -s e -x "$T_COLUMNS" -y "$T_ROWS" -c "$d" "$@"
  t set -g default-terminal tmux-256color 2>/dev/null || :
  t set -s escape-time 0
  trap 't kill-server 2>/dev/null || :' EXIT
}
t_screen() { t capture-pane -p -t e 2>/dev/null; }
t_alive() { t has-session -t e 2>/dev/null; }
t_abs() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }   # the editor starts in another folder
t_keys() { t send-keys -t e "$@" 2>/dev/null; }                        # key names: Enter Escape C-c
t_type() { t send-keys -t e -l -- "$1" 2>/dev/null; }                  # literal text
t_ex() { t_type ":$1"; t_keys Enter; }                                 # an Ex command
t_ok() { echo "ok   $1"; T_PASS=$((T_PASS+1)); }
t_fail() { echo "FAIL $1${2:+: $2}"; T_FAIL=$((T_FAIL+1)); t_screen | sed 's/^/     | /'; }
t_until() { # t_until SECONDS COMMAND...: until the command succeeds
  n=0; max=$(( $1 * 20 )); shift
  while [ $n -lt $max ]; do
    if "$@"; then return 0; fi
    sleep 0.05; n=$((n+1))
  done
  return 1
}
t_has() { t_screen | grep -q -E -- "$1"; }
t_lacks() { t_alive && ! t_screen | grep -q -E -- "$1"; }
t_see() { # t_see NAME REGEX [SECONDS]: wait till the screen shows it
  if t_until "${3:-10}" t_has "$2"; then t_ok "$1"; else t_fail "$1" "not on the screen: $2"; return 1; fi
}
t_not() { # t_not NAME REGEX [SECONDS]: wait till the screen no longer shows it
  if t_until "${3:-10}" t_lacks "$2"; then t_ok "$1"; else t_fail "$1" "still on the screen: $2"; return 1; fi
}
t_check() { # t_check NAME COMMAND...: a command that succeeds, soon
  name=$1; shift
  if t_until 10 "$@"; then t_ok "$name"; else t_fail "$name"; fi
}
t_shot() { # t_shot FILE.png|FILE.txt
  case $1 in
  *.png) t capture-pane -p -e -N -t e | "${SHOT_PYTHON:-python3}" "$T_HERE/shot.py" "$1" "$T_COLUMNS" ;;
  *) t_screen > "$1" ;;
  esac
}
t_end() { t kill-server 2>/dev/null || :; echo "$T_PASS passed, $T_FAIL failed"; [ "$T_FAIL" = 0 ]; }
