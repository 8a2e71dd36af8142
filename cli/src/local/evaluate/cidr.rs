//! `Fn::Cidr`: a range of addresses, split into smaller ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first `count` ranges of `bits` host bits each within `range`, such as `10.0.0.0/16`.
pub(super) fn split(range: &str, count: u32, bits: u32) -> Result<Vec<String>, String> {
    let (address, prefix) = range
        .split_once('/')
        .and_then(|(address, prefix)| {
            Some((address.parse::<IpAddr>().ok()?, prefix.parse::<u32>().ok()?))
        })
        .ok_or_else(|| format!("`{range}` is no range of addresses, such as `10.0.0.0/16`"))?;
    let (width, start) = match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    if prefix > width {
        return Err(format!("`{range}` has a prefix of more than {width} bits"));
    }
    let host_bits = width - prefix;
    let room = host_bits
        .checked_sub(bits)
        .map(|bits| 1_u128.checked_shl(bits));
    // No room at all, or so much that it is no number.
    let fits = match room {
        None => false,
        Some(None) => true,
        Some(Some(room)) => u128::from(count) <= room,
    };
    if !fits {
        return Err(format!(
            "`{range}` has no room for {count} ranges of {bits} bits"
        ));
    }
    let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
    let start = start & mask;
    let block = |index: u32| {
        let address = start | u128::from(index).checked_shl(bits).unwrap_or(0);
        let prefix = width - bits;
        match u32::try_from(address) {
            Ok(address) if width == 32 => format!("{}/{prefix}", Ipv4Addr::from_bits(address)),
            _ => format!("{}/{prefix}", Ipv6Addr::from_bits(address)),
        }
    };
    Ok((0..count).map(block).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_split_from_its_beginning() {
        assert_eq!(
            split("10.88.0.0/24", 2, 6).unwrap(),
            ["10.88.0.0/26", "10.88.0.64/26"]
        );
        assert_eq!(
            split("192.168.0.77/24", 6, 5).unwrap()[5],
            "192.168.0.160/27"
        );
        assert_eq!(
            split("2001:db8::/56", 2, 64).unwrap(),
            ["2001:db8::/64", "2001:db8:0:1::/64"]
        );
        assert_eq!(split("::/0", 1, 128).unwrap(), ["::/0"]);
        assert_eq!(split("0.0.0.0/0", 1, 32).unwrap(), ["0.0.0.0/0"]);
    }

    #[test]
    fn a_range_without_room_and_what_is_none_are_refused() {
        for (range, count, bits) in [
            ("10.88.0.0/24", 5, 6),
            ("10.88.0.0/24", 1, 9),
            ("10.88.0.0/33", 1, 1),
            ("10.88.0.0", 1, 1),
            ("10.88.0/24", 1, 1),
            ("", 1, 1),
        ] {
            assert!(split(range, count, bits).is_err(), "{range}");
        }
    }
}
