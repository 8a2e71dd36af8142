//! The environment of this process as all of it is to be read, by the SDK and its kin too.

/// Whether a variable is ours, AWS's, or of the way to AWS.
fn is_read(name: &str) -> bool {
    let proxies = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    name.starts_with("AWS_")
        || name.starts_with("CQRS_")
        || proxies.iter().any(|proxy| name.eq_ignore_ascii_case(proxy))
}

/// Other names that the AWS CLI knows, each for the one that the SDK reads.
const OTHER_NAMES: [(&str, &str); 2] = [
    ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    ("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"),
];

/// Makes each variable mean the same to all that read it: an empty one is unset, and a value or a
/// name that only the AWS CLI knows becomes the SDK's. To be called before there is a second thread.
pub(crate) fn normalize() {
    let (mut unset, mut set) = (Vec::new(), Vec::new());
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.into_string().ok().filter(|name| is_read(name)) else {
            continue;
        };
        if value.as_encoded_bytes().iter().all(u8::is_ascii_whitespace) {
            unset.push(name);
            continue;
        }
        // What is not UTF-8 is said by whoever wants it.
        let Ok(value) = value.into_string() else {
            continue;
        };
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
        match (other, crate::aws::meaning(&name, &value)) {
            (Some((_, name)), _) if is_unset(name) => set.push(((*name).to_owned(), value)),
            (_, Some(meant)) => set.push((name, meant)),
            _ => {}
        }
    }
    for name in unset {
        // SAFETY: no other thread exists yet that could read the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    for (name, value) in set {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
}

fn is_unset(name: &str) -> bool {
    std::env::var_os(name).is_none_or(|value| value.is_empty())
}
