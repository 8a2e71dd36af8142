//! Writes XML, as AWS's older protocols answer.

/// An element that is being written; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    output: Output<'a>,
    name: String,
}

#[derive(Debug)]
enum Output<'a> {
    Own(String),
    Parents(&'a mut String),
}

impl Output<'_> {
    fn text(&mut self) -> &mut String {
        match self {
            Self::Own(text) => text,
            Self::Parents(text) => text,
        }
    }
}

impl Element<'static> {
    /// A document's root in a namespace.
    pub(crate) fn document(name: &str, namespace: &str) -> Self {
        Self::start(name, &[" xmlns=\"", namespace, "\""].concat())
    }

    /// A document's root without a namespace.
    pub(crate) fn root(name: &str) -> Self {
        Self::start(name, "")
    }

    fn start(name: &str, attributes: &str) -> Self {
        let head = ["<?xml version=\"1.0\"?>\n<", name, attributes, ">"];
        Self {
            output: Output::Own(head.concat()),
            name: name.to_owned(),
        }
    }

    /// The document's text.
    pub(crate) fn finish(mut self) -> String {
        let end = format!("</{}>", std::mem::take(&mut self.name));
        let text = self.output.text();
        text.push_str(&end);
        std::mem::take(text)
    }
}

impl Element<'_> {
    /// An element in this one.
    pub(crate) fn child(&mut self, name: &str) -> Element<'_> {
        let text = self.output.text();
        text.push('<');
        text.push_str(name);
        text.push('>');
        Element {
            output: Output::Parents(text),
            name: name.to_owned(),
        }
    }

    /// An element with a text in this one.
    pub(crate) fn text(&mut self, name: &str, content: &str) {
        escape(content, self.child(name).output.text());
    }
}

impl Drop for Element<'_> {
    fn drop(&mut self) {
        if let Output::Parents(text) = &mut self.output {
            text.push_str("</");
            text.push_str(&self.name);
            text.push('>');
        }
    }
}

/// Carriage returns would be read as line feeds, so they are written as references too.
fn escape(content: &str, text: &mut String) {
    for character in content.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\r' => text.push_str("&#13;"),
            other => text.push(other),
        }
    }
}
