//! Ways out of the sandbox. Each is a script that prints `OUT` when it got out; it must do so without a sandbox
//! (where that is harmless), and must not at any level that is claimed.
//!
//! The scripts know, by variables: `VICTIM`, a folder of the person's beside the shadow, with `secret` in it and the
//! file `keep`; `PORT`, a TCP port of the machine where somebody listens; `SOCK`, a local socket where somebody
//! listens; `ABSTRACT`, the name of an abstract one; `SERVER`, the number of the process that runs this test.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic, and its small functions are outside of #[test]")]

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::time::Duration;

use galley_exec::{Level, Network, Outcome, Spec, probe, probe_report, run};
use tokio_util::sync::CancellationToken;

/// Where an escape is tried without a sandbox too.
#[derive(PartialEq, Clone, Copy)]
enum Open {
    /// It must succeed there, else the script proves nothing.
    Works,
    /// Not tried: it would harm the machine, or needs rights that the person may lack.
    Untried,
    /// It works, and is beyond what Landlock can refuse; only namespaces must hold.
    Attributes,
}
use Open::{Attributes, Untried, Works};

/// What a row of the table is about, its script, and whether it is tried in the open.
type Escape = (&'static str, Open, &'static str);

const FILES: &[Escape] = &[
    ("write beside the shadow", Works, "echo x > $VICTIM/new && echo OUT"),
    ("write by ..", Works, "echo x > ../victim/new && echo OUT"),
    ("write by a symlink", Works, "ln -s $VICTIM link; echo x > link/new && echo OUT"),
    ("change by a symlink to a file", Works, "ln -s $VICTIM/keep link; echo x >> link && echo OUT"),
    ("read beside the shadow", Works, "grep -q hidden $VICTIM/secret && echo OUT"),
    ("read by a symlink", Works, "ln -s $VICTIM/secret link; grep -q hidden link && echo OUT"),
    ("read through /proc/self/root", Works, "grep -q hidden /proc/self/root$VICTIM/secret && echo OUT"),
    ("read through /proc/self/cwd", Works, "grep -q hidden /proc/self/cwd/../victim/secret && echo OUT"),
    ("hard link to change", Works, "ln $VICTIM/keep linked && echo x >> linked && echo OUT"),
    ("rename out", Works, "echo x > a; mv a $VICTIM/new && echo OUT"),
    ("rename in", Works, "mv $VICTIM/keep . && echo OUT"),
    ("remove", Works, "rm $VICTIM/keep && echo OUT"),
    ("make a folder", Works, "mkdir $VICTIM/new && echo OUT"),
    ("truncate", Works, "truncate -s 0 $VICTIM/keep && echo OUT"),
    ("change mode", Attributes, "chmod 777 $VICTIM/keep && echo OUT"),
    ("change times", Attributes, "touch -d 2001-01-01 $VICTIM/keep && echo OUT"),
    ("set-uid bit in the shadow", Works, "cp /bin/sh own && chmod 4755 own && test -u own && echo OUT"),
    ("set-gid bit by chmod g+s", Works, "echo > f; chmod g+s f && test -g f && echo OUT"),
    ("set-uid by install", Works, "install -m 4755 /bin/sh own && test -u own && echo OUT"),
    ("write into home", Works, "echo x > $REAL_HOME/galley-escape-$MARK && echo SEEN"),
    ("write into /tmp outside", Works, "echo x > /tmp/galley-escape-$MARK && echo SEEN"),
    ("write into /dev/shm", Works, "echo x > /dev/shm/galley-escape-$MARK && echo SEEN"),
    ("write into /var/tmp", Works, "echo x > /var/tmp/galley-escape-$MARK && echo SEEN"),
    (
        "write to the cargo registry",
        Works,
        "echo x > ${CARGO_HOME:-$REAL_HOME/.cargo}/registry/galley-escape-$MARK && echo SEEN",
    ),
    (
        "plant a program in the path",
        Works,
        "echo x > ${CARGO_HOME:-$REAL_HOME/.cargo}/bin/galley-escape-$MARK && echo SEEN",
    ),
    ("device file", Untried, "mknod d b 8 0 && echo OUT; mknod c c 1 1 && echo OUT"),
    ("change /etc", Untried, "echo x >> /etc/passwd && echo OUT"),
    ("change /usr", Untried, "echo x > /usr/bin/galley-escape && echo OUT"),
    ("read /etc/shadow", Untried, "test -s /etc/shadow && cat /etc/shadow | grep -q : && echo OUT"),
    (
        "read the disk",
        Untried,
        "for d in /dev/vd* /dev/sd* /dev/nvme* /dev/mem; do head -c 1 $d >/dev/null && echo OUT; done",
    ),
];

