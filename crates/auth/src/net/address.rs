//! [`Reach`]: the networks that requests may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks that requests to authorization servers may go to.
///
/// An MCP server says where its authorization server is, and so it could make this program ask
/// what only this program can reach. So addresses are checked when they are dialled: the public
/// ones are allowed, and those of the kind that the MCP server itself was named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    loopback: bool,
    private: bool,
    link_local: bool,
}

impl Reach {
    /// Public addresses only.
    pub const fn public() -> Self {
        Self {
            loopback: false,
            private: false,
            link_local: false,
        }
    }

    /// This machine too.
    #[must_use]
    pub const fn loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Private networks too: RFC 1918, RFC 6598 and unique local addresses.
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// What is allowed because the user named a server at this very address.
    pub(crate) fn around(ip: IpAddr) -> Self {
        match Class::of(ip) {
            Class::Loopback => Self::public().loopback(),
            Class::Private => Self::public().private(),
            Class::LinkLocal => Self {
                link_local: true,
                ..Self::public()
            },
            Class::Public | Class::Never => Self::public(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            loopback: self.loopback || other.loopback,
            private: self.private || other.private,
            link_local: self.link_local || other.link_local,
        }
    }

    pub(crate) fn allows(self, ip: IpAddr) -> bool {
        match Class::of(ip) {
            Class::Public => true,
            Class::Loopback => self.loopback,
            Class::Private => self.private,
            Class::LinkLocal => self.link_local,
            Class::Never => false,
        }
    }
}

/// What kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Public,
    Loopback,
    Private,
    LinkLocal,
    /// Nobody's server: unspecified, multicast, reserved, documentation, metadata of clouds.
    Never,
}

impl Class {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        let [a, b, c, d] = ip.octets();
        match (a, b, c) {
            // Where clouds give credentials to whoever asks.
            (169, 254, 169) if d == 254 => Self::Never,
            (100, 100, 100) if d == 200 => Self::Never,
            (127, _, _) => Self::Loopback,
            (10, _, _) | (192, 168, _) => Self::Private,
            (172, 16..=31, _) | (100, 64..=127, _) => Self::Private,
            (169, 254, _) => Self::LinkLocal,
            (0, _, _) | (224..=255, _, _) => Self::Never,
            (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) => Self::Never,
            (198, 51, 100) | (203, 0, 113) => Self::Never,
            _ => Self::Public,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        let s = ip.segments();
        let embedded = |high: u16, low: u16| {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match s {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            // Mapped (::ffff:a.b.c.d), translated (64:ff9b::/96) and 6to4: the address within.
            [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
            [0x2002, high, low, ..] => embedded(high, low),
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Self::Never,
            [first, ..] if first & 0xfe00 == 0xfc00 => Self::Private,
            [first, ..] if first & 0xffc0 == 0xfe80 => Self::LinkLocal,
            // Teredo, documentation, benchmarks.
            [0x2001, 0x0 | 0xdb8 | 0x2, ..] => Self::Never,
            // Only 2000::/3 is given out to anybody.
            [first, ..] if first & 0xe000 == 0x2000 => Self::Public,
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(ip: &str) -> Class {
        Class::of(ip.parse().unwrap())
    }

    #[test]
    fn row_15_ssrf_every_special_address_has_its_class() {
        for (ip, expected) in [
            ("93.184.216.34", Class::Public),
            ("2606:4700::1111", Class::Public),
            ("127.0.0.1", Class::Loopback),
            ("127.8.8.8", Class::Loopback),
            ("::1", Class::Loopback),
            ("::ffff:127.0.0.1", Class::Loopback),
            ("::ffff:7f00:1", Class::Loopback),
            ("64:ff9b::127.0.0.1", Class::Loopback),
            ("2002:7f00:1::", Class::Loopback),
            ("10.0.0.1", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.32.0.1", Class::Public),
            ("192.168.1.1", Class::Private),
            ("100.64.0.1", Class::Private),
            ("::ffff:10.0.0.1", Class::Private),
            ("fd12::1", Class::Private),
            ("fc00::1", Class::Private),
            ("169.254.1.1", Class::LinkLocal),
            ("fe80::1", Class::LinkLocal),
            ("169.254.169.254", Class::Never),
            ("::ffff:169.254.169.254", Class::Never),
            ("100.100.100.200", Class::Never),
            ("fd00:ec2::254", Class::Never),
            ("0.0.0.0", Class::Never),
            ("::", Class::Never),
            ("224.0.0.1", Class::Never),
            ("255.255.255.255", Class::Never),
            ("240.0.0.1", Class::Never),
            ("198.51.100.7", Class::Never),
            ("2001:db8::1", Class::Never),
            ("2001::1", Class::Never),
            ("::7f00:1", Class::Never),
            ("ff02::1", Class::Never),
            ("fec0::1", Class::Never),
        ] {
            assert_eq!(class(ip), expected, "{ip}");
        }
    }

    #[test]
    fn row_15_ssrf_only_the_servers_own_class_is_added() {
        let ip = |ip: &str| -> IpAddr { ip.parse().unwrap() };
        let local = Reach::around(ip("127.0.0.1"));
        assert!(local.allows(ip("::1")) && local.allows(ip("93.184.216.34")));
        assert!(!local.allows(ip("10.0.0.1")) && !local.allows(ip("169.254.169.254")));
        let inside = Reach::around(ip("10.0.0.1"));
        assert!(inside.allows(ip("192.168.0.1")));
        assert!(!inside.allows(ip("127.0.0.1")) && !inside.allows(ip("169.254.0.1")));
        assert_eq!(Reach::around(ip("93.184.216.34")), Reach::public());
        assert!(!Reach::around(ip("169.254.1.1")).allows(ip("169.254.169.254")));
    }
}
