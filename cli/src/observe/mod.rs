//! What the facts about a running stack mean. Each is judged here and nowhere else, whichever command
//! has asked for it.

pub(crate) mod judge;
