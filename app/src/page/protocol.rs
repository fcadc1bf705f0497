//! What goes between the page and its worker: a head in MessagePack, and blobs of bytes beside it, which are handed over, not copied.

use std::path::PathBuf;

use gairat::{
    checkpoint::ResumeState,
    dataset::{Dataset, SampleShape, Samples, Source},
    files::memory::{Change, Content},
    metrics::EpochMetrics,
    session::{Ending, Event, Judging, Look, Trial, View},
    settings::Settings,
};
use js_sys::{Array, Uint8Array};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::live::{Message, Origin, Ready, Rewound};

/// What the page wants of its worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Start this run behind this gate, with the files that the page has the bytes of; some may be coming.
    Start { run: u64, gate: u64, member: usize, settings: Settings, origin: Beginning, files: Named, coming: bool },
    /// What was coming for this run is stored, but for these files.
    Came(u64, Named),
    /// Make a view of a run.
    Look(u64, Look),
    /// Go on with these settings.
    Change(u64, Settings),
    /// Judge its network as it is.
    Judge(u64, Trial),
    /// Judge no more.
    StopJudging(u64),
    /// Save where it is.
    Save(u64),
    /// Save and stop.
    Stop(u64),
    /// Something at a gate.
    Gate(u64, AtGate),
}

/// What is done at a gate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum AtGate {
    Open { playing: bool, speed: f64, members: usize },
    Play(bool),
    PlayUntil(u64),
    OneStep,
    Speed(f64),
    Leave(usize),
}

/// How many pixels are sent at once: what a page takes in within a few milliseconds.
const SLICE: usize = 1 << 20;

/// Files by their names; there is a blob for each that comes with its bytes.
pub(super) type Named = Vec<(PathBuf, Kind)>;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Bytes,
    Stored,
    Removed,
}

/// Where a run begins.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Beginning {
    Fresh(PathBuf),
    Folder(PathBuf),
    State(Rewound),
}

impl Beginning {
    pub(super) fn of(origin: &Origin) -> Self {
        match origin {
            Origin::Fresh(root) => Self::Fresh(root.clone()),
            Origin::Folder(folder) => Self::Folder(folder.clone()),
            Origin::State(rewound) => Self::State(rewound.clone()),
        }
    }

    pub(super) fn origin(self) -> Origin {
        match self {
            Self::Fresh(root) => Origin::Fresh(root),
            Self::Folder(folder) => Origin::Folder(folder),
            Self::State(rewound) => Origin::State(rewound),
        }
    }
}

/// What the worker tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Told {
    /// The module has started.
    Here,
    /// Files were written or removed.
    Files(Named),
    /// Something to be read by the person, and whether it is bad.
    Words(String, bool),
    /// A slice of the pixels of a part of a run's data, which has so many numbers in all; there is one blob.
    Pixels {
        run: u64,
        part: usize,
        numbers: usize,
    },
    /// A run told something; so many steps were granted at its gate.
    Message {
        run: u64,
        message: Letter,
        granted: u64,
    },
    View {
        run: u64,
        view: View,
        granted: u64,
    },
    /// A run is over.
    Over(u64),
    /// The worker cannot go on.
    Fault(String),
}

/// A message of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Letter {
    /// After the pixels of the training, the validation and the test part, which go ahead in slices.
    Ready {
        source: Source,
        shape: SampleShape,
        classes: usize,
        parts: [(Vec<u32>, Vec<u32>); 3],
        device: String,
        software: bool,
        why: String,
        folder: PathBuf,
        metrics: Vec<EpochMetrics>,
    },
    Event(Event),
    Judging(Judging),
    Kept(ResumeState),
    Ended(Ending),
    Failed(String),
}

