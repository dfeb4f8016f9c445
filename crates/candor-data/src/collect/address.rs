//! Where requests may go: to the public Internet, and elsewhere only where the person says so.
//!
//! A page can name any address, and a name can lead anywhere, so what counts is the address that a connection is made to: it is
//! judged after the name was resolved, and the connection is made to that very address. Otherwise a page could have candor
//! read what only this machine can reach (server-side request forgery), such as a cloud's keys at 169.254.169.254.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::Url;

/// Hosts that may be private, with or without a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trusted(Vec<String>);

impl Trusted {
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Trusted {
        Trusted(hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        let with_port = format!("{host}:{port}").to_ascii_lowercase();
        self.0.iter().any(|trusted| *trusted == with_port || trusted.eq_ignore_ascii_case(host))
    }
}

/// `example.org:443`: what has a robots.txt and a pace of its own.
pub(super) fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

/// An address that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{host} is {}{why}: it is not asked (--allow-private={host} allows it, where you know that you may)",
    self.where_it_is()
)]
pub(super) struct RefusedAddress {
    host: String,
    address: IpAddr,
    why: &'static str,
}

impl RefusedAddress {
    /// Where the name leads, unless it is the address itself.
    fn where_it_is(&self) -> String {
        let named = self.host.trim_matches(['[', ']']).parse() != Ok(self.address);
        if named { format!("at {}, which is ", self.address) } else { String::new() }
    }
}

/// Resolves names, and refuses what is not public.
#[derive(Clone)]
pub(super) struct Guard {
    pub trusted: Trusted,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("trusted", &self.trusted).finish()
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = DefaultResolver::default().resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default().to_owned();
        // One bad address is enough: which of them the connection takes is chance.
        let bad = addresses.iter().find_map(|address| Some((address, not_public(address.ip())?)));
        match bad {
            Some((address, why)) if !self.trusted.holds(&host, address.port()) => {
                Err(ureq::Error::Other(Box::new(RefusedAddress { host, address: address.ip(), why })))
            }
            _ => Ok(addresses),
        }
    }
}

/// Why `address` is not one of the public Internet (IANA's registries of special-purpose addresses, RFC 6890).
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "this network itself",
        [127, ..] => "this machine itself",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private network",
        [169, 254, ..] => "link-local",
        [100, 64..=127, ..] => "shared by a provider",
        [192, 0, 0, _] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => {
            "reserved"
        }
        [198, 18..=19, ..] => "for benchmarks",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "reserved",
        _ => return None,
    })
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let parts = address.segments();
    let last_four = || Ipv4Addr::from(address.to_bits() as u32);
    let v4_in = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("no address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine itself"),
        // IPv4 in other clothes: mapped, translated (RFC 6052) and 6to4.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => not_public_v4(last_four()),
        [0x2002, high, low, ..] => not_public_v4(v4_in(high, low)),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some("a private network"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("reserved"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ];
        for address in private {
            assert!(not_public(address.parse().unwrap()).is_some(), "{address}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "100.63.255.255",
            "172.32.0.1",
            "192.169.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ];
        for address in public {
            assert_eq!(not_public(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn trust_is_in_a_host_or_in_one_of_its_ports() {
        let trusted = Trusted::new(["127.0.0.1:8001".to_owned(), "Intranet.Uni.example".to_owned()]);
        assert!(trusted.holds("127.0.0.1", 8001) && trusted.holds("intranet.uni.example", 80));
        assert!(!trusted.holds("127.0.0.1", 8002) && !trusted.holds("169.254.169.254", 80));
    }
}
