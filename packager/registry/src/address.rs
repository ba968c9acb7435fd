//! What kind of network an address belongs to, so that a registry cannot redirect into a private one.

use std::net::IpAddr;

/// The kind of network of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Public,
    Private,
    Loopback,
    LinkLocal,
}

impl Reach {
    /// Returns the kind of an address.
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                if ip.is_loopback() || ip.is_unspecified() {
                    Self::Loopback
                } else if ip.is_link_local() {
                    Self::LinkLocal
                } else if ip.is_private() || (a == 100 && (64..128).contains(&b)) {
                    // 100.64.0.0/10 is for carriers (RFC 6598).
                    Self::Private
                } else {
                    Self::Public
                }
            }
            IpAddr::V6(ip) => {
                // Also `::a.b.c.d`, the deprecated IPv4-compatible form (RFC 4291 section 2.5.5.1).
                if let Some(v4) = ip.to_ipv4().filter(|_| !ip.is_loopback()) {
                    return Self::of(IpAddr::V4(v4));
                }
                if ip.is_loopback() || ip.is_unspecified() {
                    Self::Loopback
                } else if ip.is_unicast_link_local() {
                    Self::LinkLocal
                } else if ip.is_unique_local() {
                    Self::Private
                } else {
                    Self::Public
                }
            }
        }
    }

    /// Returns the kind of a URL's host if it is an IP literal or a name that must be loopback
    /// (RFC 6761 section 6.3), and `None` for any other name.
    pub(crate) fn of_literal(host: &str) -> Option<Self> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        if bare.eq_ignore_ascii_case("localhost")
            || bare.to_ascii_lowercase().ends_with(".localhost")
        {
            return Some(Self::Loopback);
        }
        bare.parse().ok().map(Self::of)
    }

    /// Returns the name, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_networks() {
        for (host, reach) in [
            ("127.0.0.1", Some(Reach::Loopback)),
            ("localhost", Some(Reach::Loopback)),
            ("registry.localhost", Some(Reach::Loopback)),
            ("[::1]", Some(Reach::Loopback)),
            ("0.0.0.0", Some(Reach::Loopback)),
            ("[::ffff:127.0.0.1]", Some(Reach::Loopback)),
            ("[::ffff:169.254.169.254]", Some(Reach::LinkLocal)),
            ("169.254.169.254", Some(Reach::LinkLocal)),
            ("[fe80::1]", Some(Reach::LinkLocal)),
            ("10.1.2.3", Some(Reach::Private)),
            ("172.31.0.1", Some(Reach::Private)),
            ("100.64.0.1", Some(Reach::Private)),
            ("[fd00::1]", Some(Reach::Private)),
            ("8.8.8.8", Some(Reach::Public)),
            ("registry.local", None),
            ("example.com", None),
        ] {
            assert_eq!(Reach::of_literal(host), reach, "{host}");
        }
    }
}
