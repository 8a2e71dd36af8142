//! Rows of CSV: the first line names the columns, each other line is an order.
//!
//! A value cannot hold a line break, since no field of an order can. So each line is split by
//! itself, and one with a quote that stays open spoils no other.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use orders::command::CreateOrder;
use orders::error::Invalid;
use orders::ids::{ClientId, NotPrintable, ProductId};
use orders::order::{OutOfRange, Quantity};

use super::error::{RowError, Unfit};

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Client,
    Product,
    Quantity,
    IdempotencyKey,
    /// Why a row failed in an earlier run. It is not read.
    Reason,
}

const NAMES: &str = "clientId, productId, quantity, idempotencyKey";
/// The name of the column that tells why a row failed.
pub(super) const REASON: &str = "reason";

impl Column {
    fn named(name: &str) -> Option<Self> {
        match name {
            "clientId" | "client" => Some(Self::Client),
            "productId" | "product" => Some(Self::Product),
            "quantity" => Some(Self::Quantity),
            "idempotencyKey" => Some(Self::IdempotencyKey),
            REASON => Some(Self::Reason),
            _ => None,
        }
    }
}

/// Reads the lines below a header.
pub(super) struct CsvRows {
    splitter: Splitter,
    columns: Vec<Column>,
}

impl CsvRows {
    /// Takes the line that names the columns.
    pub(super) fn below(header: &[u8]) -> Result<Self, Unfit> {
        // Where the comma is the decimal sign, spreadsheets write semicolons.
        let delimiter = header.iter().find(|byte| b",;\t".contains(byte));
        let mut splitter = Splitter::new(delimiter.copied().unwrap_or(b','));
        let names = splitter
            .split(header)
            .map_err(|error| Unfit::Header(format!("it {error}")))?;
        let mut columns = Vec::new();
        for name in names.iter().map(|name| name.trim()) {
            let column = Column::named(name).ok_or_else(|| {
                let name: String = name.escape_debug().take(60).collect();
                Unfit::Header(format!("`{name}` is none of {NAMES}"))
            })?;
            if columns.contains(&column) {
                return Err(Unfit::Header(format!("`{name}` is there twice")));
            }
            columns.push(column);
        }
        for (column, name) in [(Column::Client, "clientId"), (Column::Product, "productId")] {
            if !columns.contains(&column) {
                return Err(Unfit::Header(format!("`{name}` is missing")));
            }
        }
        Ok(Self { splitter, columns })
    }

    /// Whether the columns are those of rows that failed in an earlier run.
    pub(super) fn have_reasons(&self) -> bool {
        self.columns.contains(&Column::Reason)
    }

    /// The order in a line; none where all its values are empty.
    pub(super) fn row(&mut self, line: &[u8]) -> Result<Option<CreateOrder>, RowError> {
        let columns = self.columns.len();
        let values = self.splitter.split(line)?;
        if values.iter().all(|value| value.is_empty()) {
            return Ok(None);
        }
        if values.len() != columns {
            let fields = values.len();
            return Err(RowError::Fields { fields, columns });
        }
        let value = |column: Column| {
            let at = self.columns.iter().position(|c| *c == column)?;
            values.get(at).copied().filter(|value| !value.is_empty())
        };
        let client = value(Column::Client).unwrap_or_default();
        let product = value(Column::Product).unwrap_or_default();
        let key = value(Column::IdempotencyKey);
        Ok(Some(CreateOrder {
            client_id: ClientId::new(client).map_err(|rule| unprintable("clientId", rule))?,
            product_id: ProductId::new(product).map_err(|rule| unprintable("productId", rule))?,
            quantity: value(Column::Quantity).map_or(Ok(Quantity::default()), quantity)?,
            idempotency_key: key
                .map(str::parse)
                .transpose()
                .map_err(|rule| unprintable("idempotencyKey", rule))?,
        }))
    }
}

fn quantity(text: &str) -> Result<Quantity, Invalid> {
    let number = text.parse().map_err(|_| OutOfRange);
    number.and_then(Quantity::new).map_err(|rule| Invalid {
        field: "quantity".to_owned(),
        rule: rule.to_string(),
    })
}

