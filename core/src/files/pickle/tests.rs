//! What Python writes is read, in every protocol; nothing that is broken does more than say so.

use proptest::prelude::*;

use super::*;

/// Written by Python: see `tests/fixtures/make.py`.
const WRITTEN: [&[u8]; 6] = [
    include_bytes!("../../../../tests/fixtures/values-0.pickle"),
    include_bytes!("../../../../tests/fixtures/values-1.pickle"),
    include_bytes!("../../../../tests/fixtures/values-2.pickle"),
    include_bytes!("../../../../tests/fixtures/values-3.pickle"),
    include_bytes!("../../../../tests/fixtures/values-4.pickle"),
    include_bytes!("../../../../tests/fixtures/values-5.pickle"),
];

#[test]
fn every_protocol_gives_the_same_values() {
    for (protocol, file) in WRITTEN.into_iter().enumerate() {
        let pickle = read(file).unwrap_or_else(|error| panic!("protocol {protocol}: {error}"));
        assert_eq!(pickle.length(), file.len(), "protocol {protocol}");
        let root = pickle.root();
        let of = |name: &str| root.get(name).unwrap_or_else(|| panic!("protocol {protocol} has no {name}"));
        let ints = |name: &str| of(name).elements().into_iter().map(Value::int).collect::<Option<Vec<i64>>>();
        assert_eq!(of("none").node(), &Node::None);
        assert_eq!(ints("truth"), Some(vec![1, 0]), "protocol {protocol}");
        let whole = vec![0, -1, 255, 256, 65_536, i64::from(i32::MIN), 1 << 40, -(1 << 40), i64::MAX];
        assert_eq!(ints("whole"), Some(whole), "protocol {protocol}");
        assert_eq!(ints("many"), Some((0..300).collect()));
        let floats: Vec<&Node<'_>> = of("float").elements().into_iter().map(Value::node).collect();
        assert_eq!(floats, [&Node::Float(1.5), &Node::Float(-0.25)]);
        assert_eq!(of("text").text(), Some("é, ∂ and a\nline"), "protocol {protocol}");
        let lengths: Vec<usize> = of("tuples").elements().into_iter().map(|tuple| tuple.elements().len()).collect();
        assert_eq!(lengths, [0, 1, 2, 3, 4]);
        assert_eq!(of("bytes").bytes().as_deref(), Some(b"\x00\xff'\"\\\n".as_slice()), "protocol {protocol}");
        let shared: Vec<Id> = of("shared").elements().into_iter().map(Value::id).collect();
        assert_eq!(shared[0], shared[1], "protocol {protocol}");
        assert_eq!(of("ordered").callable(), Some(("collections", "OrderedDict")));
        assert_eq!(of("ordered").get("b").and_then(Value::int), Some(2), "protocol {protocol}");
        if protocol > 0 {
            // 2^70: 9 bytes, the last of which is 64.
            assert_eq!(of("long").node(), &Node::LongInt(Cow::Borrowed(&[0, 0, 0, 0, 0, 0, 0, 0, 64])), "protocol {protocol}");
        }
        let array = of("array").numpy().unwrap_or_else(|| panic!("protocol {protocol}"));
        assert_eq!((array.dtype.as_str(), array.shape, array.fortran_order), ("|u1", vec![2, 3], false));
        assert_eq!(&*array.bytes, [0, 1, 2, 3, 4, 5]);
        let array = of("fortran").numpy().unwrap_or_else(|| panic!("protocol {protocol}"));
        assert_eq!((array.dtype.as_str(), array.shape, array.fortran_order), ("<f4", vec![2, 3], true));
        let first = array.bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])).collect::<Vec<_>>();
        assert_eq!(first, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}

#[test]
fn a_call_is_a_record_and_nothing_is_run() {
    // What `os.system("touch x")` looks like in a pickle.
    let pickle = read(b"cos\nsystem\n(S'touch x'\ntR.").expect("the pickle is whole");
    assert_eq!(pickle.root().callable(), Some(("os", "system")));
    assert_eq!(pickle.root().arguments()[0].text(), Some("touch x"));
    let made = read(b"(icollections\nCounter\nb.").map(|pickle| pickle.root().id());
    assert!(made.is_err(), "a state is set that is not there");
}

