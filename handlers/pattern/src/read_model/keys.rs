//! The names of the read model's keys, and the members of its lists.

use uuid::Uuid;

use crate::description::{Description, STATUS};
use crate::id::Id;
use crate::query::{Cursor, Filter};
use crate::timestamp::Timestamp;

/// The names of the keys of one domain. The access strings of the template's cache users rest on
/// what they all start with.
#[derive(Debug)]
pub(super) struct Keys {
    /// What all keys start with.
    pub(super) prefix: String,
    /// The witness that the read model is complete; see [`super::complete`].
    pub(super) complete: String,
    /// The lists by status. Each entity is in one of them, so together they are the list of all.
    pub(super) all: Vec<String>,
    /// What the keys of the layout before this one are like.
    pub(super) outdated: String,
    /// What a document begins with before its id. It is held without both.
    opening: String,
}

impl Keys {
    pub(super) fn of(description: &Description) -> Self {
        let prefix = format!("{}:v2:", description.plural);
        let statuses = description.statuses.iter();
        Self {
            complete: format!("{prefix}complete"),
            all: statuses
                .map(|status| format!("{prefix}{STATUS}:{status}"))
                .collect(),
            outdated: format!("{}:v1:*", description.plural),
            opening: format!("{{\"{}\":", description.id),
            prefix,
        }
    }

    /// The key of an entity: the 32 digits of a UUID that is written as UUIDs are, which saves
    /// memory; else the text behind `=`. No field is named so.
    pub(super) fn entity(&self, id: &Id) -> String {
        match plain_uuid(id) {
            Some(uuid) => {
                let mut form = Uuid::encode_buffer();
                [&self.prefix, &*uuid.simple().encode_lower(&mut form)].concat()
            }
            None => format!("{}={id}", self.prefix),
        }
    }

    /// Writes the document of `id`, of which the rest is held. It is spliced, not parsed; that it is
    /// JSON is for the caller to see.
    pub(super) fn write_document(&self, text: &mut Vec<u8>, id: &Id, held: &[u8]) -> Option<()> {
        text.extend_from_slice(self.opening.as_bytes());
        serde_json::to_writer(&mut *text, id).ok()?;
        write_rest(text, held)
    }

    /// The same of a part of a page, as `list.lua` answers it. The id of most has nothing to be
    /// checked or escaped.
    pub(super) fn write_listed(&self, text: &mut Vec<u8>, part: &[u8]) -> Option<()> {
        let (length, rest) = part.split_at_checked(3)?;
        let length = std::str::from_utf8(length).ok()?.parse().ok()?;
        let (member, held) = rest.split_at_checked(length)?;
        let Some(Ok(uuid)) = member.get(TIME..).map(<[u8; 16]>::try_from) else {
            return self.write_document(text, &cursor(member)?.id, held);
        };
        let mut form = Uuid::encode_buffer();
        let id = Uuid::from_bytes(uuid).hyphenated().encode_lower(&mut form);
        for piece in [&self.opening, "\"", id, "\""] {
            text.extend_from_slice(piece.as_bytes());
        }
        write_rest(text, held)
    }

    /// The sorted sets of a list.
    pub(super) fn lists(&self, filter: Option<&Filter>) -> Vec<String> {
        match filter {
            None => self.all.clone(),
            Some(Filter { field, value }) => vec![format!("{}{field}:{value}", self.prefix)],
        }
    }

    /// What a making of the read model leaves at its beginning.
    pub(super) fn begun(&self, token: &str) -> String {
        format!("{}begun:{token}", self.prefix)
    }
}

/// Writes what is held of a document behind its id.
fn write_rest(text: &mut Vec<u8>, held: &[u8]) -> Option<()> {
    let rest = held.strip_prefix(b"{")?;
    text.push(b',');
    text.extend_from_slice(rest);
    Some(())
}

/// Bytes of a member's time.
const TIME: usize = 6;
/// Makes times before 1970 positive; half of what six bytes hold.
const OFFSET: i64 = 1 << 47;
/// What the id of a member starts with that is no UUID, so that it sorts behind those.
const TEXT: u8 = 0xFF;

/// A member's time: milliseconds, so that members sort by it. What is beyond six bytes, years
/// after 6429, is the last there is.
pub(super) fn time(time: Timestamp) -> [u8; TIME] {
    let millis = time.as_millis().saturating_add(OFFSET);
    let millis = millis.clamp(0, (1 << 48) - 1);
    let [_, _, bytes @ ..] = millis.to_be_bytes();
    bytes
}

/// What the id adds to a member: the 16 bytes of a UUID that is written as UUIDs are; else the text
/// behind a byte, and with a zero where it would have 16 bytes too.
pub(super) fn tail(id: &Id) -> Vec<u8> {
    if let Some(uuid) = plain_uuid(id) {
        return uuid.as_bytes().to_vec();
    }
    let mut tail = vec![TEXT];
    tail.extend_from_slice(id.as_bytes());
    if tail.len() == 16 {
        tail.push(0);
    }
    tail
}

