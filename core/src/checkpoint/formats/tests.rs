//! The fixtures are what PyTorch wrote: `tests/checkpoints_in_pytorch.py --fixtures` makes them again.

use super::*;

/// A fixture, embedded.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/", $name)).as_slice()
    };
}

/// `torch.arange(n) / 8` in this shape.
fn eighths(shape: &[usize]) -> NamedTensor {
    let count = shape.iter().product::<usize>();
    NamedTensor { shape: shape.to_vec(), values: (0..count).map(|place| place as f32 / 8.0).collect() }
}

fn plain() -> Vec<(String, NamedTensor)> {
    let tensors: [(&str, &[usize]); 4] = [("0.weight", &[3, 2]), ("0.bias", &[3]), ("2.weight", &[2, 3]), ("2.bias", &[2])];
    tensors.map(|(name, shape)| (name.to_owned(), eighths(shape))).to_vec()
}

#[test]
fn every_way_of_saving_gives_the_same_numbers_in_the_same_order() {
    for (bytes, title, converted) in [
        (fixture!("plain.pth"), "PyTorch zip", None),
        (fixture!("protocol_4.pth"), "PyTorch zip", None),
        (fixture!("legacy.pth"), "PyTorch before 1.6", None),
        (fixture!("half.pth"), "PyTorch zip", Some("float16")),
        (fixture!("bfloat16.pth"), "PyTorch zip", Some("bfloat16")),
        (fixture!("double_legacy.pth"), "PyTorch before 1.6", Some("float64")),
    ] {
        let (format, container) = read(bytes).unwrap();
        assert_eq!(format.title, title);
        assert_eq!(container.converted, Vec::from_iter(converted), "{title}");
        assert_eq!(container.tensors, plain(), "{title}, {converted:?}");
    }
}

#[test]
fn a_view_is_read_through_its_offset_and_strides() {
    let (_, container) = read(fixture!("views.pth")).unwrap();
    // Of a storage of 2 x 20 with the numbers place / 8: see the script.
    let of = |shape: &[usize], places: &[u8]| NamedTensor {
        shape: shape.to_vec(),
        values: places.iter().map(|place| f32::from(*place) / 8.0).collect(),
    };
    let expected = [
        ("0.weight", of(&[3, 2], &[4, 7, 5, 8, 6, 9])),
        ("0.bias", of(&[3], &[21, 22, 23])),
        ("2.weight", of(&[2, 3], &[0, 7, 14, 20, 27, 34])),
        ("2.bias", of(&[2], &[3, 4])),
    ];
    assert_eq!(container.tensors, expected.map(|(name, tensor)| (name.to_owned(), tensor)));
}

#[test]
fn the_network_is_found_beside_an_optimiser_and_an_average() {
    let (_, container) = read(fixture!("checkpoint.pth")).unwrap();
    assert_eq!(container.found_under.as_deref(), Some("net"));
    assert_eq!(container.beside, ["ema"]);
    let names: Vec<&str> = container.tensors.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["module.0.weight", "module.0.bias", "module.2.weight", "module.2.bias"]);
}

