//! Rows of CSV: the first line names the columns, each other line is an order.

use orders::command::CreateOrder;
use orders::error::Invalid;
use orders::ids::{ClientId, NotPrintable, ProductId};
use orders::order::{OutOfRange, Quantity};

use super::csv::split;
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
    delimiter: char,
    columns: Vec<Column>,
}

impl CsvRows {
    /// Takes the line that names the columns.
    pub(super) fn below(header: &[u8]) -> Result<Self, Unfit> {
        // Where the comma is the decimal sign, spreadsheets write semicolons.
        let delimiter = header.iter().find(|byte| b",;\t".contains(byte));
        let delimiter = delimiter.map_or(',', |byte| char::from(*byte));
        let names = text(header)
            .and_then(|header| split(header, delimiter))
            .map_err(|error| Unfit::Header(format!("it {error}")))?;
        let mut columns = Vec::new();
        for name in &names {
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
        Ok(Self { delimiter, columns })
    }

    /// Whether the columns are those of rows that failed in an earlier run.
    pub(super) fn have_reasons(&self) -> bool {
        self.columns.contains(&Column::Reason)
    }

    /// The order in a line; none where all its values are empty.
    pub(super) fn row(&self, line: &[u8]) -> Result<Option<CreateOrder>, RowError> {
        let columns = self.columns.len();
        let values = split(text(line)?, self.delimiter)?;
        if values.iter().all(String::is_empty) {
            return Ok(None);
        }
        if values.len() != columns {
            let fields = values.len();
            return Err(RowError::Fields { fields, columns });
        }
        let value = |column: Column| {
            let at = self.columns.iter().position(|c| *c == column)?;
            values.get(at).filter(|value| !value.is_empty())
        };
        let value = |column| value(column).map(String::as_str);
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

fn text(line: &[u8]) -> Result<&str, RowError> {
    std::str::from_utf8(line).map_err(|_| RowError::NotUtf8)
}

/// Digits alone, as JSON has them: what `+1` or `007` means is not guessed.
fn quantity(text: &str) -> Result<Quantity, Invalid> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| plain).ok_or(OutOfRange);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(header: &str) -> CsvRows {
        CsvRows::below(header.as_bytes()).unwrap()
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
            r#"{"clientId":"42","productId":"abc","quantity":1}"#
        );
    }

    #[test]
    fn quotes_hold_what_would_part_values_and_values_stay_as_they_are() {
        let rows = rows("clientId,productId");
        assert_eq!(
            json(&rows, r#""a, b"," ""x"" ü ""#),
            r#"{"clientId":"a, b","productId":" \"x\" ü ","quantity":1}"#
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
            assert_eq!(row, r#"{"clientId":"a,b","productId":"c","quantity":1}"#);
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
                b"42,abc,\" 1\",",
                "quantity must be a whole number from 1 to 1000000",
            ),
            (
                b"42,abc,+1,",
                "quantity must be a whole number from 1 to 1000000",
            ),
            (
                b"42,abc,007,",
                "quantity must be a whole number from 1 to 1000000",
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
