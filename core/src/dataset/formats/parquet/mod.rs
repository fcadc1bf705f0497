//! Parquet, as the hubs of data sets ship images: a column of encoded pictures (`image` or `img`, each `{bytes, path}`) and one of labels.
//! `train-00000-of-00002.parquet` finds its other parts and those of the test set beside it; a folder is searched for them.
//!
//! Read is what such files have: pages of both versions, plain and with dictionaries, packed with Snappy, gzip, Zstandard or not at all.

mod footer;
mod pages;
mod set;
mod thrift;

use super::{Format, Reader, found::Found, only};

pub(super) const FORMAT: Format = Format {
    name: "parquet",
    usage: "parquet:FILE",
    about: "Parquet of a data set hub: a column of PNG or JPEG pictures, and one of labels",
    sniff: |found: &Found| {
        found.start.starts_with(b"PAR1") || found.folder && found.inside.iter().any(|name| name.ends_with(".parquet"))
    },
    read: Reader::Pictures(|paths| set::read(only(paths)?)),
};
