//! Parquet, as the hubs of data sets ship them: recognised, and refused with the way out.
//!
//! The crate that reads it needs features of crates that the tensor library is built on, and a third of a megabyte that every page would
//! load; pandas turns such a file into one that is read here.

use super::{Format, Reader, found::Found, only};
use crate::dataset::DatasetError;

pub(super) const FORMAT: Format = Format {
    name: "parquet",
    usage: "parquet:FILE",
    about: "Parquet (recognised, with the lines of Python that turn it into NPZ)",
    sniff: |found: &Found| {
        found.start.starts_with(b"PAR1") || found.folder && found.inside.iter().any(|name| name.ends_with(".parquet"))
    },
    read: Reader::Bytes(|paths| {
        let expected = "NPZ: in Python `import io, numpy, pandas; from PIL import Image; t = pandas.read_parquet('FILE'); \
                        x = numpy.stack([numpy.array(Image.open(io.BytesIO(i['bytes']))) for i in t['image']]); \
                        numpy.savez_compressed('data.npz', x=x, y=t['label'])` (CIFAR: `img`, `fine_label`)";
        Err(DatasetError::malformed(only(paths)?, "is Parquet, which is not read here", expected))
    }),
};
