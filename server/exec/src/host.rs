//! Names of hosts that a command may be let reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Ports of a host whose grant names none: those of HTTP and HTTPS.
const USUAL_PORTS: [u16; 2] = [80, 443];

/// A host that a command may reach through the proxy. Written `name`, `name:port`, `*.name` (everything below a name) or
/// an address (`192.0.2.7:8080`, `[2001:db8::7]:8080`), and after it ` private` where a name may lead to an address
/// inside of the person's own network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host {
    /// In lower case, without a dot at its end; `*.` before it stands for everything below.
    name: String,
    /// None: [`USUAL_PORTS`].
    port: Option<u16>,
    /// Whether it may lead to an address that is not public.
    private: bool,
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host: write `name`, `name:port`, `*.name` or an address, and ` private` after it for one of your own network"
)]
pub struct NoHost(String);

impl FromStr for Host {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Host, NoHost> {
        let wrong = || NoHost(text.to_owned());
        let given = text.trim();
        let (given, private) =
            given.strip_suffix(" private").map_or((given, false), |host| (host.trim_end(), true));
        let (name, port) = split(given).ok_or_else(wrong)?;
        let by_nature = says_where(&name);
        let plain = name.strip_prefix("*.").unwrap_or(&name);
        // A whole top level is no name of anybody's.
        let wide = plain.len() != name.len() && !plain.contains('.');
        if !by_nature && (wide || !is_name(plain)) {
            return Err(wrong());
        }
        Ok(Host { name, port, private: private || by_nature })
    }
}

impl TryFrom<String> for Host {
    type Error = NoHost;

    fn try_from(text: String) -> Result<Host, NoHost> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> String {
        host.to_string()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]", self.name)?
        } else {
            f.write_str(&self.name)?
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if self.private && !says_where(&self.name) { f.write_str(" private") } else { Ok(()) }
    }
}

impl Host {
    /// Whether this grant is of that name (or address) and port.
    pub(crate) fn allows(&self, name: &str, port: u16) -> bool {
        let named = match self.name.strip_prefix("*.") {
            Some(above) => {
                name.strip_suffix(above).is_some_and(|below| below.ends_with('.') && below.len() > 1)
            }
            None => self.name == name,
        };
        named && self.port.map_or(USUAL_PORTS.contains(&port), |granted| granted == port)
    }

    /// Whether a connection to this address, to which the name led, is meant by the grant.
    pub(crate) fn leads_to(&self, address: IpAddr) -> bool {
        self.private || is_public(address)
    }
}

/// Name and port of `name`, `name:port`, `[v6]` or `[v6]:port`; the name as [`Host`] keeps it.
pub(crate) fn split(text: &str) -> Option<(String, Option<u16>)> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    // An address has many spellings, of which one is compared.
    let name = name.parse::<IpAddr>().map_or(name, |address| address.to_string());
    (!name.is_empty()).then_some((name, port))
}

/// Whether a name itself says which address is meant: who grants it means that one, private or not.
fn says_where(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
    };
    // What ends in a number is read as an address by some, in more spellings than can be listed.
    let numeric = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    name.len() <= 253 && !numeric && name.split('.').all(label)
}

/// Whether an address lies in the public network: not on this machine, in no private network, no range for other uses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            let inner = |high: u16, low: u16| {
                let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(high[0], high[1], low[0], low[1]))
            };
            match s {
                // Addresses of the older kind inside of the newer one: as such, mapped, translated, tunnelled.
                [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => inner(high, low),
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
                [0x2002, high, low, ..] => inner(high, low),
                [0x2001, 0 | 0xdb8, ..] | [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0, ..] => false,
                // Only this eighth is given out as public.
                [first, ..] => first & 0xe000 == 0x2000,
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18)
        // Multicast, reserved, broadcast.
        || a >= 224)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_is_of_a_name_and_a_port() {
        for (grant, name, port, allowed) in [
            ("crates.io", "crates.io", 443, true),
            ("Crates.IO.", "crates.io", 80, true),
            ("crates.io", "crates.io", 22, false),
            ("crates.io", "static.crates.io", 443, false),
            ("crates.io", "evilcrates.io", 443, false),
            ("crates.io:8443", "crates.io", 8443, true),
            ("crates.io:8443", "crates.io", 443, false),
            ("*.crates.io", "static.crates.io", 443, true),
            ("*.crates.io", "a.b.crates.io", 443, true),
            ("*.crates.io", "crates.io", 443, false),
            ("*.crates.io", ".crates.io", 443, false),
            ("*.crates.io", "evilcrates.io", 443, false),
            ("192.0.2.7:8080", "192.0.2.7", 8080, true),
            ("[2001:DB8:0::7]:8080", "2001:db8::7", 8080, true),
        ] {
            assert_eq!(host(grant).allows(name, port), allowed, "{grant} {name}:{port}");
        }
    }

    #[test]
    fn what_is_no_host_is_said() {
        for text in [
            "",
            "*",
            "*.com",
            "a b",
            "http://a.b",
            "a.b/c",
            "a.b:0",
            "a.b:http",
            "a..b",
            "-a.b",
            "1.2",
            "0x7f.1",
            "[1.2.3.4]",
            "[::1]x",
            "é.fr",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text:?}");
        }
        for text in [
            "crates.io",
            "*.crates.io:8443",
            "nexus.corp:8081 private",
            "10.0.0.5:80",
            "[::1]:80",
            "localhost:1",
        ] {
            assert_eq!(host(text).to_string(), text);
        }
    }

    #[test]
    fn a_name_does_not_lead_into_private_networks() {
        let (public, own) = (host("example.com"), host("example.com private"));
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            let address = address.parse().unwrap();
            assert!(!public.leads_to(address), "{address}");
            assert!(own.leads_to(address), "{address}");
        }
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
        {
            assert!(public.leads_to(address.parse().unwrap()), "{address}");
        }
        // Who grants an address means it.
        assert!(host("127.0.0.1:80").leads_to("127.0.0.1".parse().unwrap()));
        assert!(host("localhost:80").leads_to("::1".parse().unwrap()));
    }
}
