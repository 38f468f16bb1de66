//! A column of numbers out of text: a number a line, or one column of a table.

/// Which numbers of a text are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    /// A number a line; blank lines and lines that begin with # are left out.
    Only,
    /// The column of a table with this header.
    Named(&'a str),
    /// The column at this position, counted from 1; a header above it is left out.
    At(usize),
}

/// Why a text has no such column of numbers.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ColumnError {
    #[error("line {line}: {text:?} is not a number{hint}")]
    NotANumber {
        line: u64,
        text: String,
        hint: &'static str,
    },
    #[error("no column is named {wanted:?}; there are {}", .there.join(", "))]
    NoName { wanted: String, there: Vec<String> },
    #[error("{count} columns are named {name:?}; give its number instead, counted from 1")]
    Ambiguous { name: String, count: usize },
    #[error("columns are counted from 1")]
    Zero,
    #[error("line {line} has {found} columns, column {wanted} is asked for")]
    TooShort {
        line: u64,
        found: usize,
        wanted: usize,
    },
    #[error("there is no table: no line that is not blank or a comment")]
    Empty,
    #[error("not a readable table: {0}")]
    Csv(String),
}

/// Why text would not be a number: the two mistakes that are likely.
fn hint(text: &str, line: u64) -> &'static str {
    if text.contains([',', ';', '\t']) {
        "; a column of a table is chosen with --column"
    } else if line == 1 {
        "; a header is named with --column"
    } else {
        ""
    }
}

/// Reads the numbers of a column, in order.
pub(crate) fn parse(text: &str, column: Column<'_>) -> Result<Vec<f64>, ColumnError> {
    match column {
        Column::Only => lines(text),
        Column::Named(name) => table(text, |header| {
            let count = header.iter().filter(|field| *field == name).count();
            match header.iter().position(|field| field == name) {
                Some(place) if count == 1 => Ok((place, true)),
                Some(_) => Err(ColumnError::Ambiguous {
                    name: name.to_owned(),
                    count,
                }),
                None => Err(ColumnError::NoName {
                    wanted: name.to_owned(),
                    there: header.iter().map(str::to_owned).collect(),
                }),
            }
        }),
        Column::At(0) => Err(ColumnError::Zero),
        Column::At(number) => table(text, |first| {
            let header = first
                .get(number - 1)
                .is_some_and(|field| field.parse::<f64>().is_err());
            Ok((number - 1, header))
        }),
    }
}

fn lines(text: &str) -> Result<Vec<f64>, ColumnError> {
    (1..)
        .zip(text.lines().map(str::trim))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            line.parse().map_err(|_| ColumnError::NotANumber {
                line: number,
                text: line.to_owned(),
                hint: hint(line, number),
            })
        })
        .collect()
}

/// Reads a table; `choose` gets its first record and says which field counts and whether that
/// record is a header.
fn table(
    text: &str,
    choose: impl FnOnce(&csv::StringRecord) -> Result<(usize, bool), ColumnError>,
) -> Result<Vec<f64>, ColumnError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records().map(|record| {
        let record = record.map_err(|e| ColumnError::Csv(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        Ok((record, line))
    });
    let Some(first) = records.next().transpose()? else {
        return Err(ColumnError::Empty);
    };
    let (place, header) = choose(&first.0)?;
    let first = (!header).then_some(Ok(first));
    first
        .into_iter()
        .chain(records)
        .map(|record| {
            let (record, line) = record?;
            let field = record.get(place).ok_or(ColumnError::TooShort {
                line,
                found: record.len(),
                wanted: place + 1,
            })?;
            field.parse().map_err(|_| ColumnError::NotANumber {
                line,
                text: field.to_owned(),
                hint: "",
            })
        })
        .collect()
}

/// Comma, semicolon or tab, whichever the first line with content has most of.
fn delimiter(text: &str) -> u8 {
    let content = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let line = text.lines().find(content).unwrap_or_default();
    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|&delimiter| count(delimiter))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# made up\nclass,distance\n0,1.5\n\"1\", -2e3\n";

    #[test]
    fn comments_and_blank_lines_are_left_out() {
        assert_eq!(
            parse("# distances\n1\n\n -2.5e3 \n", Column::Only),
            Ok(vec![1.0, -2500.0])
        );
    }

    #[test]
    fn a_column_is_found_by_name_and_by_number() {
        let wanted = Ok(vec![1.5, -2000.0]);
        for table in [
            TABLE.to_owned(),
            TABLE.replace(',', ";"),
            TABLE.replace(',', "\t"),
        ] {
            assert_eq!(parse(&table, Column::Named("distance")), wanted);
            assert_eq!(parse(&table, Column::At(2)), wanted);
        }
        assert_eq!(parse("0,1.5\n1,-2000\n", Column::At(2)), wanted);
        assert_eq!(
            parse("distance\n1.5\n-2000\n", Column::Named("distance")),
            wanted
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let says = |text, column| match parse(text, column) {
            Err(error) => error.to_string(),
            Ok(numbers) => format!("{numbers:?}"),
        };
        for (text, column, part) in [
            (
                "1\n\ntwo\n",
                Column::Only,
                "line 3: \"two\" is not a number",
            ),
            (
                "distance\n1\n",
                Column::Only,
                "a header is named with --column",
            ),
            ("1,2\n", Column::Only, "chosen with --column"),
            (TABLE, Column::Named("size"), "class, distance"),
            ("a,a\n1,2\n", Column::Named("a"), "2 columns are named"),
            (TABLE, Column::At(0), "counted from 1"),
            ("1,2\n3\n", Column::At(2), "line 2 has 1 columns"),
            ("a,b\n1,\n", Column::At(2), "line 2: \"\" is not a number"),
            ("# nothing\n", Column::At(1), "there is no table"),
        ] {
            let found = says(text, column);
            assert!(found.contains(part), "{text:?}: {found}");
        }
    }
}
