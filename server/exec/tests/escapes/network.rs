//! Reaching somebody who listens: over the network, by local sockets, by what the kernel tells of it.

use std::fs;
use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};

use crate::call::{self, at, at_mut, raw, socket};
use crate::inside::{Inside, holds};
use crate::needs;
use crate::table::{Escape, escape};

pub const TABLE: &[Escape] = &[
    escape("TCP", |inside| TcpStream::connect(("127.0.0.1", port(inside, "PORT"))).map(drop)),
    escape("TCP over IPv6", |inside| TcpStream::connect(("::1", port(inside, "PORT6"))).map(drop))
        .needs(|| std::net::TcpListener::bind("[::1]:0").err().map(|e| format!("no IPv6 here: {e}"))),
    escape("TCP by its first packet", |inside| {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        let to = internet(port(inside, "PORT"));
        let fast = libc::MSG_FASTOPEN.into();
        raw(libc::SYS_sendto, [socket.as_raw_fd().into(), at(b"x"), 1, fast, at(&to), 16]).map(drop)
    }),
    escape("TCP over several paths", |inside| {
        connect(&socket(libc::AF_INET, libc::SOCK_STREAM, 262)?, &internet(port(inside, "PORT")))
    })
    .needs(|| needs::sockets(libc::AF_INET, libc::SOCK_STREAM, 262)),
    escape("UDP", |inside| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.send_to(b"x", ("127.0.0.1", port(inside, "UDP"))).map(drop)
    })
    .touched(),
    escape("a question to a name server", |inside| {
        let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x06secret\x07example\x03com\0\0\x01\0\x01";
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(("127.0.0.1", port(inside, "UDP")))?;
        socket.send(question).map(drop)
    })
    .touched(),
    escape("packets of its own making", |_| socket(libc::AF_INET, libc::SOCK_RAW, 255).map(drop))
        .needs(needs::raw_network)
        .held_with_network(),
    escape("frames of its own making", |_| socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map(drop))
        .needs(|| needs::raw_network().or_else(|| needs::sockets(libc::AF_PACKET, libc::SOCK_RAW, 0))),
    escape("sockets of others by netlink", |inside| diagnose(port(inside, "PORT")))
        .needs(|| needs::sockets(libc::AF_NETLINK, libc::SOCK_RAW, 4)),
    escape("sockets of others by /proc", |inside| {
        let all = fs::read_to_string("/proc/net/tcp")?;
        holds(all.contains(&format!(":{:04X} ", port(inside, "PORT"))), "it is not among them")
    })
    .beyond_landlock("the names of what listens stay visible"),
    escape("the host of a virtual machine", |_| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0).map(drop))
        .needs(|| needs::sockets(libc::AF_VSOCK, libc::SOCK_STREAM, 0))
        .held_with_network(),
    escape("the kernel's cryptography", |_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0).map(drop))
        .needs(|| needs::sockets(libc::AF_ALG, libc::SOCK_SEQPACKET, 0))
        .held_with_network(),
    escape("the socket of docker", |inside| UnixStream::connect(inside.place("run/docker.sock")).map(drop))
        .held_with_network(),
    escape("the agent of ssh", |inside| UnixStream::connect(inside.place("run/agent")).map(drop))
        .held_with_network(),
    escape("the bus of the desktop", |inside| UnixStream::connect(inside.place("run/bus")).map(drop))
        .held_with_network(),
    escape("a local socket by a symlink", |inside| {
        std::os::unix::fs::symlink(inside.place("run/bus"), "bus")?;
        UnixStream::connect("bus").map(drop)
    })
    .held_with_network(),
    escape("a local socket by the root of a process", |inside| {
        let bus = inside.place("run/bus");
        let path = format!("/proc/{}/root{}", inside.bystander(), bus.display());
        UnixStream::connect(path).map(drop)
    })
    .needs(needs::looking)
    .held_with_network(),
    escape("a local socket in a folder that is shown", |inside| {
        UnixStream::connect(inside.place("deps/dev.sock")).map(drop)
    })
    .held_with_network(),
    escape("the system's log by a local socket", |inside| {
        UnixDatagram::unbound()?.send_to(b"x", inside.place("run/log")).map(drop)
    })
    .held_with_network(),
    escape("one of a pair of sockets, connected anew", |inside| {
        // Made without `socket`, which a filter may refuse.
        let (ours, _theirs) = UnixDatagram::pair()?;
        ours.connect(inside.place("run/log"))?;
        ours.send(b"x").map(drop)
    })
    .held_with_network(),
    escape("one of a pair of raw sockets, connected anew", |inside| {
        let mut pair = [0i32; 2];
        raw(libc::SYS_socketpair, [libc::AF_UNIX.into(), libc::SOCK_RAW.into(), 0, at_mut(&mut pair), 0, 0])?;
        let path = inside.place("run/log");
        call::owned(Ok(pair[0].into())).map(UnixDatagram::from)?.send_to(b"x", path).map(drop)
    })
    .held_with_network(),
    escape("an abstract socket", |inside| UnixStream::connect_addr(&hidden(inside, "stream")?).map(drop))
        .held_with_network(),
    escape("an abstract socket for datagrams", |inside| {
        UnixDatagram::unbound()?.send_to_addr(b"x", &hidden(inside, "log")?).map(drop)
    })
    .held_with_network(),
    escape("a descriptor by a local socket", |inside| {
        let mut bus = UnixStream::connect(inside.place("run/bus"))?;
        bus.write_all(b"give")
    })
    .held_with_network(),
];

fn port(inside: &Inside, name: &str) -> u16 {
    inside.number(name) as u16
}

/// An address of this machine, as the kernel reads it.
fn internet(port: u16) -> [u8; 16] {
    let mut address = [0; 16];
    address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[4..8].copy_from_slice(&[127, 0, 0, 1]);
    address
}

fn connect(socket: &OwnedFd, to: &[u8; 16]) -> io::Result<()> {
    raw(libc::SYS_connect, [socket.as_raw_fd().into(), at(to), 16, 0, 0, 0]).map(drop)
}

fn hidden(inside: &Inside, kind: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("galley-{kind}-{}", inside.number("SUITE")))
}

/// Asks the kernel for all that listens by TCP, and looks for a port.
fn diagnose(port: u16) -> io::Result<()> {
    let netlink = socket(libc::AF_NETLINK, libc::SOCK_RAW, 4)?;
    let fd = netlink.as_raw_fd().into();
    // Length, "by family", "dump", sequence, sender; then family, protocol, and every state.
    let mut request = [0u8; 72];
    request[..4].copy_from_slice(&72u32.to_ne_bytes());
    request[4..6].copy_from_slice(&20u16.to_ne_bytes());
    request[6..8].copy_from_slice(&0x301u16.to_ne_bytes());
    (request[16], request[17]) = (libc::AF_INET as u8, libc::IPPROTO_TCP as u8);
    request[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
    raw(libc::SYS_sendto, [fd, at(&request), 72, 0, 0, 0])?;
    let mut answer = vec![0u8; 64 << 10];
    let length = raw(libc::SYS_recvfrom, [fd, at_mut(&mut answer), answer.len() as i64, 0, 0, 0])? as usize;
    let mut rest = &answer[..length];
    while rest.len() > 22 {
        let size = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        if rest[20..22] == port.to_be_bytes() {
            return Ok(());
        }
        rest = rest.get(size.next_multiple_of(4).max(16)..).unwrap_or_default();
    }
    Err(io::Error::other("it is not among them"))
}