/// The UUID that `id` is, written as UUIDs are: it is made again from its bytes.
fn plain_uuid(id: &Id) -> Option<Uuid> {
    let uuid = Uuid::try_parse(id).ok()?;
    let mut form = Uuid::encode_buffer();
    (*uuid.hyphenated().encode_lower(&mut form) == **id).then_some(uuid)
}

/// The member of an entity in every list that shows it.
pub(super) fn member(cursor: &Cursor) -> Vec<u8> {
    let mut member = time(cursor.created_at).to_vec();
    member.extend(tail(&cursor.id));
    member
}

/// The place that a member is at.
pub(super) fn cursor(member: &[u8]) -> Option<Cursor> {
    let (time, tail) = member.split_at_checked(TIME)?;
    let mut millis = [0; 8];
    millis.get_mut(2..)?.copy_from_slice(time);
    let id = match <[u8; 16]>::try_from(tail) {
        Ok(bytes) => Uuid::from_bytes(bytes).to_string(),
        Err(_) => {
            let text = tail.strip_prefix(&[TEXT])?;
            let text = text.strip_suffix(&[0]).unwrap_or(text);
            String::from_utf8(text.to_vec()).ok()?
        }
    };
    Some(Cursor {
        created_at: Timestamp::from_millis(i64::from_be_bytes(millis) - OFFSET)?,
        id: Id::try_from(id).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(time: &str, id: &str) -> Cursor {
        Cursor {
            created_at: time.parse().unwrap(),
            id: id.parse().unwrap(),
        }
    }

    #[test]
    fn a_member_names_its_place_for_any_id() {
        for id in [
            "0199b0a0-0000-7000-8000-000000000001",
            "ffffffff-ffff-5fff-bfff-ffffffffffff",
            "0199B0A0-0000-7000-8000-000000000001",
            "0199b0a0000070008000000000000001",
            "o",
            "fourteen bytes",
            "fifteen bytes !",
            "sixteen bytes !!",
            "äöü 注文",
        ] {
            for time in ["1969-12-31T23:59:59.999Z", "2026-11-23T03:00:00.123Z"] {
                let place = place(time, id);
                assert_eq!(cursor(&member(&place)), Some(place));
            }
        }
        assert_eq!(
            member(&place(
                "2026-11-23T03:00:00Z",
                "0199b0a0-0000-7000-8000-000000000001"
            ))
            .len(),
            22
        );
        assert_eq!(cursor(b"short"), None);
        assert_eq!(cursor(b"time..text"), None);
    }

    #[test]
    fn no_two_ids_have_one_key() {
        let keys = Keys {
            prefix: "p:".to_owned(),
            complete: String::new(),
            all: Vec::new(),
            outdated: String::new(),
            opening: String::new(),
        };
        let key = |id: &str| keys.entity(&id.parse().unwrap());
        let digits = "0199b0a0000070008000000000000001";
        assert_eq!(
            key("0199b0a0-0000-7000-8000-000000000001"),
            format!("p:{digits}")
        );
        assert_eq!(key(digits), format!("p:={digits}"));
        assert_eq!(key("o"), "p:=o");
    }

    #[test]
    fn a_document_is_what_is_held_with_the_id_before_it() {
        let keys = Keys {
            prefix: String::new(),
            complete: String::new(),
            all: Vec::new(),
            outdated: String::new(),
            opening: "{\"orderId\":".to_owned(),
        };
        let document = |id: &str, held: &str| {
            let mut text = Vec::new();
            keys.write_document(&mut text, &id.parse().unwrap(), held.as_bytes())?;
            String::from_utf8(text).ok()
        };
        assert_eq!(
            document("a \"b\" \\ 注", "{\"version\":1}").unwrap(),
            r#"{"orderId":"a \"b\" \\ 注","version":1}"#
        );
        assert_eq!(document("a", "7"), None);
        for id in ["0199b0a0-0000-7000-8000-000000000001", "a \"b\" \\ 注"] {
            let member = member(&place("2026-11-23T03:00:00.123Z", id));
            let held = "{\"version\":1}";
            let length = format!("{:03}", member.len());
            let part = [length.as_bytes(), &member, held.as_bytes()].concat();
            let mut text = Vec::new();
            keys.write_listed(&mut text, &part).unwrap();
            assert_eq!(String::from_utf8(text).ok(), document(id, held));
            assert_eq!(keys.write_listed(&mut Vec::new(), &part[..9]), None);
        }
    }

    #[test]
    fn members_sort_by_time_and_then_by_id() {
        let sorted = [
            place("0000-01-01T00:00:00Z", "b"),
            place("1969-12-31T23:59:59.999Z", "a"),
            place(
                "1970-01-01T00:00:00Z",
                "0199b0a0-0000-7000-8000-000000000001",
            ),
            place(
                "1970-01-01T00:00:00Z",
                "0199b0a0-0000-7000-8000-000000000002",
            ),
            place("1970-01-01T00:00:00Z", "a"),
            place("1970-01-01T00:00:00Z", "b"),
            place("2026-11-23T03:00:00.009Z", "a"),
            place("2026-11-23T03:00:00.010Z", "a"),
            place("9999-12-31T23:59:59.999Z", "a"),
        ];
        assert!(sorted.is_sorted_by_key(member));
    }
}
