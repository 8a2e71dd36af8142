//! Rows of CSV: the first line names the columns, each other line is an order.

use pattern::schema::{Characters, Kind};
use serde_json::{Map, Value};

use super::csv::split;
use super::error::{RowError, Unfit};
use crate::domain::{Domain, Draft, FieldOption, KEY};

/// The name of the column that tells why a row failed.
pub(super) const REASON: &str = "reason";

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// The field of the draft at this place.
    Field(usize),
    Key,
    /// Why a row failed in an earlier run. It is not read.
    Reason,
}

impl Column {
    /// A field's column is called what the field or its option is called.
    fn named(name: &str, domain: &Domain) -> Option<Self> {
        let field = domain.draft.fields.iter().position(|field| {
            field.name == name
                || field.aliases.iter().any(|alias| alias == name)
                || FieldOption(field).name() == name
        });
        match (field, name) {
            (Some(field), _) => Some(Self::Field(field)),
            (None, KEY) => Some(Self::Key),
            (None, REASON) => Some(Self::Reason),
            _ => None,
        }
    }
}

/// The names of the columns that a file of rows has, in their order.
pub(super) fn names(domain: &Domain) -> impl Iterator<Item = &str> {
    let fields = domain.draft.fields.iter().map(|field| field.name.as_str());
    fields.chain([KEY])
}

/// Reads the lines below a header.
pub(super) struct CsvRows {
    delimiter: char,
    columns: Vec<Column>,
    domain: Domain,
}

impl CsvRows {
    /// Takes the line that names the columns.
    pub(super) fn below(header: &[u8], domain: &Domain) -> Result<Self, Unfit> {
        // Where the comma is the decimal sign, spreadsheets write semicolons.
        let delimiter = header.iter().find(|byte| b",;\t".contains(byte));
        let delimiter = delimiter.map_or(',', |byte| char::from(*byte));
        let given = text(header)
            .and_then(|header| split(header, delimiter))
            .map_err(|error| Unfit::Header(format!("it {error}")))?;
        let mut columns = Vec::new();
        for name in &given {
            let column = Column::named(name, domain).ok_or_else(|| {
                let name: String = name.escape_debug().take(60).collect();
                let known: Vec<&str> = names(domain).collect();
                Unfit::Header(format!("`{name}` is none of {}", known.join(", ")))
            })?;
            if columns.contains(&column) {
                return Err(Unfit::Header(format!("`{name}` is there twice")));
            }
            columns.push(column);
        }
        for (at, field) in domain.draft.fields.iter().enumerate() {
            if field.required && !columns.contains(&Column::Field(at)) {
                return Err(Unfit::Header(format!("`{}` is missing", field.name)));
            }
        }
        let domain = domain.clone();
        Ok(Self {
            delimiter,
            columns,
            domain,
        })
    }

    /// Whether the columns are those of rows that failed in an earlier run.
    pub(super) fn have_reasons(&self) -> bool {
        self.columns.contains(&Column::Reason)
    }

    /// Whether a value may have line breaks: then one in quotes may go on in the next line.
    pub(super) fn have_line_breaks(&self) -> bool {
        let may = |column: &Column| match column {
            Column::Field(at) => matches!(
                self.domain.draft.fields.get(*at).map(|field| &field.kind),
                Some(Kind::Text { characters, .. }) if *characters != Characters::Printable
            ),
            Column::Key | Column::Reason => false,
        };
        self.columns.iter().any(may)
    }

    /// The draft in a line; none where all its values are empty.
    pub(super) fn row(&self, line: &[u8]) -> Result<Option<Draft>, RowError> {
        let columns = self.columns.len();
        let values = split(text(line)?, self.delimiter)?;
        if values.iter().all(String::is_empty) {
            return Ok(None);
        }
        if values.len() != columns {
            let fields = values.len();
            return Err(RowError::Fields { fields, columns });
        }
        let mut fields = Map::new();
        let mut key = None;
        for (column, value) in self.columns.iter().zip(&values) {
            match column {
                Column::Field(at) => {
                    let Some(field) = self.domain.draft.fields.get(*at) else {
                        continue;
                    };
                    // An empty cell of a field that need not be given is one that is not given.
                    if !value.is_empty() || field.required {
                        fields.insert(field.name.clone(), field.read(value)?);
                    }
                }
                Column::Key if !value.is_empty() => key = Some(value),
                Column::Key | Column::Reason => {}
            }
        }
        if let Some(key) = key {
            fields.insert(KEY.to_owned(), Value::from(key.as_str()));
        }
        Ok(Some(self.domain.draft_of(Value::Object(fields))?))
    }
}