#[test]
fn what_is_no_plain_weights_is_named_and_nothing_of_it_runs() {
    for (bytes, found, expected) in [
        (fixture!("hostile.pth"), "a `posix.system`", "torch.save(model.state_dict(), FILE)"),
        (fixture!("hostile_legacy.pth"), "a `posix.system`", "nothing of a file is run here"),
        (fixture!("whole_module.pth"), "`torch.nn.modules.container.Sequential`", "torch.save(model.state_dict(), FILE)"),
        (fixture!("two_networks.pth"), "weights under `teacher`, `student`", "under `state_dict` or `model`"),
        (fixture!("nothing.pth"), "without weights", "model.state_dict()"),
        (fixture!("whole_numbers.pth"), "`0.bias` holds whole numbers", "float()"),
        (b"", "an empty file", "copy or download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "pointer of Git LFS", "weights"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page", "weights"),
        (b"\x80\x04}\x94.", "a Python pickle that `torch.save` did not write", "state_dict"),
        (b"PK\x03\x04", "a damaged zip archive", "copy or download it again"),
        (b"\x10\0\0\0\0\0\0\0{\"a\":", "a damaged safetensors file", "copy or download it again"),
    ] {
        let error = read(bytes).map(|(format, _)| format.title).unwrap_err();
        assert!(error.found.contains(found) && error.expected.contains(expected), "{error:?}");
    }
    assert!(!std::path::Path::new("ran-by-a-checkpoint").exists());
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_and_never_read_in_part() {
    for bytes in [fixture!("legacy.pth"), fixture!("plain.pth")] {
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end} of {}", bytes.len());
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_file_with_a_wrong_byte_is_refused_or_read_and_never_panics(
        place in 0_usize..754, byte in proptest::prelude::any::<u8>(), zip in proptest::prelude::any::<bool>(),
    ) {
        let mut bytes = if zip { fixture!("plain.pth") } else { fixture!("legacy.pth") }.to_vec();
        let last = bytes.len() - 1;
        bytes[place.min(last)] = byte;
        let _ = read(&bytes);
    }
}

/// Pickles as `torch.save` writes them.
mod pickled {
    pub(super) fn text(text: &str) -> Vec<u8> {
        [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }

    pub(super) fn number(number: i32) -> Vec<u8> {
        [b"J".as_slice(), &number.to_le_bytes()].concat()
    }

    pub(super) fn dictionary(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
        let entries: Vec<u8> = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
        [b"}(".as_slice(), &entries, b"u"].concat()
    }

    /// A row of so many numbers: all of the storage `key`.
    pub(super) fn tensor(key: &str, numbers: i32) -> Vec<u8> {
        let storage =
            [b"(".as_slice(), &text("storage"), b"ctorch\nFloatStorage\n", &text(key), &text("cpu"), &number(numbers), b"tQ"];
        let row = [
            number(0),
            b"(".to_vec(),
            number(numbers),
            b"t(".to_vec(),
            number(1),
            b"t\x89ccollections\nOrderedDict\n)R".to_vec(),
        ];
        [b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice(), &storage.concat(), &row.concat(), b"tR"].concat()
    }

    /// The file of PyTorch before 1.6 with `object` and these storages.
    pub(super) fn file(object: &[u8], storages: &[(String, Vec<f32>)]) -> Vec<u8> {
        let keys: Vec<u8> = storages.iter().flat_map(|(key, _)| text(key)).collect();
        let numbers = storages.iter().flat_map(|(_, numbers)| {
            let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
            (numbers.len() as u64).to_le_bytes().into_iter().chain(bytes)
        });
        let head = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
        let numbers: Vec<u8> = numbers.collect();
        [head.as_slice(), object, b".\x80\x02](", &keys, b"e.", &numbers].concat()
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn weights_are_found_under_any_names_and_beside_anything(
        wrappers in proptest::collection::vec(proptest::sample::select(
            vec!["state_dict", "model", "net", "model_state_dict", "network", "my experiment"]), 0..4),
        beside in proptest::collection::vec(proptest::sample::select(vec!["optimizer", "epoch", "name", "optim_state", "scheduler"]), 0..4),
        before in proptest::prelude::any::<bool>(),
        numbers in proptest::collection::vec(-1e6_f32..1e6, 1..20),
    ) {
        let tensor = pickled::tensor("7", numbers.len() as i32);
        let mut object = pickled::dictionary(&[("fc.weight".to_owned(), tensor), ("fc.num_batches_tracked".to_owned(), pickled::number(3))]);
        let others: Vec<(String, Vec<u8>)> = beside.iter().map(|name| ((*name).to_owned(), match *name {
            "epoch" => pickled::number(76),
            "name" => pickled::text("a run"),
            // Its momentum has the same numbers.
            _ => pickled::dictionary(&[("momentum".to_owned(), pickled::tensor("7", numbers.len() as i32))]),
        })).collect();
        for wrapper in wrappers.iter().rev() {
            let whole = ((*wrapper).to_owned(), object);
            let entries = if before { [vec![whole], others.clone()].concat() } else { [others.clone(), vec![whole]].concat() };
            object = pickled::dictionary(&entries);
        }
        let (_, container) = read(&pickled::file(&object, &[("7".to_owned(), numbers.clone())])).unwrap();
        proptest::prop_assert_eq!(container.found_under.unwrap_or_default(), wrappers.join("."));
        let expected = NamedTensor { shape: vec![numbers.len()], values: numbers };
        proptest::prop_assert_eq!(container.tensors, [("fc.weight".to_owned(), expected)]);
    }
}

/// The zip archive of PyTorch since 1.6 with `object` and these storages, packed as far as they go.
fn packed(object: &[u8], storages: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let pickle = [b"\x80\x02".as_slice(), object, b"."].concat();
    let files = [("data.pkl".to_owned(), &pickle)];
    let storages = storages.iter().map(|(key, bytes)| (format!("data/{key}"), bytes));
    for (name, bytes) in files.into_iter().chain(storages) {
        zip.start_file(format!("archive/{name}"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_storage_of_many_names_is_read_as_often_as_a_file_may_ask_and_no_more() {
    let numbers = vec![0.5_f32; 100_000];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let named = |count: usize| {
        let names = (0..count).map(|place| (format!("{place}.weight"), pickled::tensor("7", 100_000)));
        pickled::dictionary(&names.collect::<Vec<_>>())
    };
    let both = |count: usize| {
        let legacy = read(&pickled::file(&named(count), &[("7".to_owned(), numbers.clone())]));
        [legacy, read(&packed(&named(count), &[("7", bytes.clone())]))].map(|outcome| outcome.map(|(_, container)| container))
    };
    // Layers that share their numbers are common.
    for container in both(2).map(Result::unwrap) {
        assert_eq!(container.tensors.len(), 2);
        assert!(container.tensors.iter().all(|(_, tensor)| tensor.values == numbers));
    }
    for refused in both(5000).map(Result::unwrap_err) {
        assert!(refused.found.contains("whose 5000 tensors want 2000000000, from 1 storages of 400000 bytes"), "{refused:?}");
        assert!(refused.expected.contains("4 times the file"), "{refused:?}");
    }
}

#[test]
fn a_storage_that_is_packed_a_thousandfold_is_refused_before_it_is_unpacked() {
    let numbers = 4 << 20;
    let object = pickled::dictionary(&[("0.weight".to_owned(), pickled::tensor("7", numbers))]);
    let file = packed(&object, &[("7", vec![0; 4 * numbers as usize])]);
    assert!(file.len() < 1 << 16, "{}", file.len());
    let refused = read(&file).map(|(format, _)| format.title).unwrap_err();
    assert!(refused.found.contains("16777216"), "{refused:?}");
    // What is packed as little as weights are is read.
    let few = pickled::dictionary(&[("0.weight".to_owned(), pickled::tensor("7", 1000))]);
    assert_eq!(read(&packed(&few, &[("7", vec![0; 4000])])).unwrap().1.tensors[0].1.values, [0.0; 1000]);
}