const PROCESSES: &[Escape] = &[
    (
        "environment of the server",
        Works,
        "tr '\\0' '\\n' < /proc/$SERVER/environ | grep -q '^PATH=' && echo OUT",
    ),
    (
        "environment of process 1",
        Untried,
        "tr '\\0' '\\n' < /proc/1/environ | grep -qE 'PATH|HOME|GALLEY' && echo OUT",
    ),
    ("environment of all ancestors", Works, "grep -lqs CARGO_MANIFEST_DIR /proc/[0-9]*/environ && echo OUT"),
    ("memory of the server", Works, "python3 -c \"open('/proc/$SERVER/mem','rb'); print('OUT')\""),
    ("memory of process 1", Untried, "python3 -c \"open('/proc/1/mem','rb'); print('OUT')\""),
    ("root of the server", Works, "grep -q hidden /proc/$SERVER/root$VICTIM/secret && echo OUT"),
    ("root of process 1", Untried, "grep -q hidden /proc/1/root$VICTIM/secret && echo OUT"),
    (
        "working folder of others",
        Untried,
        "for p in /proc/[0-9]*; do grep -q hidden $p/cwd$VICTIM/secret && echo OUT; done",
    ),
    ("descriptors of the server", Works, "readlink /proc/$SERVER/fd/0 | grep -q . && echo OUT"),
    ("descriptors of process 1", Untried, "readlink /proc/1/fd/* | grep -q . && echo OUT"),
    (
        "attach to the server",
        Untried,
        "python3 -c \"import ctypes,sys; r=ctypes.CDLL(None).ptrace(16,$SERVER,0,0); print('OUT' if r==0 else 'held')\"",
    ),
    (
        "attach to process 1",
        Untried,
        "python3 -c \"import ctypes,sys; r=ctypes.CDLL(None).ptrace(16,1,0,0); print('OUT' if r==0 else 'held')\"",
    ),
    ("signal the server", Works, "/bin/kill -0 $SERVER && grep -q . /proc/$SERVER/cmdline && echo OUT"),
    ("kill the supervisor", Untried, "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat) && echo OUT"),
    ("signal everybody", Untried, "kill -0 -1 && test $SERVER -gt 0 && kill -0 $SERVER && echo OUT"),
    (
        "inherited descriptors",
        Untried,
        "for f in /proc/self/fd/*; do n=${f##*/}; test $n -gt 9 && test -e $f && echo OUT; done",
    ),
    ("secrets in the environment", Untried, "env | grep -q CARGO_MANIFEST_DIR && echo OUT"),
    ("the agent of ssh", Untried, "test -n \"$SSH_AUTH_SOCK\" && echo OUT"),
];

