//! Writes XML: SVG, and HTML that is XML too. What is text is escaped here and nowhere else.

use std::fmt::{Display, Write as _};

/// A document, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Xml(String);

/// A name and what it is set to.
pub(super) type Attribute<'a> = (&'static str, &'a dyn Display);

impl Xml {
    /// Adds an element with what `content` adds to it.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Self),
    ) {
        self.open(name, attributes);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    /// Adds an element that has only text.
    pub(super) fn line(&mut self, name: &str, attributes: &[Attribute<'_>], text: impl Display) {
        self.element(name, attributes, |xml| xml.text(text));
    }

    /// Adds an element that holds nothing.
    pub(super) fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.open(name, attributes);
        self.0.push_str("/>\n");
    }

    pub(super) fn text(&mut self, text: impl Display) {
        escape(&mut self.0, &text.to_string());
    }

    /// Adds what is XML already.
    pub(super) fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn open(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            // Writing to memory does not fail.
            let _ = write!(self.0, " {name}=\"");
            escape(&mut self.0, &value.to_string());
            self.0.push('"');
        }
    }
}

/// XML has no way to write most control characters.
fn escape(to: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\n' | '\t' => to.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => to.push('\u{FFFD}'),
            c => to.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_text_the_document_is_well_formed_and_says_it() {
        let odd = "a<b>&\"'\u{1b}[31m\u{ffff}]]>";
        let mut xml = Xml::default();
        xml.element("a", &[("b", &odd), ("c", &1)], |xml| {
            xml.line("d", &[], odd);
            xml.empty("e", &[]);
        });
        let text = xml.finish();
        let document = roxmltree::Document::parse(&text).unwrap();
        let told = "a<b>&\"'\u{fffd}[31m\u{fffd}]]>";
        let root = document.root_element();
        assert_eq!(root.attribute("b"), Some(told));
        assert_eq!(root.first_element_child().unwrap().text(), Some(told));
    }
}
