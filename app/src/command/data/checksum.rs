//! The checksum of a file, by which damage is told.

use std::{fs::File, io, path::Path};

use md5::{Digest as _, Md5};

/// MD5 of a file, in hexadecimal.
pub(super) fn of_file(path: &Path) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 16];
    loop {
        let read = io::Read::read(&mut file, &mut block)?;
        if read == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&block[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        // RFC 1321, section A.5.
        for (text, md5) in [("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(of_file(&path).unwrap(), md5);
        }
    }
}