const KERNEL: &[Escape] = &[
    ("mount", Untried, "mount -t tmpfs none /mnt && echo OUT"),
    ("remount the root", Untried, "mount -o remount,rw / && echo OUT"),
    ("remount /usr", Untried, "mount -o remount,bind,rw /usr && echo OUT"),
    (
        "unmount what covers",
        Untried,
        "umount -l /etc/shadow && echo OUT; umount -l $REAL_HOME && echo OUT; umount -l /proc/sys && echo OUT",
    ),
    ("own user namespace", Untried, "unshare -Ur true && echo OUT"),
    ("own mount namespace", Untried, "unshare -m true && echo OUT"),
    (
        "namespace of process 1",
        Untried,
        "nsenter -t 1 -m true && test $$ -gt 0 && nsenter -t 1 -m grep -q hidden $VICTIM/secret && echo OUT",
    ),
    ("change the root", Untried, "chroot / true && echo OUT"),
    (
        "settings of the kernel",
        Untried,
        "cat /proc/sys/kernel/core_pattern > /dev/null; cp /proc/sys/kernel/core_pattern p; cat p > /proc/sys/kernel/core_pattern && echo OUT",
    ),
    (
        "settings of the network",
        Untried,
        "cat /proc/sys/net/ipv4/ip_forward > p; cat p > /proc/sys/net/ipv4/ip_forward && echo OUT",
    ),
    ("request key", Untried, "echo h > /proc/sysrq-trigger && echo OUT"),
    ("kernel memory", Untried, "head -c 1 /proc/kcore | grep -q . && echo OUT"),
    ("kernel log", Untried, "dmesg 2>/dev/null | grep -q . && echo OUT"),
    (
        "control groups",
        Untried,
        "mkdir /sys/fs/cgroup/galley-escape && echo OUT; mkdir /sys/fs/cgroup/pids/galley-escape && echo OUT",
    ),
    (
        "capabilities",
        Untried,
        "grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | grep -qv 0000000000000000 && test \"$GALLEY_LEVEL\" = namespaces && echo OUT",
    ),
    ("new rights by set-uid", Untried, "grep -q 'NoNewPrivs:.1' /proc/self/status || echo OUT"),
    (
        "ring of operations",
        Untried,
        "python3 -c \"import ctypes; b=ctypes.create_string_buffer(256); r=ctypes.CDLL(None).syscall(425,8,b); print('OUT' if r>=0 else 'held')\"",
    ),
    (
        "second set of numbers",
        Untried,
        "python3 -c \"import ctypes; r=ctypes.CDLL(None).syscall(0x40000000+39); print('OUT' if r>0 else 'held')\"",
    ),
    (
        "kernel keys",
        Untried,
        "python3 -c \"import ctypes; r=ctypes.CDLL(None).syscall(250,0,-4,1); print('OUT' if r>=0 else 'held')\"",
    ),
    (
        "clone3 with a user namespace",
        Untried,
        "python3 -c \"import ctypes,struct; a=struct.pack('11Q',0x10000000,*([0]*10)); r=ctypes.CDLL(None).syscall(435,a,88); print('OUT' if r>=0 else 'held')\"",
    ),
];

const NETWORK: &[Escape] = &[
    (
        "TCP to the machine",
        Works,
        "python3 -c \"import socket; socket.create_connection(('127.0.0.1',$PORT),2); print('OUT')\"",
    ),
    ("TCP by bash", Works, "bash -c 'exec 3<>/dev/tcp/127.0.0.1/$PORT' && echo OUT"),
    (
        "TCP to the world",
        Untried,
        "python3 -c \"import socket; socket.create_connection(('1.1.1.1',53),2); print('OUT')\"",
    ),
    (
        "UDP to the world",
        Untried,
        "python3 -c \"import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.connect(('1.1.1.1',53)); s.send(b'x'); print('OUT')\"",
    ),
    ("names", Untried, "getent hosts example.com | grep -q . && echo OUT"),
    (
        "IPv6",
        Untried,
        "python3 -c \"import socket; s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.connect(('2606:4700:4700::1111',53)); s.send(b'x'); print('OUT')\"",
    ),
    (
        "raw socket",
        Untried,
        "python3 -c \"import socket; socket.socket(socket.AF_PACKET,socket.SOCK_RAW); print('OUT')\"",
    ),
    (
        "host of the machine",
        Untried,
        "python3 -c \"import socket; s=socket.socket(socket.AF_VSOCK,socket.SOCK_STREAM); print('OUT')\"",
    ),
    (
        "local socket by path",
        Works,
        "python3 -c \"import socket; s=socket.socket(socket.AF_UNIX); s.connect('$SOCK'); print('OUT')\"",
    ),
    (
        "abstract socket",
        Works,
        "python3 -c \"import socket; s=socket.socket(socket.AF_UNIX); s.connect(chr(0)+'$ABSTRACT'); print('OUT')\"",
    ),
    (
        "socket of docker",
        Untried,
        "test -S /var/run/docker.sock && echo OUT; test -S /run/docker.sock && echo OUT",
    ),
    (
        "other interfaces",
        Untried,
        "test \"$GALLEY_LEVEL\" = namespaces && grep -v lo: /proc/net/dev | grep -q : && echo OUT",
    ),
];