fn text(line: &[u8]) -> Result<&str, RowError> {
    std::str::from_utf8(line).map_err(|_| RowError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(header: &str) -> CsvRows {
        CsvRows::below(header.as_bytes(), &Domain::bundled()).unwrap()
    }

    fn json(rows: &CsvRows, line: &str) -> String {
        let row = rows.row(line.as_bytes()).unwrap().unwrap();
        serde_json::to_string(&row).unwrap()
    }

    fn refusal(line: &[u8]) -> String {
        let rows = rows("clientId,productId,quantity,idempotencyKey");
        rows.row(line).unwrap_err().to_string()
    }

    #[test]
    fn columns_come_in_any_order_and_those_that_are_optional_may_be_empty() {
        let rows = rows("quantity,product,client,idempotencyKey");
        assert_eq!(
            json(&rows, "3,abc,42,k1"),
            r#"{"clientId":"42","productId":"abc","quantity":3,"idempotencyKey":"k1"}"#
        );
        assert_eq!(
            json(&rows, ",abc,42,"),
            r#"{"clientId":"42","productId":"abc"}"#
        );
    }

    #[test]
    fn quotes_hold_what_would_part_values_and_values_stay_as_they_are() {
        let rows = rows("clientId,productId");
        assert_eq!(
            json(&rows, r#""a, b"," ""x"" ü ""#),
            r#"{"clientId":"a, b","productId":" \"x\" ü "}"#
        );
    }

    #[test]
    fn blanks_around_names_and_values_are_not_part_of_them() {
        assert_eq!(
            json(&rows("clientId, productId ,quantity"), "42, lamp, 3 "),
            r#"{"clientId":"42","productId":"lamp","quantity":3}"#
        );
    }

    #[test]
    fn semicolons_and_tabs_part_values_where_they_part_the_names() {
        for rows in [rows("clientId;productId"), rows("clientId\tproductId")] {
            let delimiter = if rows.row(b"a,b;c").is_ok() {
                ";"
            } else {
                "\t"
            };
            let row = json(&rows, &format!("a,b{delimiter}c"));
            assert_eq!(row, r#"{"clientId":"a,b","productId":"c"}"#);
        }
    }

    #[test]
    fn a_reason_of_an_earlier_run_is_not_read() {
        let rows = rows("clientId,productId,quantity,idempotencyKey,reason");
        assert!(rows.have_reasons());
        assert_eq!(
            json(&rows, "42,abc,1,k,no"),
            r#"{"clientId":"42","productId":"abc","quantity":1,"idempotencyKey":"k"}"#
        );
    }

    #[test]
    fn a_cell_holds_the_values_of_a_list_and_what_is_written_of_it() {
        let tickets = Domain::written(include_str!("../../../examples/tickets/domain.json"));
        let rows = CsvRows::below(b"title,tags", &tickets).unwrap();
        for (line, tags) in [
            ("a,house | safety", r#"["house","safety"]"#),
            (r#"a,"[""b, c"",""d|e""]""#, r#"["b, c","d|e"]"#),
            ("a,f", r#"["f"]"#),
        ] {
            assert_eq!(
                json(&rows, line),
                format!(r#"{{"title":"a","tags":{tags}}}"#)
            );
        }
        assert_eq!(json(&rows, "a,"), r#"{"title":"a"}"#);
        let refused = rows.row(b"a,b||c").unwrap_err().to_string();
        assert_eq!(refused, "tags value 2 must not be empty");
    }

    #[test]
    fn a_line_of_delimiters_is_blank() {
        assert!(rows("clientId,productId").row(b",").unwrap().is_none());
    }

    #[test]
    fn a_row_is_refused_with_its_field_and_the_rule() {
        for (line, message) in [
            (&b",abc,,"[..], "clientId must not be empty"),
            (b"42,,,", "productId must not be empty"),
            (
                b"42,abc,0,",
                "quantity must be a whole number from 1 to 1000000, not 0",
            ),
            (
                b"42,abc,\" 1\",",
                "quantity must be a whole number from 1 to 1000000, not \" 1\"",
            ),
            (
                b"42,abc,+1,",
                "quantity must be a whole number from 1 to 1000000, not \"+1\"",
            ),
            (
                b"42,abc,007,",
                "quantity must be a whole number from 1 to 1000000, not \"007\"",
            ),
            (
                "42,\u{a0}abc,1,".as_bytes(),
                "productId must have printable characters only, not U+00A0",
            ),
            (
                "4\u{200b}2,abc,1,".as_bytes(),
                "clientId must have printable characters only, not U+200B",
            ),
            (
                "42,abc,1,k\u{ad}".as_bytes(),
                "idempotencyKey must have printable characters only, not U+00AD",
            ),
            (
                b"42,6\" pipe,1,",
                "has a quote beside other characters: a value is quoted as a whole, and \"\" in it \
                 is one",
            ),
            (
                b"42,a\x07,1,",
                "productId must have printable characters only, not U+0007",
            ),
            (
                b"42,a\rb,1,",
                "productId must have printable characters only, not U+000D",
            ),
            (b"42,abc", "has 2 fields where the first line names 4"),
            (b"42,abc,1,k,x", "has 5 fields where the first line names 4"),
            (
                b"42,\"abc,1,",
                "has a quote that is not closed in the same line",
            ),
            (b"42,ab\xff,1,", "is not UTF-8"),
        ] {
            assert_eq!(refusal(line), message);
        }
    }

    #[test]
    fn a_row_with_an_open_quote_spoils_no_other() {
        let rows = rows("clientId,productId");
        assert!(rows.row(b"\"42,abc").is_err());
        assert_eq!(
            json(&rows, "42,abc"),
            r#"{"clientId":"42","productId":"abc"}"#
        );
    }

    #[test]
    fn a_header_that_does_not_name_the_columns_is_refused() {
        for (header, message) in [
            (
                "42,abc",
                "`42` is none of clientId, productId, quantity, idempotencyKey",
            ),
            (
                "clientId,productId,color",
                "`color` is none of clientId, productId, quantity, idempotencyKey",
            ),
            ("clientId,client,productId", "`client` is there twice"),
            ("clientId,quantity", "`productId` is missing"),
        ] {
            let Err(Unfit::Header(said)) = CsvRows::below(header.as_bytes(), &Domain::bundled())
            else {
                panic!("{header} is taken");
            };
            assert_eq!(said, message);
        }
    }
}
