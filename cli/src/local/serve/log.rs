//! What the process itself has to say: lines on standard error, which is `host.log` in the
//! background.

use std::fmt::Display;
use std::io::Write;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes one line with its time.
pub(super) fn log(text: impl Display) {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_millisecond(now.millisecond()).unwrap_or(now);
    let now = now.format(&Rfc3339).unwrap_or_default();
    // Without a place to write to there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{now} {text}");
}