impl Letter {
    /// The letter; `slice` is told of all pixels before, by their part and how many numbers that has.
    pub(super) fn of(message: Message, mut slice: impl FnMut(usize, usize, Vec<u8>)) -> Self {
        match message {
            Message::Ready(ready) => {
                let dataset = &ready.dataset;
                let parts = [&dataset.train, &dataset.validation, &dataset.test];
                for (place, part) in parts.into_iter().enumerate() {
                    for pixels in part.pixels.chunks(SLICE) {
                        slice(place, part.pixels.len(), pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect());
                    }
                }
                let parts = parts.map(|part| (part.labels.clone(), part.rows.clone()));
                Self::Ready {
                    source: dataset.source.clone(),
                    shape: dataset.shape,
                    classes: dataset.classes,
                    parts,
                    device: ready.device,
                    software: ready.software,
                    why: ready.why,
                    folder: ready.folder,
                    metrics: ready.metrics,
                }
            }
            Message::Event(event) => Self::Event(event),
            Message::Judging(told) => Self::Judging(told),
            Message::Kept(state) => Self::Kept(ResumeState::clone(&state)),
            Message::Ended(ending) => Self::Ended(ending),
            Message::Failed(what) => Self::Failed(what),
        }
    }

    /// The message, with the pixels that came before it.
    pub(super) fn message(self, pixels: [Vec<f32>; 3]) -> Message {
        match self {
            Self::Ready { source, shape, classes, parts, device, software, why, folder, metrics } => {
                let mut pixels = pixels.into_iter();
                let [train, validation, test] = parts.map(|(labels, rows)| {
                    let pixels = pixels.next().unwrap_or_default();
                    Samples { pixels, labels, rows }
                });
                let dataset =
                    Dataset { source, shape, classes, train, validation, test, notes: Vec::new(), about: String::new() }.into();
                Message::Ready(Ready { dataset, device, software, shared: false, why, folder, metrics })
            }
            Self::Event(event) => Message::Event(event),
            Self::Judging(told) => Message::Judging(told),
            Self::Kept(state) => Message::Kept(state.into()),
            Self::Ended(ending) => Message::Ended(ending),
            Self::Failed(what) => Message::Failed(what),
        }
    }
}

/// Files as they are told of, and their blobs.
pub(super) fn changes_told(changes: Vec<Change>) -> (Named, Vec<Vec<u8>>) {
    let mut blobs = Vec::new();
    let named = changes.into_iter().map(|Change { path, content }| {
        let kind = match content {
            Content::Bytes(bytes) => {
                blobs.push(bytes.to_vec());
                Kind::Bytes
            }
            Content::Stored => Kind::Stored,
            Content::Removed => Kind::Removed,
        };
        (path, kind)
    });
    (named.collect(), blobs)
}

/// And back.
pub(super) fn changes_heard(named: Named, blobs: Vec<Vec<u8>>) -> Vec<Change> {
    let mut blobs = blobs.into_iter();
    let mut content = |kind| match kind {
        // There is one for each.
        Kind::Bytes => Content::Bytes(blobs.next().unwrap_or_default().into()),
        Kind::Stored => Content::Stored,
        Kind::Removed => Content::Removed,
    };
    named.into_iter().map(|(path, kind)| Change { path, content: content(kind) }).collect()
}

/// Packs a head and its blobs; `post` gets them with the list of what is handed over.
pub(super) fn send(head: &impl Serialize, blobs: Vec<Vec<u8>>, post: impl FnOnce(&JsValue, &JsValue)) {
    // All that is sent is plain data, which MessagePack can hold.
    let Ok(head) = rmp_serde::to_vec_named(head) else { return };
    let parcel = Array::new();
    let handed_over = Array::new();
    for bytes in std::iter::once(head).chain(blobs) {
        let bytes = Uint8Array::from(bytes.as_slice());
        handed_over.push(&bytes.buffer());
        parcel.push(&bytes);
    }
    post(&parcel, &handed_over);
}

/// Unpacks what was sent; `None` for what was not sent by [`send`].
pub(super) fn receive<T: DeserializeOwned>(parcel: &JsValue) -> Option<(T, Vec<Vec<u8>>)> {
    let parcel: &Array = parcel.dyn_ref()?;
    let mut parts = parcel.iter().map(|part| part.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec));
    let head = parts.next()??;
    let blobs = parts.collect::<Option<Vec<_>>>()?;
    rmp_serde::from_slice(&head).ok().map(|head| (head, blobs))
}
