//! Small ELF files, made byte by byte, so that the tests do not depend on this machine's linker.

use object::elf;

use crate::package::Architecture;

/// An executable for the tests: what it says of itself, without any code.
pub(crate) struct Fixture {
    pub(crate) architecture: Architecture,
    pub(crate) file_type: u16,
    pub(crate) interpreter: Option<&'static str>,
    pub(crate) needed: Vec<&'static str>,
    /// Symbols of libc with their versions, and whether the version is marked weak.
    pub(crate) symbols: Vec<(&'static str, &'static str, bool)>,
    pub(crate) soname: Option<&'static str>,
    pub(crate) pie_flag: bool,
    pub(crate) sections: bool,
}

/// A position-independent executable that the runtime can start.
impl Default for Fixture {
    fn default() -> Self {
        Self {
            architecture: Architecture::X86_64,
            file_type: elf::ET_DYN.0,
            interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
            needed: vec!["libc.so.6", "libgcc_s.so.1"],
            symbols: vec![
                ("malloc", "GLIBC_2.2.5", false),
                ("pthread_create", "GLIBC_2.34", false),
            ],
            soname: None,
            pie_flag: true,
            sections: true,
        }
    }
}

/// A string table that hands out offsets.
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        let offset = self.0.len() as u32;
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        offset
    }
}

fn words(values: &[u64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

impl Fixture {
    fn is_dynamic(&self) -> bool {
        !self.needed.is_empty() || self.soname.is_some() || self.pie_flag
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut strings = Strings(vec![0]);
        let mut dynamic = Vec::new();
        for name in &self.needed {
            dynamic.extend(words(&[1, strings.add(name).into()]));
        }
        if let Some(name) = self.soname {
            dynamic.extend(words(&[14, strings.add(name).into()]));
        }
        if self.pie_flag {
            dynamic.extend(words(&[0x6fff_fffb, 0x0800_0000]));
        }
        if !self.symbols.is_empty() {
            dynamic.extend(words(&[0x6fff_fffe, 0]));
        }
        dynamic.extend(words(&[0, 0]));

        let mut symbols = vec![0; 24];
        let mut versions = vec![0; 2];
        let libc = strings.add("libc.so.6");
        let mut needs = Vec::new();
        needs.extend(1_u16.to_le_bytes());
        needs.extend((self.symbols.len() as u16).to_le_bytes());
        for word in [libc, 16, 0] {
            needs.extend(word.to_le_bytes());
        }
        for (i, (symbol, version, weak)) in self.symbols.iter().enumerate() {
            let index = i as u16 + 2;
            symbols.extend(strings.add(symbol).to_le_bytes());
            symbols.extend([0x12, 0, 0, 0]);
            symbols.extend([0; 16]);
            versions.extend(index.to_le_bytes());
            let last = i + 1 == self.symbols.len();
            needs.extend(0_u32.to_le_bytes());
            needs.extend(if *weak { 2_u16 } else { 0 }.to_le_bytes());
            needs.extend(index.to_le_bytes());
            needs.extend(strings.add(version).to_le_bytes());
            needs.extend(if last { 0_u32 } else { 16 }.to_le_bytes());
        }

        let mut interpreter = self.interpreter.unwrap_or_default().as_bytes().to_vec();
        interpreter.push(0);
        let headers = 1 + usize::from(self.interpreter.is_some()) + usize::from(self.is_dynamic());
        let mut file = vec![0; 64 + 56 * headers];
        let mut place = |bytes: &[u8]| -> (u64, u64) {
            file.resize(file.len().next_multiple_of(8), 0);
            let offset = file.len() as u64;
            file.extend_from_slice(bytes);
            (offset, bytes.len() as u64)
        };
        let interpreter = place(&interpreter);
        let strings = place(&strings.0);
        let symbols = place(&symbols);
        let versions = place(&versions);
        let needs = place(&needs);
        let dynamic = place(&dynamic);
        let (section_headers, _) = place(&[]);

        if self.sections {
            let mut section =
                |kind: u32, (offset, size): (u64, u64), link: u32, info: u32, entry: u64| {
                    for word in [0, kind] {
                        file.extend(word.to_le_bytes());
                    }
                    file.extend(words(&[0, 0, offset, size]));
                    for word in [link, info] {
                        file.extend(word.to_le_bytes());
                    }
                    file.extend(words(&[1, entry]));
                };
            section(0, (0, 0), 0, 0, 0);
            section(3, strings, 0, 0, 0);
            if self.is_dynamic() {
                section(11, symbols, 1, 1, 24);
                section(6, dynamic, 1, 0, 16);
            }
            if !self.symbols.is_empty() {
                section(0x6fff_ffff, versions, 2, 0, 2);
                section(0x6fff_fffe, needs, 1, 1, 0);
            }
        }
        let sections = (file.len() as u64 - section_headers) / 64;
        let length = file.len() as u64;

        let machine = match self.architecture {
            Architecture::Arm64 => elf::EM_AARCH64,
            Architecture::X86_64 => elf::EM_X86_64,
        };
        let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend(self.file_type.to_le_bytes());
        header.extend(machine.0.to_le_bytes());
        header.extend(1_u32.to_le_bytes());
        header.extend(words(&[
            0,
            64,
            if sections > 0 { section_headers } else { 0 },
        ]));
        header.extend(0_u32.to_le_bytes());
        let names = u16::from(sections > 0);
        for half in [64, 56, headers as u16, 64, sections as u16, names] {
            header.extend(half.to_le_bytes());
        }
        let mut segment = |kind: u32, (offset, size): (u64, u64)| {
            header.extend(kind.to_le_bytes());
            header.extend(4_u32.to_le_bytes());
            header.extend(words(&[offset, offset, offset, size, size, 1]));
        };
        segment(1, (0, length));
        if self.interpreter.is_some() {
            segment(3, interpreter);
        }
        if self.is_dynamic() {
            segment(2, dynamic);
        }
        file[..header.len()].copy_from_slice(&header);
        file
    }
}
