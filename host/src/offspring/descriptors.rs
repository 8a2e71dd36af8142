//! Descriptors that this process was started with, such as a script's lock, stay with it: a child that
//! had them too would hold them for as long as it lives.

use std::fs::read_dir;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Has no child inherit any descriptor but the standard ones, and those that it is given.
pub fn keep_descriptors_here() {
    // Linux and macOS list them there; without the list, nothing is known of them.
    let Ok(entries) = read_dir("/dev/fd") else {
        return;
    };
    let open: Vec<RawFd> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&descriptor| descriptor > 2)
        .collect();
    for descriptor in open {
        // SAFETY: it was open a moment ago, and is borrowed for the two calls alone, which fail
        // where it was closed meanwhile. They change what a child inherits and nothing else.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        if let Ok(flags) = fcntl_getfd(descriptor)
            && !flags.contains(FdFlags::CLOEXEC)
        {
            let _ = fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC);
        }
    }
}
