//! `Fn::Cidr`: a range of IPv4 addresses, split into smaller ones.

use std::net::Ipv4Addr;

/// The first `count` ranges of `bits` host bits each within `range`, such as `10.0.0.0/16`.
pub(super) fn split(range: &str, count: u32, bits: u32) -> Result<Vec<String>, String> {
    let parsed = range.split_once('/').and_then(|(address, prefix)| {
        let address: Ipv4Addr = address.parse().ok()?;
        let host_bits = 32_u32.checked_sub(prefix.parse().ok()?)?;
        Some((u64::from(address.to_bits()), host_bits))
    });
    let (start, host_bits) = parsed
        .ok_or_else(|| format!("`{range}` is no range of addresses, such as `10.0.0.0/16`"))?;
    let room = host_bits.checked_sub(bits).map(|bits| 1_u64 << bits);
    if room.is_none_or(|room| u64::from(count) > room) {
        return Err(format!(
            "`{range}` has no room for {count} ranges of {bits} bits"
        ));
    }
    let start = start >> host_bits << host_bits;
    let block = |index: u32| {
        let address = start | u64::from(index) << bits;
        let address = Ipv4Addr::from_bits(u32::try_from(address).unwrap_or(u32::MAX));
        format!("{address}/{}", 32 - bits)
    };
    Ok((0..count).map(block).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_split_from_its_beginning() {
        let split = |range, count, bits| split(range, count, bits).unwrap();
        assert_eq!(
            split("10.88.0.0/24", 2, 6),
            ["10.88.0.0/26", "10.88.0.64/26"]
        );
        assert_eq!(split("192.168.0.77/24", 6, 5)[5], "192.168.0.160/27");
        assert_eq!(split("0.0.0.0/0", 1, 32), ["0.0.0.0/0"]);
    }

    #[test]
    fn a_range_without_room_and_what_is_none_are_refused() {
        for (range, count, bits) in [
            ("10.88.0.0/24", 5, 6),
            ("10.88.0.0/24", 1, 9),
            ("10.88.0.0/33", 1, 1),
            ("10.88.0.0", 1, 1),
            ("2001:db8::/56", 1, 1),
            ("", 1, 1),
        ] {
            assert!(split(range, count, bits).is_err(), "{range}");
        }
    }
}
