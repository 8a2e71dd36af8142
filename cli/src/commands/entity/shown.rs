//! How an entity looks: by itself, with or without the time it took, or as one of a list.

use std::fmt;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::commands::table::table;
use crate::domain::{Document, Domain, Page, Plain};

/// A document, with its times where they were measured. In JSON both are one flat object.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Shown {
    pub(in crate::commands) document: Document,
    pub(in crate::commands) timing: Option<Timing>,
    domain: Domain,
}

impl Shown {
    pub(super) fn new(document: Document, timing: Option<Timing>, domain: &Domain) -> Self {
        Self {
            document,
            timing,
            domain: domain.clone(),
        }
    }

    pub(super) fn id(&self) -> &str {
        self.document.id.as_str()
    }

    /// Adds its members to an object.
    pub(super) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, value) in self.document.members() {
            map.serialize_entry(name, value)?;
        }
        let Some(timing) = &self.timing else {
            return Ok(());
        };
        if let Some(write) = timing.write_ms {
            map.serialize_entry("writeMs", &write)?;
        }
        map.serialize_entry("visibleMs", &timing.visible_ms)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_into(&mut map)?;
        map.end()
    }
}

/// How long things took, in milliseconds, as seen from here: the network is included.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Timing {
    /// From sending the command to its answer; absent where nothing was written.
    write_ms: Option<f64>,
    /// From that answer, or from the first question, until the read model showed it.
    visible_ms: f64,
}

impl Timing {
    pub(super) fn new(written: Duration, visible: Duration) -> Self {
        Self {
            write_ms: Some(millis(written)),
            visible_ms: millis(visible),
        }
    }

    pub(super) fn of_reading(visible: Duration) -> Self {
        Self {
            write_ms: None,
            visible_ms: millis(visible),
        }
    }
}

/// To a tenth: more would be noise.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.write_ms {
            Some(write) => write!(
                f,
                "written in {write} ms, visible {} ms later",
                self.visible_ms
            ),
            None => write!(f, "visible after {} ms", self.visible_ms),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.document.members();
        let lines =
            members.map(|(name, value)| (self.domain.label(name), Plain(value).to_string()));
        let lines: Vec<(String, String)> = lines.collect();
        let width = lines.iter().map(|(label, _)| label.chars().count()).max();
        let width = width.unwrap_or(0);
        for (label, value) in lines {
            // The lines of a text stand below each other.
            let value = value.replace('\n', &format!("\n{:width$}  ", ""));
            writeln!(f, "{}", format!("{label:width$}  {value}").trim_end())?;
        }
        if let Some(timing) = &self.timing {
            writeln!(f, "\n{timing}")?;
        }
        Ok(())
    }
}

/// A list, or a part of it: what the query function answers, and what the command prints.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Listed {
    documents: Vec<Document>,
    /// Where the list goes on; absent at its end.
    cursor: Option<String>,
    domain: Domain,
}

impl Listed {
    pub(super) fn new(domain: &Domain) -> Self {
        Self {
            documents: Vec::new(),
            cursor: None,
            domain: domain.clone(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    pub(super) fn goes_on(&self) -> bool {
        self.cursor.is_some()
    }

    pub(super) fn take_cursor(&mut self) -> Option<String> {
        self.cursor.take()
    }

    /// Adds a page; answers how many it has.
    pub(super) fn add(&mut self, page: Page) -> usize {
        let count = page.documents.len();
        self.documents.extend(page.documents);
        self.cursor = page.cursor;
        count
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(&self.domain.plural, &self.documents)?;
        map.serialize_entry("cursor", &self.cursor)?;
        map.end()
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.domain.header();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows = self
            .documents
            .iter()
            .map(|document| self.domain.cells(document));
        f.write_str(&table(&header, rows))
    }
}
