//! The template as CloudFormation gets it: JSON without comments and spaces, which is about half of
//! the file, in the file's order, so that the same file is always the same text.
//!
//! What YAML 1.1 means by a text without quotes is kept: CloudFormation reads the file by it.

use super::yaml::{Node, Value};

/// The whole of a document.
pub(super) fn write(node: &Node) -> String {
    let mut out = String::new();
    write_node(node, &mut out);
    out
}

fn write_node(node: &Node, out: &mut String) {
    let Some(tag) = node.tag.as_deref() else {
        return write_value(&node.value, out);
    };
    let function = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        other => format!("Fn::{other}"),
    };
    out.push('{');
    write_text(&function, out);
    out.push(':');
    match (&node.value, tag) {
        // `!GetAtt Table.Arn`; an attribute's name may have dots of its own.
        (Value::Scalar { text, .. }, "GetAtt") => {
            let (resource, attribute) = text.split_once('.').unwrap_or((text, ""));
            out.push('[');
            write_text(resource, out);
            out.push(',');
            write_text(attribute, out);
            out.push(']');
        }
        (Value::Scalar { text, .. }, _) => write_text(text, out),
        (value, _) => write_value(value, out),
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Scalar { text, plain: true } => write_plain(text, out),
        Value::Scalar { text, plain: false } => write_text(text, out),
        Value::Sequence(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_node(item, out);
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for (number, entry) in entries.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_text(&entry.key, out);
                out.push(':');
                write_node(&entry.value, out);
            }
            out.push('}');
        }
    }
}

fn write_plain(text: &str, out: &mut String) {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => out.push_str("null"),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            out.push_str("true");
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            out.push_str("false");
        }
        number if is_number(number) => out.push_str(number),
        text => write_text(text, out),
    }
}

/// Whether JSON has the number in the same form. One with zeros in front, such as an account's id,
/// is a text, as it is for whoever wrote it.
fn is_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'))
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