/// A person's machine: a shadow, something beside it, listeners.
struct Machine {
    _dir: tempfile::TempDir,
    shadow: PathBuf,
    victim: PathBuf,
    variables: Vec<(String, String)>,
    _listeners: (std::net::TcpListener, UnixListener, UnixListener),
}

impl Machine {
    fn new(mark: &str) -> Machine {
        let dir = tempfile::tempdir().unwrap();
        let (shadow, victim) = (dir.path().join("shadow"), dir.path().join("victim"));
        fs::create_dir(&shadow).unwrap();
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("secret"), "hidden").unwrap();
        fs::write(victim.join("keep"), "kept").unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let local = UnixListener::bind(victim.join("socket")).unwrap();
        let name = format!("galley-{mark}");
        let hidden = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let text = |p: PathBuf| p.to_string_lossy().into_owned();
        let variables = vec![
            ("VICTIM", text(victim.clone())),
            ("PORT", tcp.local_addr().unwrap().port().to_string()),
            ("SOCK", text(victim.join("socket"))),
            ("ABSTRACT", name),
            ("SERVER", std::process::id().to_string()),
            ("REAL_HOME", std::env::var("HOME").unwrap()),
            ("MARK", mark.to_owned()),
        ];
        let variables = variables.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        Machine { _dir: dir, shadow, victim, variables, _listeners: (tcp, local, hidden) }
    }

    fn run(&self, script: &str, level: Level, network: Network) -> Outcome {
        let mut spec = Spec::shell(script, &self.shadow);
        spec.env = self.variables.clone();
        spec.env.push(("GALLEY_LEVEL".to_owned(), level.to_string()));
        spec.limits.wall = Duration::from_secs(20);
        spec.sandbox.network = network;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&spec, level, &mut |_, _| {}, &CancellationToken::new())).unwrap()
    }

    /// Marks that were left outside by scripts that print `SEEN`; removes them.
    fn marks(&self) -> Vec<PathBuf> {
        let value = |name: &str| self.variables.iter().find(|(n, _)| n == name).unwrap().1.clone();
        let home = PathBuf::from(value("REAL_HOME"));
        let cargo = std::env::var_os("CARGO_HOME").map_or(home.join(".cargo"), PathBuf::from);
        let places = [
            home,
            "/tmp".into(),
            "/dev/shm".into(),
            "/var/tmp".into(),
            cargo.join("registry"),
            cargo.join("bin"),
        ];
        let name = format!("galley-escape-{}", value("MARK"));
        places.into_iter().map(|p| p.join(&name)).filter(|p| fs::remove_file(p).is_ok()).collect()
    }

    /// The person's folder as it was, in all that can be seen of it.
    fn victim_is_whole(&self) -> bool {
        let mut names: Vec<_> = fs::read_dir(&self.victim).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        let keep = fs::metadata(self.victim.join("keep"));
        names == ["keep", "secret", "socket"]
            && fs::read_to_string(self.victim.join("keep")).is_ok_and(|text| text == "kept")
            && keep.is_ok_and(|m| {
                m.permissions().mode() & 0o777 == 0o644 && m.nlink() == 1 && m.mtime() > 1_000_000_000
            })
    }
}