#[test]
fn what_lies_outside_is_named_and_more_may_follow() {
    // As PyTorch writes a storage: a tuple as the persistent name, and another pickle behind this one.
    let pickle = read(b"\x80\x02(U\x07storageU\x010K\x04tQ.\x80\x02K\x01.").expect("the pickle is whole");
    let name = pickle.root().persistent().expect("it is outside").elements();
    assert_eq!((name[0].text(), name[1].text(), name[2].int()), (Some("storage"), Some("0"), Some(4)));
    assert_eq!(pickle.length(), 20);
}

#[test]
fn numbers_in_digits_are_twos_complement() {
    let of = |text: &str| {
        let file = format!("L{text}L\n.");
        let pickle = read(file.as_bytes()).ok()?;
        Some(match pickle.root().node() {
            Node::Int(number) => Node::Int(*number),
            Node::LongInt(bytes) => Node::LongInt(Cow::Owned(bytes.to_vec())),
            _ => Node::None,
        })
    };
    let long = |bytes: &'static [u8]| Some(Node::LongInt(Cow::Borrowed(bytes)));
    assert_eq!(of("-12"), Some(Node::Int(-12)));
    // 2^63 and -2^63 - 1, as Python's int.to_bytes gives them with `signed=True`.
    assert_eq!(of("9223372036854775808"), long(&[0, 0, 0, 0, 0, 0, 0, 128, 0]));
    assert_eq!(of("-9223372036854775809"), long(&[255, 255, 255, 255, 255, 255, 255, 127, 255]));
    assert!(of("").is_none() && of("12x").is_none() && of(&"9".repeat(1001)).is_none());
}

#[test]
fn a_list_that_holds_itself_is_read() {
    let pickle = read(b"]q\x00h\x00a.").expect("the pickle is whole");
    assert_eq!(pickle.root().elements()[0].id(), pickle.root().id());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (bytes, at, said) in [
        (b"".as_slice(), 0, "breaks off"),
        (b"\x80\x09.", 0, "protocol 9"),
        (b"K\x01\xfe.", 2, "opcode 0xfe"),
        (b".", 0, "where there is none"),
        (b"0.", 0, "where there is none"),
        (b"h\x07.", 0, "never remembered"),
        (b"}K\x01s.", 3, "where there is none"),
        (b"}(K\x01u.", 4, "key without a value"),
        (b"X\xff\xff\xff\xffab", 0, "4294967295 bytes"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffab", 0, "breaks off"),
        (b"K\x01K\x02a.", 4, "no list"),
        (b"\x97.", 0, "outside"),
        (b"e.", 0, "never begun"),
    ] {
        let error = read(bytes).expect_err("it is broken");
        assert!(error.at == at && error.found.contains(said), "{error}");
    }
}

#[test]
fn a_pickle_that_is_cut_anywhere_is_refused() {
    for (protocol, file) in WRITTEN.into_iter().enumerate() {
        for end in 0..file.len() {
            assert!(read(&file[..end]).is_err(), "protocol {protocol}, cut at {end}");
        }
    }
}

#[test]
fn a_short_pickle_of_very_many_values_is_refused() {
    // A zip archive packs this a thousandfold.
    let error = read(&vec![b'N'; 2 * reader::MOST]).expect_err("it has too many values");
    assert!(error.found.contains("more than 4194304 values"), "{error}");
    let error = read(&[b"N".as_slice(), &vec![0x94; 2 * reader::MOST]].concat()).expect_err("it remembers too many values");
    assert!(error.found.contains("more than 4194304 values"), "{error}");
}

#[test]
fn text_that_is_no_utf_8_is_read_as_far_as_it_is() {
    // `'a\udcff'`, as Python has the name of a file whose bytes are no text.
    let pickle = read(b"X\x04\0\0\0a\xed\xb3\xbf.").expect("the pickle is whole");
    assert!(pickle.root().text().is_some_and(|text| text.starts_with('a')));
}

proptest! {
    /// A pickle of which a byte is another is read or refused: it ends, and does not panic.
    #[test]
    fn damage_is_no_panic(protocol in 0..6_usize, place in 0..4096_usize, byte: u8) {
        let mut file = WRITTEN[protocol].to_vec();
        let place = place % file.len();
        file[place] = byte;
        if let Ok(pickle) = read(&file) {
            let _ = pickle.root().get("array").and_then(Value::numpy);
            let _ = pickle.root().get("bytes").and_then(|value| value.bytes().map(|bytes| bytes.len()));
        }
    }

    #[test]
    fn no_bytes_whatever_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(pickle) = read(&bytes) {
            let _ = pickle.root().numpy();
        }
    }
}
