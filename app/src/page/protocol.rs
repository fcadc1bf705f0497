//! What goes between the page and its worker: a head in MessagePack, and blobs of bytes beside it, which are handed over, not copied. The
//! many numbers that a worker tells go ahead of their head in slices of their own: MessagePack reads them one by one, and a page has to
//! answer in between.

use std::{path::PathBuf, sync::Arc};

use bytemuck::allocation::cast_vec;
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

/// How many numbers are sent at once: what a page takes in within a few milliseconds.
const SLICE: usize = 1 << 18;

/// Numbers of four bytes, part by part: pixels, labels, weights.
pub(super) type Numbers = Vec<Vec<u32>>;

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
    /// With blobs of the numbers of a state.
    pub(super) fn of(origin: &Origin) -> (Self, Vec<Vec<u8>>) {
        match origin {
            Origin::Fresh(root) => (Self::Fresh(root.clone()), Vec::new()),
            Origin::Folder(folder) => (Self::Folder(folder.clone()), Vec::new()),
            Origin::State(rewound) => {
                let mut rewound = rewound.clone();
                let blobs = vectors(&mut rewound.state).into_iter().map(|numbers| bytes(&std::mem::take(numbers)));
                let blobs = blobs.collect();
                (Self::State(rewound), blobs)
            }
        }
    }

    pub(super) fn origin(self, blobs: impl Iterator<Item = Vec<u8>>) -> Origin {
        match self {
            Self::Fresh(root) => Origin::Fresh(root),
            Self::Folder(folder) => Origin::Folder(folder),
            Self::State(mut rewound) => {
                for (vector, blob) in vectors(&mut rewound.state).into_iter().zip(blobs) {
                    *vector = words(&blob).map(f32::from_bits).collect();
                }
                Origin::State(rewound)
            }
        }
    }
}

/// All that is long in a state.
fn vectors(state: &mut ResumeState) -> Vec<&mut Vec<f32>> {
    let weights = state.weights.values_mut().map(|tensor| &mut tensor.values);
    let average = state.average.values_mut().map(|tensor| &mut tensor.values);
    weights.chain(average).chain(&mut state.velocities).chain([&mut state.measured, &mut state.memory]).collect()
}

fn bytes(numbers: &[impl bytemuck::NoUninit]) -> Vec<u8> {
    // The page and its worker are one machine.
    bytemuck::cast_slice(numbers).to_vec()
}

/// The numbers in a blob.
pub(super) fn words(blob: &[u8]) -> impl Iterator<Item = u32> {
    blob.as_chunks().0.iter().map(|word| u32::from_ne_bytes(*word))
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
    /// A slice of a part of the numbers of the message that follows, which has so many in all; there is one blob.
    Numbers {
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

/// A message of a run, without its numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Letter {
    /// The numbers are pixels, labels and rows of the training, the validation and the test part.
    Ready {
        source: Source,
        shape: SampleShape,
        classes: usize,
        device: String,
        software: bool,
        why: String,
        folder: PathBuf,
        metrics: Vec<EpochMetrics>,
    },
    Event(Event),
    Judging(Judging),
    /// The numbers are the state's vectors.
    Kept(ResumeState),
    Ended(Ending),
    Failed(String),
}

impl Letter {
    /// The letter; `slice` is told of all numbers before, by their part and how many that has.
    pub(super) fn of(message: Message, mut slice: impl FnMut(usize, usize, Vec<u8>)) -> Self {
        let mut ahead = |part: usize, numbers: &[u32]| {
            for some in numbers.chunks(SLICE) {
                slice(part, numbers.len(), bytes(some));
            }
        };
        match message {
            Message::Ready(ready) => {
                let dataset = &ready.dataset;
                for (place, part) in [&dataset.train, &dataset.validation, &dataset.test].into_iter().enumerate() {
                    ahead(3 * place, bytemuck::cast_slice(&part.pixels));
                    ahead(3 * place + 1, &part.labels);
                    ahead(3 * place + 2, &part.rows);
                }
                Self::Ready {
                    source: dataset.source.clone(),
                    shape: dataset.shape,
                    classes: dataset.classes,
                    device: ready.device,
                    software: ready.software,
                    why: ready.why,
                    folder: ready.folder,
                    metrics: ready.metrics,
                }
            }
            Message::Event(event) => Self::Event(event),
            Message::Judging(told) => Self::Judging(told),
            Message::Kept(state) => {
                let mut state = Arc::unwrap_or_clone(state);
                for (part, vector) in vectors(&mut state).into_iter().enumerate() {
                    ahead(part, bytemuck::cast_slice(&std::mem::take(vector)));
                }
                Self::Kept(state)
            }
            Message::Ended(ending) => Self::Ended(ending),
            Message::Failed(what) => Self::Failed(what),
        }
    }

    /// The message, with the numbers that came before it.
    pub(super) fn message(self, numbers: Numbers) -> Message {
        let mut numbers = numbers.into_iter();
        let mut whole = || numbers.next().unwrap_or_default();
        match self {
            Self::Ready { source, shape, classes, device, software, why, folder, metrics } => {
                let [train, validation, test] =
                    [(); 3].map(|()| Samples { pixels: cast_vec(whole()), labels: whole(), rows: whole() });
                let dataset =
                    Dataset { source, shape, classes, train, validation, test, notes: Vec::new(), about: String::new() }.into();
                Message::Ready(Ready { dataset, device, software, shared: false, why, folder, metrics })
            }
            Self::Event(event) => Message::Event(event),
            Self::Judging(told) => Message::Judging(told),
            Self::Kept(mut state) => {
                vectors(&mut state).into_iter().for_each(|vector| *vector = cast_vec(whole()));
                Message::Kept(state.into())
            }
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

/// And back; takes as many of the blobs as belong to them.
pub(super) fn changes_heard(named: Named, blobs: &mut impl Iterator<Item = Vec<u8>>) -> Vec<Change> {
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
