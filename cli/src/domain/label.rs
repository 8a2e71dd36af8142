//! What members of a document are called where people read them.

use pattern::schema::{Characters, Kind};

use super::option::option_name;
use super::{Document, Domain, Plain};

impl Domain {
    /// What a member is called beside its value: `client` for `clientId`, `created` for `createdAt`,
    /// and the entity's name for its id.
    pub(crate) fn label(&self, member: &str) -> String {
        if member == self.id {
            return self.entity.clone();
        }
        option_name(member.strip_suffix("At").unwrap_or(member)).replace('-', " ")
    }

    /// The members that a table shows: id and status, what fits into a cell, version and age.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let last = ["version", "createdAt"];
        let first = [self.id.as_str(), pattern::description::STATUS];
        let fields = self.document.fields.iter();
        let fields = fields
            .filter(|field| fits(&field.kind))
            .map(|f| f.name.as_str());
        let fields =
            fields.filter(|name| !first.contains(name) && !pattern::document::ADDED.contains(name));
        first.into_iter().chain(fields).chain(last).collect()
    }

    /// The columns' names, as a table has them.
    pub(crate) fn header(&self) -> Vec<String> {
        let columns = self.columns().into_iter();
        columns
            .map(|name| self.label(name).to_uppercase())
            .collect()
    }

    /// How wide the columns are where rows are written one after another, and what comes is not
    /// known yet.
    pub(crate) fn widths(&self) -> Vec<usize> {
        const ID: usize = 36;
        const TEXT: usize = 16;
        const DATE: usize = 10;
        let width = |(column, title): (&str, String)| {
            let kind = self.document.field(column).map(|field| &field.kind);
            let values = match kind {
                Some(_) if column == self.id => ID,
                Some(Kind::Text { .. } | Kind::Array { .. }) => TEXT,
                Some(Kind::Date) => DATE,
                Some(Kind::Choice(choices)) => {
                    let lengths = choices.iter().map(|choice| choice.name.len());
                    lengths.max().unwrap_or_default()
                }
                _ => 0,
            };
            values.max(title.len())
        };
        let columns = self.columns().into_iter().zip(self.header());
        columns.map(width).collect()
    }

    /// A document's cells below [`Domain::header`].
    pub(crate) fn cells(&self, document: &Document) -> Vec<String> {
        let cell = |name| document.get(name).map(|value| Plain(value).to_string());
        let columns = self.columns().into_iter();
        columns.map(|name| cell(name).unwrap_or_default()).collect()
    }
}

/// Whether a value fits into a cell.
fn fits(kind: &Kind) -> bool {
    match kind {
        Kind::Array { of: Some(kind), .. } => fits(kind),
        Kind::Array { of: None, .. } | Kind::Object => false,
        Kind::Text { characters, .. } => *characters == Characters::Printable,
        _ => true,
    }
}