/// Tries every escape of a table at every level that works here; says all that got out.
fn hold(table: &[Escape], mark: &str) {
    let claimed: Vec<_> =
        [Level::Namespaces, Level::Landlock].into_iter().filter(|l| *l >= probe()).collect();
    eprintln!("claimed: {claimed:?}; not: {:?}", probe_report());
    let mut failures = Vec::new();
    for (n, (name, open, script)) in table.iter().enumerate() {
        for level in claimed.iter().copied().chain([Level::Copy]) {
            if (level == Level::Copy && *open == Untried) || (level == Level::Landlock && *open == Attributes)
            {
                continue;
            }
            let machine = Machine::new(&format!("{mark}{n}{}{}", level as u8, std::process::id()));
            let outcome = machine.run(script, level, Network::None);
            let marks = machine.marks();
            let out =
                outcome.output.stdout().contains("OUT") || !marks.is_empty() || !machine.victim_is_whole();
            if out != (level == Level::Copy) {
                failures.push(format!(
                    "{level}: {name}: {} {:?} {marks:?}",
                    outcome.status,
                    outcome.output.text()
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), table.len(), failures.join("\n"));
}

#[test]
fn no_way_out_by_files() {
    hold(FILES, "f");
}

#[test]
fn no_way_out_by_processes() {
    hold(PROCESSES, "p");
}

#[test]
fn no_way_out_by_the_kernel() {
    hold(KERNEL, "k");
}

#[test]
fn no_way_out_by_the_network() {
    hold(NETWORK, "n");
}

#[test]
fn granted_network_opens_no_local_socket() {
    for level in [Level::Namespaces, Level::Landlock].into_iter().filter(|l| *l >= probe()) {
        let machine = Machine::new(&format!("g{}{}", level as u8, std::process::id()));
        let tcp = machine.run(NETWORK[0].2, level, Network::All);
        assert!(tcp.output.text().contains("OUT"), "{level}: {}", tcp.output.text());
        for (name, _, script) in NETWORK.iter().filter(|(name, ..)| name.contains("socket")) {
            let outcome = machine.run(script, level, Network::All);
            assert!(!outcome.output.text().contains("OUT"), "{level}: {name}");
        }
    }
}

#[test]
fn git_internals_are_read_only() {
    if probe() != Level::Namespaces {
        return;
    }
    let machine = Machine::new(&format!("i{}", std::process::id()));
    fs::create_dir_all(machine.shadow.join(".git/hooks")).unwrap();
    fs::write(machine.shadow.join(".git/HEAD"), "ref: x").unwrap();
    let script = "echo x > .git/hooks/pre-commit || cat .git/HEAD; mv .git moved || echo held; rm -rf .git; echo x > new";
    let outcome = machine.run(script, Level::Namespaces, Network::None);
    assert!(outcome.output.stdout().contains("ref: x") && outcome.output.stdout().contains("held"));
    assert!(
        machine.shadow.join(".git/HEAD").exists() && !machine.shadow.join(".git/hooks/pre-commit").exists()
    );
    assert!(machine.shadow.join("new").exists());
}

#[test]
fn what_is_denied_is_hidden_inside_of_what_is_shown() {
    for level in [Level::Namespaces, Level::Landlock].into_iter().filter(|l| *l >= probe()) {
        let machine = Machine::new(&format!("d{}{}", level as u8, std::process::id()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut spec = Spec::shell("cat keep secret", &machine.victim);
        spec.sandbox.writable.clear();
        spec.sandbox.readable = vec![machine.victim.clone()];
        spec.sandbox.readable_hidden = vec![machine.victim.join("secret")];
        let outcome = runtime.block_on(run(&spec, level, &mut |_, _| {}, &CancellationToken::new())).unwrap();
        assert!(outcome.output.stdout() == "kept", "{level}: {}", outcome.output.text());
    }
}
