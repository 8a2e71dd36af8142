//! The cache, asked by hand: one connection, no library's time in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

pub(crate) struct Cache {
    reader: BufReader<TcpStream>,
}

impl Cache {
    /// A connection to the server on `port`, unless none is there.
    pub(crate) fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::new(stream),
        })
    }

    /// Runs one command; gives its answer as text, unless it is nothing. Of several answers in one,
    /// the last counts.
    pub(crate) fn run(&mut self, words: &[&str]) -> std::io::Result<Option<String>> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        match line.split_at(1) {
            ("+" | ":", text) => Ok(Some(text.to_owned())),
            ("$", "-1") => Ok(None),
            ("$", length) => {
                let length: usize = length.parse().map_err(std::io::Error::other)?;
                let mut text = vec![0; length + 2];
                self.reader.read_exact(&mut text)?;
                text.truncate(length);
                String::from_utf8(text)
                    .map(Some)
                    .map_err(std::io::Error::other)
            }
            ("*", count) => {
                let count: usize = count.parse().map_err(std::io::Error::other)?;
                (0..count).try_fold(None, |_, _| self.answer())
            }
            _ => Err(std::io::Error::other(line.to_owned())),
        }
    }

    /// The version of an order in the read model.
    pub(crate) fn has_order(&mut self, id: &str) -> bool {
        let key = format!("orders:v1:order:{id}");
        self.run(&["HGET", &key, "v"]).unwrap().is_some()
    }

    /// How many orders the read model has.
    pub(crate) fn orders(&mut self) -> std::io::Result<usize> {
        let count = self.run(&["ZCARD", "orders:v1:all"])?;
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }
}
