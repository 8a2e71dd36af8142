//! Whose a connection to an environment's port is.
//!
//! Every program of this machine can connect, and what goes over the port is a function's
//! invocations. Runtimes bear neither a path nor a password in `AWS_LAMBDA_RUNTIME_API`, so the
//! kernel is asked: which socket is at the other end, and whether the environment's process, or one
//! that it started, holds it. That takes some tens of microseconds for the process itself, some
//! milliseconds for another, and is done once for a connection.
//!
//! This is so on Linux. Where `/proc` is not mounted, the kernel still says whose user's the socket is,
//! and that has to do. Elsewhere nothing tells, and what keeps foreign requests out is
//! [`guard`](crate::guard) alone, which web pages do not pass and other programs do.

use std::net::SocketAddr;

use crate::offspring::Offspring;

/// Whether the process `child`, or one that it started, is at the end `peer` of a connection with
/// `own`. Blocks the thread.
pub(super) fn is_own(offspring: &Offspring, child: u32, peer: SocketAddr, own: SocketAddr) -> bool {
    let (SocketAddr::V4(peer), SocketAddr::V4(own)) = (peer, own) else {
        return false;
    };
    #[cfg(target_os = "linux")]
    {
        let found = linux::socket(peer, own);
        if !linux::lists_processes() {
            return found.is_none_or(|socket| socket.is_own_users());
        }
        let Some(linux::Socket { inode, .. }) = found else {
            return false;
        };
        let socket = format!("socket:[{inode}]");
        offspring.is_of(child, |pid| linux::holds(pid, &socket))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (offspring, child, peer, own);
        true
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::net::SocketAddrV4;
    use std::path::Path;

    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    };

    /// Of `linux/netlink.h`, `linux/sock_diag.h` and `linux/inet_diag.h`.
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const AF_INET: u8 = 2;
    const IPPROTO_TCP: u8 = 6;
    const ANY_STATE: u32 = u32::MAX;
    const NO_COOKIE: [u8; 8] = [0xff; 8];
    const HEADER: usize = 16;
    const REQUEST: usize = HEADER + 56;
    /// From an answer's beginning to the socket's user, and to its inode.
    const USER: usize = HEADER + 64;
    const INODE: usize = USER + 4;

    /// A socket, as the kernel describes it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Socket {
        pub(super) inode: u32,
        user: u32,
    }

    impl Socket {
        pub(super) fn is_own_users(self) -> bool {
            self.user == rustix::process::geteuid().as_raw()
        }
    }

    /// Whether the descriptors of processes can be looked at.
    pub(super) fn lists_processes() -> bool {
        Path::new("/proc/self/fd").exists()
    }

    /// The socket that is bound to `peer` and connected to `own`.
    pub(super) fn socket(peer: SocketAddrV4, own: SocketAddrV4) -> Option<Socket> {
        asked(peer, own).or_else(|| listed(peer, own))
    }

    /// From the kernel's own interface, which looks up one socket.
    fn asked(peer: SocketAddrV4, own: SocketAddrV4) -> Option<Socket> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        )
        .ok()?;
        send(&socket, &request(peer, own), SendFlags::empty()).ok()?;
        let mut answer = [0; 512];
        let (_, length) = recv(&socket, answer.as_mut_slice(), RecvFlags::empty()).ok()?;
        let answer = answer.get(..length)?;
        let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
        if kind != SOCK_DIAG_BY_FAMILY {
            return None;
        }
        let number = |at: usize| {
            let bytes = answer.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_ne_bytes(bytes))
        };
        let (user, inode) = (number(USER)?, number(INODE)?);
        (inode != 0).then_some(Socket { inode, user })
    }

    fn request(peer: SocketAddrV4, own: SocketAddrV4) -> Vec<u8> {
        let length = u32::try_from(REQUEST).unwrap_or_default();
        let mut request = Vec::with_capacity(REQUEST);
        request.extend_from_slice(&length.to_ne_bytes());
        request.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        request.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
        request.extend_from_slice(&[0; 8]);
        request.extend_from_slice(&[AF_INET, IPPROTO_TCP, 0, 0]);
        request.extend_from_slice(&ANY_STATE.to_ne_bytes());
        request.extend_from_slice(&peer.port().to_be_bytes());
        request.extend_from_slice(&own.port().to_be_bytes());
        for address in [peer, own] {
            request.extend_from_slice(&address.ip().octets());
            request.extend_from_slice(&[0; 12]);
        }
        request.extend_from_slice(&[0; 4]);
        request.extend_from_slice(&NO_COOKIE);
        request
    }

    /// From the list of all sockets, for kernels without the interface. A runtime may speak IPv4 by a
    /// socket of IPv6.
    fn listed(peer: SocketAddrV4, own: SocketAddrV4) -> Option<Socket> {
        let (peer, own) = (hexadecimal(peer), hexadecimal(own));
        ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .find_map(|list| {
                let text = std::fs::read_to_string(list).ok()?;
                text.lines().find_map(|line| {
                    let mut fields = line.split_whitespace().skip(1);
                    let is_it = fields.next()?.ends_with(&peer) && fields.next()?.ends_with(&own);
                    let mut number = |after| fields.nth(after)?.parse().ok();
                    let user = is_it.then(|| number(4)).flatten()?;
                    let inode = number(1)?;
                    Some(Socket { inode, user })
                })
            })
    }

    fn hexadecimal(address: SocketAddrV4) -> String {
        let ip = u32::from_ne_bytes(address.ip().octets());
        format!("{ip:08X}:{:04X}", address.port())
    }

    /// Whether the process has this socket among its descriptors.
    pub(super) fn holds(pid: u32, socket: &str) -> bool {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"));
        descriptors.into_iter().flatten().flatten().any(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|target| target == Path::new(socket))
        })
    }

    #[cfg(test)]
    mod tests {
        use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

        use super::*;

        #[test]
        fn both_ways_to_a_sockets_inode_lead_to_the_one_that_this_process_holds() {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (Ok(SocketAddr::V4(peer)), Ok(SocketAddr::V4(own))) =
                (client.local_addr(), listener.local_addr())
            else {
                panic!("both are of IPv4");
            };
            let found = listed(peer, own).unwrap();
            // Where the kernel has no such interface, there is nothing to compare.
            assert_eq!(asked(peer, own).unwrap_or(found), found);
            assert!(found.is_own_users());
            let socket = format!("socket:[{}]", found.inode);
            assert!(holds(std::process::id(), &socket));
            drop(client);
            assert!(!holds(std::process::id(), &socket));
        }
    }
}