fn unprintable(field: &str, rule: NotPrintable) -> Invalid {
    Invalid {
        field: field.to_owned(),
        rule: rule.to_string(),
    }
}

/// Splits lines into values, in the same memory.
struct Splitter {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Splitter {
    fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(Terminator::Any(b'\n'))
                .build(),
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The values of a line, which has no line feed.
    fn split(&mut self, line: &[u8]) -> Result<Vec<&str>, RowError> {
        let room = line.len() + 1;
        self.text.resize(self.text.len().max(room), 0);
        self.ends.resize(self.ends.len().max(room), 0);
        self.reader.reset();
        let (_, _, text, values) = self
            .reader
            .read_record(line, &mut self.text, &mut self.ends);
        // Only within quotes is the line feed no end.
        let (result, _, _, last) = self.reader.read_record(
            b"\n",
            self.text.get_mut(text..).unwrap_or_default(),
            self.ends.get_mut(values..).unwrap_or_default(),
        );
        if result != ReadRecordResult::Record {
            return Err(RowError::OpenQuote);
        }
        let ends = self.ends.get(..values + last).unwrap_or_default();
        let begins = std::iter::once(&0).chain(ends);
        let values = begins.zip(ends).map(|(begin, end)| {
            let value = self.text.get(*begin..*end).unwrap_or_default();
            std::str::from_utf8(value).map_err(|_| RowError::NotUtf8)
        });
        values.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(header: &str) -> CsvRows {
        CsvRows::below(header.as_bytes()).unwrap()
    }

    fn json(rows: &mut CsvRows, line: &str) -> String {
        let row = rows.row(line.as_bytes()).unwrap().unwrap();
        serde_json::to_string(&row).unwrap()
    }

    fn refusal(line: &[u8]) -> String {
        let mut rows = rows("clientId,productId,quantity,idempotencyKey");
        rows.row(line).unwrap_err().to_string()
    }

    #[test]
    fn columns_come_in_any_order_and_those_that_are_optional_may_be_empty() {
        let mut rows = rows("quantity,product,client,idempotencyKey");
        assert_eq!(
            json(&mut rows, "3,abc,42,k1"),
            r#"{"clientId":"42","productId":"abc","quantity":3,"idempotencyKey":"k1"}"#
        );
        assert_eq!(
            json(&mut rows, ",abc,42,"),
            r#"{"clientId":"42","productId":"abc","quantity":1}"#
        );
    }

    #[test]
    fn quotes_hold_what_would_part_values_and_values_stay_as_they_are() {
        let mut rows = rows("clientId,productId");
        assert_eq!(
            json(&mut rows, r#""a, b"," ""x"" ü ""#),
            r#"{"clientId":"a, b","productId":" \"x\" ü ","quantity":1}"#
        );
    }

    #[test]
    fn semicolons_and_tabs_part_values_where_they_part_the_names() {
        for mut rows in [rows("clientId;productId"), rows("clientId\tproductId")] {
            let delimiter = if rows.row(b"a,b;c").is_ok() {
                ";"
            } else {
                "\t"
            };
            let row = json(&mut rows, &format!("a,b{delimiter}c"));
            assert_eq!(row, r#"{"clientId":"a,b","productId":"c","quantity":1}"#);
        }
    }

    #[test]
    fn a_reason_of_an_earlier_run_is_not_read() {
        let mut rows = rows("clientId,productId,quantity,idempotencyKey,reason");
        assert!(rows.have_reasons());
        assert_eq!(
            json(&mut rows, "42,abc,1,k,no"),
            r#"{"clientId":"42","productId":"abc","quantity":1,"idempotencyKey":"k"}"#
        );
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
                "quantity must be a whole number from 1 to 1000000",
            ),
            (
                b"42,abc, 1,",
                "quantity must be a whole number from 1 to 1000000",
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
        let mut rows = rows("clientId,productId");
        assert!(rows.row(b"\"42,abc").is_err());
        assert_eq!(
            json(&mut rows, "42,abc"),
            r#"{"clientId":"42","productId":"abc","quantity":1}"#
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
            let Err(Unfit::Header(said)) = CsvRows::below(header.as_bytes()) else {
                panic!("{header} is taken");
            };
            assert_eq!(said, message);
        }
    }
}
